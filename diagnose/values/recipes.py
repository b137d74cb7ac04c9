"""Training recipes, and the diff of two of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from diagnose.values.findings import Finding, Significance


class Absence(Enum):
    """What a recipe does not say: a value of its own, equal to nothing that is stated."""

    NOT_STATED = "not stated"

    def __str__(self) -> str:
        return "not stated"


NOT_STATED = Absence.NOT_STATED


class ScheduleKind(StrEnum):
    """How the learning rate moves; `OTHER` is described in words alone, and no probe can run it."""

    CONSTANT = "constant"
    STEP = "step"
    COSINE = "cosine"
    ONE_CYCLE = "one-cycle"
    OTHER = "other"


class ScheduleStepping(StrEnum):
    """When the schedule moves on."""

    BEFORE_EPOCH = "before each epoch"
    AFTER_EPOCH = "after each epoch"
    AFTER_STEP = "after each step"


class DecayScope(StrEnum):
    """The parameters that the weight decay applies to."""

    ALL = "all parameters"
    NO_NORMS = "all but norms"
    NO_NORMS_NOR_BIASES = "all but norms and biases"


class InitialWeights(StrEnum):
    """How the weights are initialised."""

    OWN = "the model's own"
    TORCH = "torch default"
    KAIMING = "Kaiming-normal"
    MMPRETRAIN = "mmpretrain init_weights"


class ReportedEpoch(StrEnum):
    """The epoch whose accuracy a recipe reports."""

    LAST = "last"
    BEST_ON_VALIDATION = "best on validation"
    BEST_ON_TEST = "best on test"
    EVERY = "every epoch"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the learning rate moves, by the value of a `ScheduleKind`.

    "step" multiplies by `gamma` at each of `milestones`, in epochs; "one-cycle" rises to `peak`. `text` describes
    what is "other".
    """

    kind: str
    milestones: tuple[float, ...] = ()
    gamma: float = 0.1
    peak: float = 0.0
    text: str = ""

    def __str__(self) -> str:
        if self.kind == ScheduleKind.STEP:
            return f"×{self.gamma:g} at {', '.join(f'{epoch:g}' for epoch in self.milestones)}"
        if self.kind == ScheduleKind.ONE_CYCLE:
            return f"one-cycle to {self.peak:g}"
        return self.text or self.kind


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Mean and standard deviation of each channel, in units of 0–255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"mean {mean}; std {std}"


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Zero-padding and the side of the random crop, in pixels (0: no crop); the probability of a horizontal flip.

    `other` names what stands beside them, which no probe can run.
    """

    pad: int = 0
    crop: int = 0
    flip: float = 0.0
    other: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"pad {self.pad}, random crop {self.crop}"] if self.crop else []
        parts += [f"horizontal flip {self.flip:g}"] if self.flip else []
        return ", ".join((*parts, *self.other)) or "none"


SettingValue = str | int | float | bool | Schedule | Normalisation | Augmentation | Absence


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a recipe: what it is set to, and where that is read."""

    key: str
    value: SettingValue
    source: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained. A key that has no setting is not stated; `recipes.fields` lists the keys.

    `text` is what was typed for it, where that is not its name; `unread` are the keys of its source that no field
    holds, each with its value in text.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    text: str = ""
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def typed(self) -> str:
        """Return what a shell takes for it."""
        return shlex.quote(self.text or self.name)

    def get(self, key: str) -> SettingValue:
        """Return the value of a field, `NOT_STATED` where the recipe does not say."""
        return next((setting.value for setting in self.settings if setting.key == key), NOT_STATED)

    def source(self, key: str) -> str:
        """Return where a field's value is read, or an empty string."""
        return next((setting.source for setting in self.settings if setting.key == key), "")

    def moved(self, settings: Iterable[Setting]) -> Recipe:
        """Return this recipe with other settings in place of its own."""
        new = {setting.key: setting for setting in settings}
        kept = tuple(setting for setting in self.settings if setting.key not in new)
        return replace(self, settings=(*kept, *new.values()))


FACTORS: dict[str, tuple[str, ...]] = {
    "momentum": ("momentum",),
    "weight_decay": ("weight_decay", "weight_decay_on"),
    "train_images": ("train_images", "held_out"),
    "init": ("init",),
    "normalisation": ("normalisation",),
    "schedule": ("schedule", "epochs"),  # milestones are counted in the epochs of their own recipe
    "schedule_steps": ("schedule_steps",),
    "learning_rate": ("learning_rate",),
    "nesterov": ("nesterov",),
    "batch_size": ("batch_size",),
    "augmentation": ("augmentation",),
    "label_smoothing": ("label_smoothing",),
}
"""What a probe can ablate, the most important first, and the fields of a recipe that each moves."""


class FieldStatus(StrEnum):
    """How two recipes stand to one field: `UNSTATED` is what one of them alone states."""

    DIFFERS = "differs"
    UNSTATED = "unstated"
    EQUAL = "equal"
    BOTH_UNSTATED = "both unstated"


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field of two recipes."""

    key: str
    title: str
    a: SettingValue
    b: SettingValue
    status: FieldStatus
    verdict: Significance
    why: str
    source_a: str
    source_b: str


@dataclass(frozen=True, slots=True)
class UnreadDifference:
    """A key that no field holds, and its values in the two recipes' sources, None where one of them lacks it."""

    key: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True)
class RecipeDiff:
    """Two recipes compared, every field in order; `findings` are their differences.

    `flagged` lists the reasons to doubt the accuracy of either that hold without any comparison, `unread` the keys
    that no field holds and that differ: whether they matter is undetermined.
    """

    a: Recipe
    b: Recipe
    fields: tuple[FieldDiff, ...]
    findings: tuple[Finding, ...]
    flagged: tuple[Finding, ...]
    unread: tuple[UnreadDifference, ...] = ()

    def having(self, status: FieldStatus) -> tuple[FieldDiff, ...]:
        """Return the fields of one status."""
        return tuple(field for field in self.fields if field.status == status)
