"""Faults of which parameters an optimizer holds, which have a gradient, and which weights are there at all."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.values import Ending, Fault, FaultKind, Significance
from diagnose.watch.process_logs import Event
from diagnose.watch.training_log import TrainingLog


def _covers(log: TrainingLog) -> list[Event]:
    """Return the last look at each optimizer that stepped."""
    last: dict[int, Event] = {cover["optimizer"]: cover for cover in log.of("cover") if cover["tensors"]}
    return list(last.values())


def stale(log: TrainingLog) -> Iterator[Fault]:
    """Yield an optimizer that holds parameters of no network that runs, while one that runs has some in no optimizer.

    This is what remains of a layer that was replaced after the optimizer had been made.
    """
    covers = _covers(log)
    if len(covers) != 1:
        return
    cover = covers[0]
    lost, outside = cover["held_of_no_network_without_gradient"], cover["counts"]["outside_with_gradient"]
    if lost and outside and lost == cover["held_of_no_network"]:
        numbers = {"names": cover["names"]["outside_with_gradient"], "outside": outside}
        yield Fault(FaultKind.STALE_PARAMETERS, Significance.REAL, lost, cover["held"], _place(log, cover), numbers)


def outside(log: TrainingLog) -> Iterator[Fault]:
    """Yield parameters that have a gradient and are in no optimizer; that they are left as they are may be meant."""
    covers = _covers(log)
    if len(covers) != 1 or any(stale(log)):
        return
    cover = covers[0]
    count = cover["counts"]["outside_with_gradient"]
    if count:
        numbers = {"names": cover["names"]["outside_with_gradient"]}
        place = _place(log, cover)
        yield Fault(FaultKind.OUTSIDE_OPTIMIZER, Significance.UNDETERMINED, count, cover["tensors"], place, numbers)


def without_gradient(log: TrainingLog) -> Iterator[Fault]:
    """Yield parameters that an optimizer holds and that had no gradient at any step that was looked at."""
    for number in {cover["optimizer"] for cover in log.of("cover")}:
        looks = [cover for cover in log.of("cover") if cover["optimizer"] == number and cover["tensors"]]
        if len(looks) < 2:
            continue
        names = set.intersection(*(set(look["names"]["without_gradient"]) for look in looks))
        count = min(look["counts"]["without_gradient"] for look in looks)
        all_of_them = looks[-1]["held"] - looks[-1]["held_of_no_network"]
        if names and 0 < count < all_of_them:  # a step without any gradient is a fault of its own
            yield Fault(
                FaultKind.WITHOUT_GRADIENT,
                Significance.UNDETERMINED,
                count,
                looks[-1]["held"],
                _place(log, looks[-1]),
                {"names": sorted(names), "looks": len(looks)},
            )


def average_idle(log: TrainingLog) -> Iterator[Fault]:
    """Yield averaged weights that were made and never updated in a whole training."""
    made = log.of("average")
    if made and not log.of("average-update") and log.ending is Ending.BY_ITSELF and log.epochs > 1:
        yield Fault(FaultKind.AVERAGE_IDLE, Significance.REAL, len(log.steps), len(log.steps), made[0]["place"])


def not_taken(log: TrainingLog) -> Iterator[Fault]:
    """Yield a checkpoint of which a network took nothing, or not all that it has."""
    for loaded in log.of("checkpoint"):
        if loaded["missing"]:
            nothing = loaded["taken"] == 0
            yield Fault(
                FaultKind.CHECKPOINT_NOT_TAKEN,
                Significance.REAL if nothing else Significance.UNDETERMINED,
                loaded["missing"],
                loaded["tensors"],
                loaded["place"],
                {"names": loaded["examples"], "into": loaded["into"]},
            )


def _place(log: TrainingLog, cover: Event) -> str:
    return next((str(o["place"]) for o in log.of("optimizer") if o["number"] == cover["optimizer"]), "")


CHECKS = (stale, outside, without_gradient, average_idle, not_taken)
