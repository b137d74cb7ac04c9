"""The remaining fields of a recipe: epochs, loss, initial weights, evaluation and seed."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.values import Basis, Ending, ObservedSetting, Sighting, SightingKind
from diagnose.watch.optimizer_fields import not_observed
from diagnose.watch.training_log import TrainingLog

NAMES = {
    "cross_entropy": "cross-entropy",
    "nll_loss": "negative log-likelihood",
    "mse_loss": "mean squared error",
    "l1_loss": "mean absolute error",
    "binary_cross_entropy": "binary cross-entropy",
    "binary_cross_entropy_with_logits": "binary cross-entropy with logits",
}
"""Losses by their function in torch; others are named by the function."""


MOST_SEED = 10**12
"""Largest seed that a recipe holds."""


def training_fields(log: TrainingLog) -> Iterator[ObservedSetting]:
    """Yield epochs, loss, label smoothing, initial weights, what is evaluated when, and the seed."""
    yield _epochs(log)
    yield from _loss(log)
    yield not_observed("init", SightingKind.INITIAL_WEIGHTS)
    yield from _evaluation(log)
    yield _seed(log)


def _epochs(log: TrainingLog) -> ObservedSetting:
    if not log.training_passes:
        return not_observed("epochs", SightingKind.NO_LOADER, loaders=0)
    if log.ending is not Ending.BY_ITSELF:
        return not_observed("epochs", SightingKind.ENDED_EARLY, epochs=log.epochs)
    if len(log.training_loaders) != 1:
        return not_observed("epochs", SightingKind.SEVERAL_LOADERS, loaders=len(log.training_loaders))
    if any(not (p["cut"] or p["exhausted"]) for p in log.passes if p["number"] in log.training_passes):
        return not_observed("epochs", SightingKind.PASSES, epochs=log.epochs)
    evidence = Sighting(SightingKind.PASSES, {"epochs": log.epochs}, log.training_loaders[0]["place"])
    return ObservedSetting("epochs", log.epochs, Basis.OBSERVED, evidence)


def _loss(log: TrainingLog) -> Iterator[ObservedSetting]:
    written = [event for event in log.of("loss") if event["terms"]]
    functions = {term["function"] for event in written for term in event["terms"]}
    if len(functions) != 1:
        kind = SightingKind.SEVERAL_LOSSES if functions else SightingKind.NO_LOSS
        yield not_observed("loss", kind, names=sorted(functions))
        yield not_observed("label_smoothing", kind, names=sorted(functions))
        return
    function, place = next(iter(functions)), written[0]["place"]
    name = _name(log, function)
    evidence = Sighting(SightingKind.LOSS_CALL, {"function": function, "steps": len(log.of("backward"))}, place)
    yield ObservedSetting("loss", name, Basis.OBSERVED, evidence)
    smoothing = {term["options"].get("label_smoothing", 0.0) for event in written for term in event["terms"]}
    if function not in ("cross_entropy", "nll_loss") or len(smoothing) != 1:
        yield not_observed("label_smoothing", SightingKind.NO_SMOOTHING, function=function)
    else:
        yield ObservedSetting("label_smoothing", float(smoothing.pop()), Basis.OBSERVED, evidence)


def _name(log: TrainingLog, function: str) -> str:
    """Return a loss's name; a negative log-likelihood of a log-softmax is a cross-entropy."""
    before = {look.get("before") for look in log.of("loss-input") if look["function"] == function}
    if function == "nll_loss" and before == {"LogSoftmaxBackward0"}:
        return "cross-entropy"
    return NAMES.get(function, function)


def _evaluation(log: TrainingLog) -> Iterator[ObservedSetting]:
    passes = [p for p in log.evaluation_passes if p["number"] > min(log.training_passes, default=0)]
    if not passes:
        yield not_observed("evaluated_epoch", SightingKind.NO_EVALUATION)
        yield not_observed("evaluated_on", SightingKind.NO_EVALUATION)
        return
    last = max(log.training_passes, default=0)
    loaders = {p["loader"] for p in passes if p["loader"] in log.loaders}
    if all(p["number"] > last for p in passes) and len(passes) == 1 and log.ending is Ending.BY_ITSELF:
        evidence = Sighting(SightingKind.EVALUATED_ONCE, {"epochs": log.epochs})
        yield ObservedSetting("evaluated_epoch", "last", Basis.OBSERVED, evidence)
    else:
        yield not_observed("evaluated_epoch", SightingKind.EVALUATED_OFTEN, passes=len(passes), epochs=log.epochs)
    splits = {log.loaders[number]["data"]["split"] for number in loaders}
    split = splits.pop() if len(splits) == 1 else None
    subset = any(log.loaders[number]["data"]["subset"] for number in loaders)
    if split is None or subset or len(loaders) != 1:
        yield not_observed("evaluated_on", SightingKind.NO_SPLIT, loaders=len(loaders))
    else:
        loader = log.loaders[next(iter(loaders))]
        evidence = Sighting(SightingKind.SPLIT, {"data": loader["data"]["class"], "split": split}, loader["place"])
        yield ObservedSetting("evaluated_on", split, Basis.READ, evidence)


def _seed(log: TrainingLog) -> ObservedSetting:
    calls = [seed for seed in log.of("seed") if seed["library"] == "torch"]
    early = {seed["value"] for seed in calls if seed["after_steps"] == 0}
    if not calls:
        return not_observed("seed", SightingKind.NO_SEED)
    value = early.pop() if len(early) == 1 else None
    if value is None or not 0 <= value <= MOST_SEED:
        return not_observed("seed", SightingKind.SEVERAL_SEEDS, calls=len(calls))
    evidence = Sighting(SightingKind.SEED_CALL, {"calls": len(calls)}, calls[0]["place"])
    return ObservedSetting("seed", value, Basis.OBSERVED, evidence)
