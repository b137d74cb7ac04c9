"""Faults of the learning rate and its schedule."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.values import Ending, Fault, FaultKind, Significance
from diagnose.watch.schedule_fields import AFTER_EPOCH, AFTER_STEP, BEFORE_EPOCH, stepping
from diagnose.watch.training_log import TrainingLog

FEW = 10
"""How many times fewer steps than a schedule is made for are too few in any reading."""


def idle(log: TrainingLog) -> Iterator[Fault]:
    """Yield schedulers that a whole training never stepped."""
    if log.epochs < 2 or len(log.rates) < 2 or not _reached_an_end(log):
        return
    for scheduler in log.schedulers:
        if not log.scheduler_steps(scheduler) and len(set(log.rates)) == 1:
            yield Fault(
                FaultKind.SCHEDULER_IDLE,
                Significance.REAL,
                log.epochs,
                log.epochs,
                scheduler["place"],
                {"scheduler": scheduler["name"]},
            )


def _reached_an_end(log: TrainingLog) -> bool:
    """Say whether at least two passes with training came to their end, after each of which a step could come."""
    whole = [p for p in log.passes if p["number"] in log.training_passes and (p["cut"] or p["exhausted"])]
    return log.ending is Ending.BY_ITSELF or len(whole) > 2


def first(log: TrainingLog) -> Iterator[Fault]:
    """Yield schedulers that are stepped per step or after epochs, and were stepped before the first optimizer step.

    A schedule that is stepped before each epoch skips its first rate as well, which its milestones may allow for.
    """
    if log.of("scaler") or not log.steps:
        return
    for scheduler in log.schedulers:
        steps = log.scheduler_steps(scheduler)
        early = [step for step in steps if step["after_steps"] == 0]
        if len(early) != 1 or len(steps) < 2 or scheduler["module"] != "torch.optim.lr_scheduler":
            continue
        before_each = stepping(log, scheduler) == BEFORE_EPOCH
        yield Fault(
            FaultKind.SCHEDULER_FIRST,
            Significance.UNDETERMINED if before_each else Significance.REAL,
            1,
            1,
            early[0]["place"],
            {"scheduler": scheduler["name"], "rate": log.rates[0]},
        )


def too_fast(log: TrainingLog) -> Iterator[Fault]:
    """Yield schedules that are stepped per batch and whose whole course lies within the first epoch."""
    if len(log.training_loaders) != 1:
        return
    length = log.training_loaders[0]["length"]
    for scheduler in log.schedulers:
        values, per_batch = scheduler["values"], stepping(log, scheduler) == AFTER_STEP
        last = {"MultiStepLR": max(values.get("milestones", [0]), default=0), "CosineAnnealingLR": values.get("T_max")}
        end = last.get(scheduler["name"])
        if per_batch and end and length and log.epochs > 1 and end <= length // (log.accumulation or 1):
            yield Fault(
                FaultKind.SCHEDULE_TOO_FAST,
                Significance.REAL,
                int(end),
                length,
                log.scheduler_steps(scheduler)[0]["place"],
                {"scheduler": scheduler["name"]},
            )


def too_slow(log: TrainingLog) -> Iterator[Fault]:
    """Yield schedules made for many steps that are stepped per epoch, and so stay near their beginning."""
    if log.ending is not Ending.BY_ITSELF:
        return
    for scheduler in log.schedulers:
        values = scheduler["values"]
        made_for = values.get({"OneCycleLR": "total_steps", "CosineAnnealingLR": "T_max"}.get(scheduler["name"], ""))
        steps = len(log.scheduler_steps(scheduler))
        per_epoch = stepping(log, scheduler) in (AFTER_EPOCH, BEFORE_EPOCH)
        if per_epoch and made_for and made_for >= FEW * steps:
            yield Fault(
                FaultKind.SCHEDULE_TOO_SLOW,
                Significance.REAL,
                steps,
                int(made_for),
                log.scheduler_steps(scheduler)[0]["place"],
                {"scheduler": scheduler["name"]},
            )


def zero_rate(log: TrainingLog) -> Iterator[Fault]:
    """Yield an optimizer all of whose steps had a learning rate of 0."""
    zero = [step for step in log.steps if step["lr"] and not any(step["lr"])]
    if log.optimizer is not None and len(zero) > 1 and len(zero) == len(log.steps):
        yield Fault(FaultKind.ZERO_RATE, Significance.REAL, len(zero), len(zero), log.optimizer["place"])


CHECKS = (idle, first, too_fast, too_slow, zero_rate)
