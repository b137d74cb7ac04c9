"""The fields of a recipe: what each is called, what it may be set to, and why it matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from diagnose.values import (
    Augmentation,
    DecayScope,
    InitialWeights,
    Normalisation,
    ReportedEpoch,
    Schedule,
    ScheduleKind,
    ScheduleStepping,
    SettingValue,
)

Reader = Callable[[Any], SettingValue]
"""From a TOML value to a setting; raises ValueError that says what is expected."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a recipe; a new one is one entry of `FIELDS`."""

    key: str
    title: str
    why: str
    read: Reader


def _word(*known: str) -> Reader:
    def read(value: Any) -> str:
        if value not in known:
            raise ValueError(f"one of {', '.join(map(repr, known))}")
        return str(value)

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _real(*, low: float = 0.0, high: float = 1e9) -> Reader:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return read


def _whole(low: int) -> Reader:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= 10**12:
            raise ValueError(f"a whole number from {low}")
        return value

    return read


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _seed(value: Any) -> int | str:
    return "random" if value == "random" else int(_whole(0)(value))  # type: ignore[arg-type]


def _table(value: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not set(value) <= set(known):
        raise ValueError(f"a table with the keys {', '.join(known)}")
    return value


def _numbers(value: Any, *, above: float) -> tuple[float, ...]:
    fits = isinstance(value, list | tuple) and all(
        isinstance(item, int | float) and not isinstance(item, bool) and isfinite(item) and item > above
        for item in value
    )
    if not fits:
        raise ValueError(f"a list of numbers above {above:g}")
    return tuple(map(float, value))


_OF_SCHEDULES: dict[str, frozenset[str]] = {
    ScheduleKind.STEP: frozenset(["milestones", "gamma"]),
    ScheduleKind.ONE_CYCLE: frozenset(["peak"]),
    ScheduleKind.OTHER: frozenset(["text"]),
}
"""The keys that a kind of schedule has beside `kind`."""


def _schedule(value: Any) -> Schedule:
    if value in (ScheduleKind.CONSTANT, ScheduleKind.COSINE):
        return Schedule(value)
    table = _table(value, ("kind", "milestones", "gamma", "peak", "text"))
    kind = _word(*ScheduleKind)(table.get("kind"))
    own = _OF_SCHEDULES.get(str(kind), frozenset())
    if set(table) - own - {"kind"}:
        raise ValueError(f"no other keys than {', '.join(f'`{key}`' for key in ('kind', *sorted(own)))} for this kind")
    milestones = _numbers(table.get("milestones", []), above=0)
    if kind == ScheduleKind.STEP and (not milestones or list(milestones) != sorted(set(milestones))):
        raise ValueError('rising `milestones`, in epochs, for the kind "step"')
    if kind == ScheduleKind.ONE_CYCLE and "peak" not in table:
        raise ValueError('a `peak` for the kind "one-cycle"')
    gamma, peak = _real()(table.get("gamma", 0.1)), _real()(table.get("peak", 0.0))
    return Schedule(str(kind), milestones, gamma, peak, str(table.get("text", "")))  # type: ignore[arg-type]


def _normalisation(value: Any) -> Normalisation:
    table = _table(value, ("mean", "std"))
    mean, std = _numbers(table.get("mean"), above=-1e9), _numbers(table.get("std"), above=0)
    if len(mean) != len(std) or len(mean) not in (1, 3):
        raise ValueError("`mean` and `std` with three numbers each, in units of 0–255")
    return Normalisation(mean, std)


def _augmentation(value: Any) -> Augmentation:
    if value == "none":
        return Augmentation()
    table = _table(value, ("pad", "crop", "flip", "other"))
    further = table.get("other", [])
    if not isinstance(further, list | tuple) or not all(isinstance(item, str) for item in further):
        raise ValueError("`other` as a list of texts")
    pad, crop = _whole(0)(table.get("pad", 0)), _whole(0)(table.get("crop", 0))
    flip = _real(high=1.0)(table.get("flip", 0.0))
    return Augmentation(pad, crop, flip, tuple(further))  # type: ignore[arg-type]


FIELDS: dict[str, Field] = {
    field.key: field
    for field in (
        Field("optimizer", "optimiser", "another optimiser needs another learning rate and weight decay", _text),
        Field(
            "learning_rate",
            "initial learning rate",
            "it sets the size of every step, together with the momentum and the batch size",
            _real(),
        ),
        Field(
            "momentum",
            "momentum μ",
            "it smooths the steps and multiplies their length by 1/(1−μ): 0.9 against 0 is ten times the learning rate",
            _real(high=0.999999),
        ),
        Field("nesterov", "Nesterov momentum", "it looks one step ahead; usually a small effect", _truth),
        Field(
            "weight_decay",
            "weight decay λ",
            "it regularises; before a norm layer it sets the effective learning rate, over about 1/(lr·λ) steps",
            _real(),
        ),
        Field(
            "weight_decay_on",
            "weight decay applies to",
            "sparing norms and biases weakens the regularisation slightly",
            _word(*DecayScope),
        ),
        Field("schedule", "schedule", "the last points of accuracy come after the learning rate has fallen", _schedule),
        Field(
            "schedule_steps",
            "the schedule steps",
            "before or after an epoch moves every drop by one epoch; per step draws a smooth curve",
            _word(*ScheduleStepping),
        ),
        Field("epochs", "epochs", "the length of the training; milestones are meant for it", _whole(1)),
        Field(
            "batch_size",
            "batch size",
            "with the learning rate it sets the noise of the steps; batch norm's statistics depend on it",
            _whole(1),
        ),
        Field("train_images", "training images", "fewer images, lower accuracy, whatever the model", _whole(1)),
        Field(
            "held_out",
            "training images held out",
            "images held back for validation are missing in the training",
            _whole(0),
        ),
        Field(
            "normalisation",
            "normalisation (0–255)",
            "it scales the input; the first norm layer undoes most of it, zero-padding and weight decay see the rest",
            _normalisation,
        ),
        Field(
            "augmentation",
            "augmentation",
            "on CIFAR-10 crop and flip decide whether the network learns the images by heart",
            _augmentation,
        ),
        Field("loss", "loss", "what is minimised", _text),
        Field(
            "label_smoothing",
            "label smoothing",
            "it regularises; cross-entropies with and without it cannot be compared",
            _real(high=1.0),
        ),
        Field(
            "init",
            "weight initialisation",
            "it sets how the first epochs go; its effect at the end of a long training may be small",
            _word(*InitialWeights),
        ),
        Field(
            "evaluated_epoch",
            "epoch that is reported",
            "the best epoch is higher than the last; picked on the test set it is biased upwards",
            _word(*ReportedEpoch),
        ),
        Field("evaluated_on", "evaluated on", "accuracies on different images cannot be compared", _text),
        Field(
            "seed",
            "seed",
            "a seed is one draw: it moves an accuracy by the noise between seeds, and explains no lasting gap",
            _seed,
        ),
    )
}
"""Every field in the order in which it is shown."""
