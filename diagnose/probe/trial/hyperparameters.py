"""What one trial trains with: a recipe's fields as numbers, its schedule scaled to the trial's length."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from diagnose.errors import DiagnoseError, UsageError
from diagnose.values import (
    NOT_STATED,
    Augmentation,
    DecayScope,
    InitialWeights,
    Normalisation,
    Recipe,
    Schedule,
    ScheduleKind,
    ScheduleStepping,
)

ASSUMED: dict[str, object] = {
    "learning_rate": 0.1,
    "momentum": 0.0,
    "nesterov": False,
    "weight_decay": 0.0,
    "weight_decay_on": DecayScope.ALL,
    "schedule": Schedule(ScheduleKind.CONSTANT),
    "schedule_steps": ScheduleStepping.AFTER_EPOCH,
    "batch_size": 128,
    "normalisation": Normalisation((127.5,) * 3, (127.5,) * 3),
    "augmentation": Augmentation(),
    "label_smoothing": 0.0,
    "init": InitialWeights.OWN,
}
"""What a trial uses where neither recipe states it; the report lists these."""


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """The numbers of one trial."""

    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float
    weight_decay_on: str
    schedule: Schedule
    schedule_steps: str
    batch_size: int
    normalisation: Normalisation
    augmentation: Augmentation
    label_smoothing: float
    init: str

    @property
    def initial_rate(self) -> float:
        """Return the learning rate that the schedule starts from, or the one that it rises to."""
        return self.schedule.peak if self.schedule.kind == ScheduleKind.ONE_CYCLE else self.learning_rate

    def effective(self) -> Hyperparameters:
        """Return these settings with what has no bearing on a trial set to one value: equal ones train alike."""
        schedule = self.schedule
        stepwise = schedule.kind == ScheduleKind.STEP and self.schedule_steps == ScheduleStepping.BEFORE_EPOCH
        return replace(
            self,
            nesterov=self.nesterov and self.momentum > 0,
            weight_decay_on=self.weight_decay_on if self.weight_decay else DecayScope.ALL,
            learning_rate=self.initial_rate,
            schedule_steps=ScheduleStepping.BEFORE_EPOCH if stepwise else ScheduleStepping.AFTER_EPOCH,
        )

    def rate(self, step: int, steps_per_epoch: int, epochs: int, planned: int) -> float:
        """Return the learning rate of a step, counted from 0, in a trial of `epochs` of the recipe's `planned`.

        The schedule is compressed: the trial passes through all of it, milestones in proportion, to the step.
        """
        steps = epochs * steps_per_epoch
        if self.schedule.kind == ScheduleKind.ONE_CYCLE:
            return _one_cycle(step, steps, self.schedule.peak)
        progress = step / steps * planned  # in epochs of the recipe
        if self.schedule.kind == ScheduleKind.STEP:
            # Where the schedule steps before each epoch, a drop at epoch m comes before the m-th, not after it.
            early = 1 if self.schedule_steps == ScheduleStepping.BEFORE_EPOCH else 0
            passed = sum(progress >= milestone - early for milestone in self.schedule.milestones)
            return self.learning_rate * self.schedule.gamma**passed
        if self.schedule.kind == ScheduleKind.COSINE:
            return self.learning_rate * (1 + math.cos(math.pi * progress / planned)) / 2
        return self.learning_rate


def _one_cycle(step: int, steps: int, peak: float) -> float:
    """Return torch's OneCycleLR: a cosine from peak/25 to peak in 30 % of the steps, then down to peak/250,000."""
    start, end, turn = peak / 25, peak / 25 / 1e4, max(0.3 * steps - 1, 0.0)
    if step <= turn:
        return _cosine(start, peak, step / turn if turn else 1.0)
    return _cosine(peak, end, (step - turn) / (steps - 1 - turn))


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def hyperparameters_of(recipe: Recipe) -> tuple[Hyperparameters, tuple[str, ...]]:
    """Return a recipe's settings, and the keys that it does not state and are `ASSUMED`.

    Raises:
        DiagnoseError: the recipe asks for what a trial cannot do (exit code 2).
    """
    optimizer, loss = recipe.get("optimizer"), recipe.get("loss")
    for key, value, known in (("optimizer", optimizer, "SGD"), ("loss", loss, "cross-entropy")):
        if value is not NOT_STATED and value != known:
            raise _cannot(recipe, key, value, known)
    values = {key: recipe.get(key) for key in ASSUMED}
    assumed = tuple(key for key, value in values.items() if value is NOT_STATED)
    found = Hyperparameters(**(values | {key: ASSUMED[key] for key in assumed}))  # type: ignore[arg-type]
    if found.initial_rate <= 0:
        raise _cannot(recipe, "learning_rate", found.initial_rate, "learning rates above 0")
    if found.schedule.kind == ScheduleKind.OTHER:
        raise _cannot(recipe, "schedule", found.schedule, "constant, step, cosine or one-cycle")
    if found.augmentation.other:
        raise _cannot(recipe, "augmentation", found.augmentation, "a padded random crop and a horizontal flip")
    if found.augmentation.pad and not found.augmentation.crop:
        raise _cannot(recipe, "augmentation", f"pad {found.augmentation.pad} without a crop", "a padded random crop")
    return found, assumed


def _cannot(recipe: Recipe, key: str, value: object, known: str) -> DiagnoseError:
    return UsageError(
        f"A probe cannot train with {key} = {value} of the recipe {recipe.name}.",
        hint=f"It knows {known}.",
    )
