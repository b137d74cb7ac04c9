"""What is seen beside the fields of a recipe: groups, clipping, precision, averages, evaluation, images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from diagnose.values import Basis, FactKind, ObservedFact, Sighting, SightingKind
from diagnose.watch.training_log import TrainingLog

LEFT_OUT = {"lr", "momentum", "nesterov", "weight_decay", "initial_lr", "maximize", "foreach", "capturable",
            "differentiable", "fused", "max_lr", "min_lr", "base_momentum", "max_momentum", "swa_lr"}  # fmt: skip
"""Hyperparameters that are fields of their own, or say how a step is computed and not what."""


def observed_facts(log: TrainingLog) -> Iterator[ObservedFact]:
    """Yield each fact that was seen, and of clipping, precision and averages also that there was none."""
    yield from _of_the_optimizer(log)
    yield from _of_the_loaders(log)
    yield from _of_the_steps(log)
    yield from _of_the_evaluation(log)
    yield from _of_the_images(log)
    for network in log.of("network"):
        value = f"{network['name']}: {network['parameters']:,} parameters, {network['trainable']:,} trainable"
        yield _fact(FactKind.NETWORK, f"{value}, {network['type']} on {network['device']}", SightingKind.FORWARDS)
    for loaded in log.of("checkpoint"):
        value = f"{loaded['taken']:,} of {loaded['tensors']:,} tensors of {loaded['into']} loaded"
        yield _fact(FactKind.CHECKPOINT, value, SightingKind.CALLS, place=loaded["place"], calls=1)


def _fact(
    kind: FactKind,
    value: str,
    evidence: SightingKind,
    *,
    basis: Basis = Basis.OBSERVED,
    place: str = "",
    **numbers: Any,
) -> ObservedFact:
    return ObservedFact(kind, value, basis, Sighting(evidence, numbers, place))


def _of_the_optimizer(log: TrainingLog) -> Iterator[ObservedFact]:
    if log.optimizer is None:
        return
    place, steps = log.optimizer["place"], len(log.steps)
    shared = log.groups[log.main_group] if log.groups else {}
    values = {key: value for key, value in shared.items() if key not in LEFT_OUT}
    if values:
        shown = ", ".join(f"{key} {_shown(value)}" for key, value in values.items())
        yield _fact(FactKind.HYPERPARAMETERS, shown, SightingKind.STEPS, place=place, steps=steps)
    if len(log.groups) > 1:
        for value in _groups(log):
            yield _fact(FactKind.PARAMETER_GROUPS, value, SightingKind.STEPS, place=place, steps=steps)
    stepped = Counter(step["optimizer"] for step in log.of("step"))
    if len(stepped) > 1:
        names = {optimizer["number"]: optimizer["name"] for optimizer in log.of("optimizer")}
        value = ", ".join(f"{names[number]} ({count:,} steps)" for number, count in stepped.items())
        yield _fact(FactKind.OPTIMIZERS, value, SightingKind.STEPS, steps=sum(stepped.values()))


def _groups(log: TrainingLog) -> Iterator[str]:
    """Yield the groups in words, those with equal learning rate and weight decay together."""
    kinds_of = log.cover["kinds"] if log.cover else {}
    sizes: Counter[tuple[float, float]] = Counter()
    kinds: dict[tuple[float, float], Counter[str]] = {}
    for i, (group, size) in enumerate(zip(log.groups, log.sizes, strict=True)):
        key = (group.get("lr", 0.0), group.get("weight_decay", 0.0))
        sizes[key] += size
        kinds.setdefault(key, Counter()).update(kinds_of.get(str(i), {}))
    for (rate, decay), size in sizes.items():
        held = ", ".join(f"{kind} ×{count}" for kind, count in kinds[rate, decay].items())
        yield f"{size:,} parameters ({held}): lr {rate:g}, weight decay {decay:g}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _of_the_loaders(log: TrainingLog) -> Iterator[ObservedFact]:
    for loader in log.training_loaders:
        place = loader["place"]
        shuffle = {True: "yes", False: "no", None: f"by {loader['sampler']}"}[loader["shuffle"]]
        for kind, value in (
            (FactKind.SHUFFLE, shuffle),
            (FactKind.DROP_LAST, "yes" if loader["drop_last"] else "no"),
            (FactKind.WORKERS, str(loader["workers"])),
        ):
            yield _fact(kind, value, SightingKind.LOADER, basis=Basis.READ, place=place, size=loader["batch_size"])
    if log.ranks > 1:
        yield _fact(FactKind.RANKS, str(log.ranks), SightingKind.STEPS, steps=len(log.steps))


def _of_the_steps(log: TrainingLog) -> Iterator[ObservedFact]:
    steps = len(log.steps)
    if log.accumulation is not None:
        yield _fact(FactKind.ACCUMULATION, str(log.accumulation), SightingKind.STEPS, steps=steps)
    clips = log.of("clip")
    if clips:
        limits = ", ".join(sorted({f"{clip['function']} at {clip['limit']:g}" for clip in clips}))
        norms = [clip["norm"] for clip in clips if isinstance(clip["norm"], int | float)]
        acted = sum(clip["norm"] > clip["limit"] for clip in clips if isinstance(clip["norm"], int | float))
        value = f"{limits}; it acted in {acted} of {len(norms)} calls" if norms else limits
        yield _fact(FactKind.CLIPPING, value, SightingKind.CALLS, place=clips[0]["place"], calls=len(clips))
    elif steps:
        yield _fact(FactKind.CLIPPING, "none of torch's functions", SightingKind.NO_CALLS)
    types = [event["type"] for event in log.of("autocast")]
    if types:
        value = ", ".join("no autocast" if kind == "none" else f"autocast to {kind}" for kind in types)
        yield _fact(FactKind.PRECISION, value, SightingKind.FORWARDS)
    scalers = [event for event in log.of("scaler") if event["enabled"]]
    if scalers:
        value = f"{len(log.of('scaled-step-skipped'))} steps skipped"
        yield _fact(FactKind.SCALER, value, SightingKind.CALLS, place=scalers[0]["place"], calls=len(scalers))
    averages = log.of("average")
    if averages:
        value = f"AveragedModel, updated {len(log.of('average-update')):,} times"
        yield _fact(FactKind.AVERAGE, value, SightingKind.CALLS, place=averages[0]["place"], calls=len(averages))
    terms = {repr(term): term for event in log.of("loss") for term in event["terms"]}
    for term in terms.values():
        options = ", ".join(f"{key}={value}" for key, value in term["options"].items())
        yield _fact(FactKind.LOSS_ARGUMENTS, f"{term['function']}({options})", SightingKind.FORWARDS)


def _of_the_evaluation(log: TrainingLog) -> Iterator[ObservedFact]:
    passes = log.evaluation_passes
    if not passes:
        return
    counts: Counter[str] = Counter()
    for seen in passes:
        counts.update(seen["forwards"])
    total = sum(counts.values())
    for kind, word, place in ((FactKind.EVALUATION_MODE, "eval", 0), (FactKind.EVALUATION_GRAD, "no_grad", 1)):
        having = sum(count for key, count in counts.items() if key.split("/")[place] == word)
        yield _fact(kind, f"{word} in {having:,} of {total:,} calls", SightingKind.FORWARDS)
    sizes = {log.loaders[p["loader"]]["data"]["length"] for p in passes if p["loader"] in log.loaders}
    known = ", ".join(f"{size:,}" for size in sorted(size for size in sizes if size is not None))
    if known:
        yield _fact(FactKind.EVALUATION_IMAGES, known, SightingKind.LOADER, size=known)


def _of_the_images(log: TrainingLog) -> Iterator[ObservedFact]:
    trains = {loader["number"] for loader in log.training_loaders}
    for number in sorted({batch["loader"] for batch in log.of("batch")}):
        batches = [batch for batch in log.of("batch") if batch["loader"] == number]
        shape = "×".join(str(side) for side in batches[0]["shape"])
        low, high = min(b["low"] for b in batches), max(b["high"] for b in batches)
        value = (
            f"{'training' if number in trains else 'evaluation'}: {shape} {batches[0]['type']}, {low:.4g} to {high:.4g}"
        )
        if "mean" in batches[0]:
            mean, std = (
                ", ".join(f"{sum(b[key][i] for b in batches) / len(batches):.3g}" for i in range(len(batches[0][key])))
                for key in ("mean", "std")
            )
            value += f", mean {mean}, std {std}"
        place = log.loaders[number]["place"] if number in log.loaders else ""
        yield _fact(FactKind.IMAGES, value, SightingKind.MEASURED, place=place, batches=len(batches))
