"""Faults of the order of zero_grad, backward, clipping and step."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.values import Ending, Fault, FaultKind, Significance
from diagnose.watch.process_logs import Event
from diagnose.watch.training_log import TrainingLog

SEVERAL = 2
"""Fewest times that a fault is seen before it is told: one time may be a beginning or an end."""


def kept(log: TrainingLog) -> Iterator[Fault]:
    """Yield gradients of a step that were still there at every backward pass before the next step."""
    for optimizer in log.of("optimizer"):
        steps = [e for e in log.of("gradients-kept") if e["optimizer"] == optimizer["number"]]
        cleared = [e for e in log.of("gradients-cleared") if e["optimizer"] == optimizer["number"]]
        if len(steps) >= SEVERAL:
            always = not cleared
            significance = Significance.REAL if always else Significance.UNDETERMINED
            yield Fault(
                FaultKind.GRADIENTS_KEPT,
                significance,
                len(steps),
                len(steps) + len(cleared),
                steps[0]["place"],
                {"optimizer": optimizer["name"]},
            )


def without_gradient(log: TrainingLog) -> Iterator[Fault]:
    """Yield steps of an optimizer none of whose parameters had a gradient."""
    for optimizer in log.of("optimizer"):
        empty = [e for e in log.of("step-without-gradient") if e["optimizer"] == optimizer["number"]]
        steps = [e for e in log.of("step") if e["optimizer"] == optimizer["number"]]
        if len(empty) < SEVERAL:
            continue
        significance = Significance.REAL if 2 * len(empty) > len(steps) else Significance.UNDETERMINED
        yield Fault(
            FaultKind.STEP_WITHOUT_GRADIENT,
            significance,
            len(empty),
            len(steps),
            empty[0]["place"],
            {"optimizer": optimizer["name"]},
        )


def never_stepped(log: TrainingLog) -> Iterator[Fault]:
    """Yield optimizers that were never stepped although backward was called and no other one was stepped either."""
    if log.of("step") or len(log.of("backward")) < SEVERAL or log.of("scaled-step-skipped"):
        return
    if log.ending is not Ending.BY_ITSELF:
        return
    for optimizer in log.of("optimizer"):
        yield Fault(
            FaultKind.NEVER_STEPPED,
            Significance.REAL,
            len(log.of("backward")),
            len(log.of("backward")),
            optimizer["place"],
            {"optimizer": optimizer["name"]},
        )


def clipped_after_step(log: TrainingLog) -> Iterator[Fault]:
    """Yield clipping that came between a step and the next backward pass, where it has no effect."""
    clips = log.of("clip")
    late = [clip for clip in clips if _is_late(clip, log)]
    if len(late) >= SEVERAL and len(late) == len(clips):
        yield Fault(FaultKind.CLIPPED_AFTER_STEP, Significance.REAL, len(late), len(clips), late[0]["place"])


def _is_late(clip: Event, log: TrainingLog) -> bool:
    """Say whether the gradients that are clipped had been used by a step before, and by none after."""
    steps = log.of("step")
    used = [i for i, step in enumerate(steps, start=1) if step["after_backwards"] == clip["after_backwards"]]
    return bool(used) and max(used) <= clip["after_steps"]


def scaled_steps_skipped(log: TrainingLog) -> Iterator[Fault]:
    """Yield many steps that a gradient scaler skipped: a few at the beginning are how it finds its scale."""
    skipped, steps = len(log.of("scaled-step-skipped")), len(log.of("step"))
    if skipped > 5 and skipped > steps / 10:
        yield Fault(FaultKind.SCALED_STEPS_SKIPPED, Significance.REAL, skipped, skipped + steps)


CHECKS = (kept, without_gradient, never_stepped, clipped_after_step, scaled_steps_skipped)
