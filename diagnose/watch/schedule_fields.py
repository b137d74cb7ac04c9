"""The learning rate and its schedule, from the rate of each step and from the schedulers, which must agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from diagnose.values import (
    Basis,
    Ending,
    ObservedSetting,
    Schedule,
    Sighting,
    SightingKind,
)
from diagnose.watch.optimizer_fields import not_observed, seen_at_steps
from diagnose.watch.process_logs import Event
from diagnose.watch.training_log import TrainingLog

CLOSE = 1e-6
"""Relative difference of two learning rates that are equal."""

MOST_DROPS = 20
"""Most drops that are called a schedule of drops."""

BEFORE_EPOCH, AFTER_EPOCH, AFTER_STEP = "before each epoch", "after each epoch", "after each step"


def _isclose(a: float, b: float) -> bool:
    """Say whether two learning rates are equal but for rounding."""
    return math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-12)


def schedule_fields(log: TrainingLog) -> Iterator[ObservedSetting]:
    """Yield learning rate, schedule, and when the schedule steps."""
    if not log.rates:
        yield from _without_steps(log)
        return
    schedulers = log.schedulers
    scheduler = schedulers[0] if len(schedulers) == 1 else None
    yield _learning_rate(log, scheduler)
    if scheduler is None:
        basis = SightingKind.NO_SCHEDULER if not schedulers else SightingKind.SHORTENED_RATES
        yield _by_rates(log)
        yield not_observed("schedule_steps", basis, schedulers=len(schedulers))
        return
    unit = stepping(log, scheduler)
    yield _by_scheduler(log, scheduler, unit)
    steps = len(log.scheduler_steps(scheduler))
    if unit is None:
        yield not_observed("schedule_steps", SightingKind.SCHEDULER_STEPS, steps=steps, epochs=log.epochs)
    else:
        evidence = Sighting(
            SightingKind.SCHEDULER_STEPS, {"steps": steps, "epochs": log.epochs}, _step_place(log, scheduler)
        )
        yield ObservedSetting("schedule_steps", unit, Basis.OBSERVED, evidence)


def _without_steps(log: TrainingLog) -> Iterator[ObservedSetting]:
    """Yield what is known where no step was made: the rate of an optimizer of one group."""
    reason = SightingKind.NO_OPTIMIZER if log.optimizer is None else SightingKind.NO_STEP
    rate = log.groups[0].get("lr") if len(log.groups) == 1 else None
    if isinstance(rate, int | float):
        yield seen_at_steps("learning_rate", float(rate), SightingKind.NOT_STEPPED, log, {})
    else:
        yield not_observed("learning_rate", reason)
    yield not_observed("schedule", reason)
    yield not_observed("schedule_steps", reason)


def _step_place(log: TrainingLog, scheduler: Event) -> str:
    steps = log.scheduler_steps(scheduler)
    return str(steps[0]["place"]) if steps else ""


def _learning_rate(log: TrainingLog, scheduler: Event | None) -> ObservedSetting:
    """Return the rate of the first step; that given to the optimizer where a one-cycle schedule replaces it."""
    assert log.optimizer is not None
    if scheduler is not None and scheduler["name"] == "OneCycleLR":
        given = log.optimizer["groups"][log.main_group].get("lr")
        if isinstance(given, int | float):
            evidence = Sighting(SightingKind.GROUPS, _groups(log, [given]), log.optimizer["place"])
            return ObservedSetting("learning_rate", float(given), Basis.READ, evidence)
    first = log.rates[0]
    if len(set(log.steps[0]["lr"])) > 1:
        return not_observed("learning_rate", SightingKind.UNLIKE_GROUPS, **_groups(log, log.steps[0]["lr"]))
    evidence = Sighting(SightingKind.STEPS, {"steps": len(log.steps)}, log.optimizer["place"])
    return ObservedSetting("learning_rate", first, Basis.OBSERVED, evidence)


def _groups(log: TrainingLog, values: list[Any]) -> dict[str, Any]:
    return {"groups": len(log.groups), "steps": len(log.steps), "values": [f"{value:g}" for value in values]}


def stepping(log: TrainingLog, scheduler: Event) -> str | None:
    """Return when a scheduler is stepped, in the recipe's words; None where its steps fit none of them."""
    steps = log.scheduler_steps(scheduler)
    optimizer_steps = len(log.of("step"))
    if not steps or not log.epochs:
        return None
    per_pass = [step["after_steps"] for step in steps]
    if optimizer_steps > log.epochs and abs(len(steps) - optimizer_steps) <= 1:
        return AFTER_STEP
    if abs(len(steps) - log.epochs) <= 1 and len(set(per_pass)) == len(per_pass):
        return BEFORE_EPOCH if per_pass[0] == 0 else AFTER_EPOCH
    return None


# ---------------------------------------------------------------------------------------------- by scheduler


def _by_scheduler(log: TrainingLog, scheduler: Event, unit: str | None) -> ObservedSetting:
    """Return the schedule of one scheduler of torch, where the rates that acted are those that it would give."""
    steps = len(log.scheduler_steps(scheduler))
    numbers = {"scheduler": scheduler["name"], "steps": steps, "epochs": log.epochs}
    if steps == 0 and log.epochs > 1 and _constant(log.rates):
        evidence = Sighting(SightingKind.SCHEDULER_IDLE, numbers, scheduler["place"])
        return ObservedSetting("schedule", Schedule("constant"), Basis.OBSERVED, evidence)
    made = _made(log, scheduler, unit)
    if made is None or not _agrees(log, scheduler, made):
        return _by_rates(log)
    reached = made.kind != "step" or steps >= max(made.milestones, default=0)
    whole = log.ending is Ending.BY_ITSELF and unit != AFTER_STEP and reached
    kind = SightingKind.SCHEDULER_AGREES if whole else SightingKind.SCHEDULER_BEYOND
    basis = Basis.OBSERVED if whole else Basis.READ
    return ObservedSetting("schedule", made, basis, Sighting(kind, numbers, scheduler["place"]))


def _made(log: TrainingLog, scheduler: Event, unit: str | None) -> Schedule | None:
    """Return the recipe's schedule that a scheduler stands for, None where the recipe has none for it."""
    values: Mapping[str, Any] = scheduler["values"]
    name = scheduler["name"]
    if name == "MultiStepLR" and unit in (BEFORE_EPOCH, AFTER_EPOCH):
        milestones = tuple(map(float, values["milestones"]))
        if milestones and len(set(milestones)) == len(milestones):
            return Schedule("step", milestones, float(values["gamma"]))
    if name == "StepLR" and unit in (BEFORE_EPOCH, AFTER_EPOCH) and log.ending is Ending.BY_ITSELF:
        size = int(values["step_size"])
        drops = tuple(map(float, range(size, log.epochs + 1, size)))
        return Schedule("step", drops, float(values["gamma"])) if drops else Schedule("constant")
    if name == "CosineAnnealingLR" and values.get("eta_min") == 0 and log.ending is Ending.BY_ITSELF:
        length = _whole_steps(log) if unit == AFTER_STEP else log.epochs
        if unit is not None and values.get("T_max") == length:
            return Schedule("cosine")
    if name == "OneCycleLR" and unit == AFTER_STEP:
        group = log.groups[log.main_group]
        peak, first, last = (group.get(key) for key in ("max_lr", "initial_lr", "min_lr"))
        if peak and first and last and _isclose(first, peak / 25) and _isclose(last, first / 1e4):
            return Schedule("one-cycle", peak=float(peak))
    return None


def _whole_steps(log: TrainingLog) -> int | None:
    """Return the optimizer steps of the training if no pass were shortened, None where a length is unknown."""
    lengths = [log.loaders[log.loader_of_pass[number]]["length"] for number in log.training_passes]
    return sum(lengths) // (log.accumulation or 1) if None not in lengths else None


def _agrees(log: TrainingLog, scheduler: Event, made: Schedule) -> bool:
    """Say whether each rate that acted is the one that the schedule gives after as many steps of the scheduler."""
    base = float(scheduler["values"]["base_lrs"][log.main_group])
    positions = sorted(step["after_steps"] for step in log.scheduler_steps(scheduler))
    order = {id(step): i for i, step in enumerate(log.of("step"))}
    for step, rate in zip(log.steps, log.rates, strict=True):
        done = sum(position <= order[id(step)] for position in positions)
        if not _isclose(rate, _rate(made, base, scheduler["values"], done)):
            return False
    return True


def _rate(made: Schedule, base: float, values: Mapping[str, Any], done: int) -> float:
    """Return the learning rate after `done` steps of a scheduler.

    Source: the formulas in the documentation of torch.optim.lr_scheduler.
    """
    if made.kind == "step":
        return base * made.gamma ** sum(done >= milestone for milestone in made.milestones)
    if made.kind == "cosine":
        return _between(base, 0.0, done / values["T_max"])
    if made.kind == "one-cycle":
        turn, last = 0.3 * values["total_steps"] - 1, values["total_steps"] - 1
        if done <= turn:
            return _between(made.peak / 25, made.peak, done / turn)
        return _between(made.peak, made.peak / 25e4, (done - turn) / (last - turn))
    return base


def _between(start: float, end: float, part: float) -> float:
    """Return the point of half a cosine that leads from `start` to `end`."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


# -------------------------------------------------------------------------------------------------- by rates


def _by_rates(log: TrainingLog) -> ObservedSetting:
    """Return the schedule that the rates alone show."""
    assert log.optimizer is not None
    by_epoch = _rates_by_epoch(log)
    schedule = _fitted(log, by_epoch)
    shortened = any(p["cut"] for p in log.passes if p["number"] in log.training_passes)
    numbers = {"steps": len(log.rates), "epochs": log.epochs, "first": log.rates[0], "last": log.rates[-1]}
    whole = log.ending is Ending.BY_ITSELF and (by_epoch is not None or not shortened)
    kind = SightingKind.RATES if whole else SightingKind.SHORTENED_RATES
    if schedule.kind == "constant" and log.ending is not Ending.BY_ITSELF:
        return not_observed("schedule", SightingKind.ENDED_EARLY, epochs=log.epochs)
    return ObservedSetting("schedule", schedule, Basis.OBSERVED, Sighting(kind, numbers, log.optimizer["place"]))


def _constant(rates: tuple[float, ...]) -> bool:
    return all(_isclose(rate, rates[0]) for rate in rates)


def _rates_by_epoch(log: TrainingLog) -> tuple[float, ...] | None:
    """Return the rate of each epoch, None where it changes within one."""
    rates: dict[int, float] = {}
    for step, rate in zip(log.steps, log.rates, strict=True):
        if not _isclose(rates.setdefault(step["in_pass"], rate), rate):
            return None
    return tuple(rates[number] for number in sorted(rates))


def _fitted(log: TrainingLog, by_epoch: tuple[float, ...] | None) -> Schedule:
    if _constant(log.rates):
        return Schedule("constant")
    if by_epoch is not None:
        drops = _drops(by_epoch)
        if drops is not None:
            return drops
        half = by_epoch[0] / 2
        cosine = (half * (1 + math.cos(math.pi * i / len(by_epoch))) for i in range(len(by_epoch)))
        ended = log.ending is Ending.BY_ITSELF and len(by_epoch) > 2
        if ended and all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(by_epoch, cosine, strict=True)):
            return Schedule("cosine")
    names = ", ".join(scheduler["name"] for scheduler in log.schedulers)
    course = f"from {log.rates[0]:g} to {log.rates[-1]:g} in {len(log.rates):,} steps"
    return Schedule("other", text=f"{names} {course}".strip())


def _drops(by_epoch: tuple[float, ...]) -> Schedule | None:
    """Return a schedule of equal drops at few epochs, None where the rates are no such thing."""
    changes = [(i, by_epoch[i] / by_epoch[i - 1]) for i in range(1, len(by_epoch)) if by_epoch[i - 1] > 0]
    drops = [(i, ratio) for i, ratio in changes if not _isclose(ratio, 1)]
    if not drops or len(drops) > MOST_DROPS or drops[0][1] >= 1:
        return None
    gamma = drops[0][1]
    if not all(math.isclose(ratio, gamma, rel_tol=1e-4) for _, ratio in drops):
        return None
    return Schedule("step", tuple(float(i) for i, _ in drops), float(f"{gamma:.6g}"))
