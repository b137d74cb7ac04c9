"""Faults of the order of the training data, their labels, and of seeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from diagnose.values import Fault, FaultKind, Significance
from diagnose.watch.process_logs import Event
from diagnose.watch.training_log import TrainingLog

BY_CHANCE = 1e-9
"""Largest probability that equal labels come from another order."""


def _passes(log: TrainingLog) -> list[Event]:
    """Return the passes over the one loader that trains, with their labels and of equal length."""
    if len(log.training_loaders) != 1:
        return []
    number = log.training_loaders[0]["number"]
    passes = [p for p in log.passes if p["loader"] == number and p["backwards"] and p["labels"]]
    most = Counter(p["batches"] for p in passes).most_common(1)
    return [p for p in passes if p["batches"] == most[0][0]]


def order_repeated(log: TrainingLog) -> Iterator[Fault]:
    """Yield a training whose labels came in the same order in every epoch."""
    passes = _passes(log)
    if len(passes) < 2 or len({p["labels"] for p in passes}) > 1 or _chance(passes[0]) > BY_CHANCE:
        return
    loader = log.training_loaders[0]
    drawn, batch = loader["drawn"], loader["batch_size"]
    if isinstance(drawn, int) and isinstance(batch, int) and drawn <= batch:
        return  # one batch holds all images: their order does not matter
    kind = FaultKind.ORDER_REPEATED if loader["shuffle"] else FaultKind.NOT_SHUFFLED
    significance = Significance.UNDETERMINED if loader["iterable"] else Significance.REAL
    yield Fault(kind, significance, len(passes), len(passes), loader["place"], {"sampler": loader["sampler"]})


def _chance(seen: Event) -> float:
    """Return the probability that a random order of these labels is the one that was seen.

    For n labels with n_c of each class it is the product of all n_c! divided by n!.
    """
    counts = [int(count) for count in seen["label_counts"].values()]
    return math.exp(sum(math.lgamma(count + 1) for count in counts) - math.lgamma(sum(counts) + 1))


def one_label(log: TrainingLog) -> Iterator[Fault]:
    """Yield a training all of whose labels that were seen are one."""
    passes = _passes(log)
    labels: Counter[str] = Counter()
    for seen in passes:
        labels.update(seen["label_counts"])
    if len(labels) == 1 and sum(labels.values()) >= 32:
        label, count = labels.most_common(1)[0]
        place = log.training_loaders[0]["place"]
        yield Fault(FaultKind.ONE_LABEL, Significance.REAL, count, count, place, {"label": label})


def reseeded(log: TrainingLog) -> Iterator[Fault]:
    """Yield one seed that is set again and again between the steps."""
    calls = [seed for seed in log.of("seed") if seed["library"] == "torch" and seed["value"] is not None]
    counted = Counter((seed["value"], seed["place"]) for seed in calls if seed["after_steps"])
    for (value, place), _ in counted.most_common(1):
        moments = {seed["after_steps"] for seed in calls if (seed["value"], seed["place"]) == (value, place)}
        if len(moments) >= 3:
            numbers = {"seed": value}
            yield Fault(FaultKind.RESEEDED, Significance.UNDETERMINED, len(moments), len(moments), place, numbers)


CHECKS = (order_repeated, one_label, reseeded)
