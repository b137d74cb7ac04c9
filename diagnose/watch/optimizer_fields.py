"""The optimizer's fields of a recipe, read off its groups as they acted at each step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from diagnose.values import NOT_STATED, Basis, ObservedSetting, SettingValue, Sighting, SightingKind
from diagnose.watch.training_log import TrainingLog

PLAIN = {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
"""The hyperparameters that are fields of their own, and what an SGD has that was given none."""


def optimizer_fields(log: TrainingLog) -> Iterator[ObservedSetting]:
    """Yield optimizer, momentum, Nesterov, weight decay and what it applies to."""
    keys = ("optimizer", *PLAIN, "weight_decay_on")
    if log.optimizer is None:
        for key in keys:
            yield not_observed(key, SightingKind.NO_OPTIMIZER)
        return
    kind = SightingKind.STEPS if log.steps else SightingKind.NOT_STEPPED
    yield seen_at_steps("optimizer", log.optimizer["name"], kind, log, {"steps": len(log.steps)})
    for key in PLAIN:
        yield _hyperparameter(key, log)
    yield _decayed(log)


def not_observed(key: str, kind: SightingKind, **numbers: Any) -> ObservedSetting:
    """Return a field that nothing was seen of, with the reason."""
    return ObservedSetting(key, NOT_STATED, Basis.NOT_OBSERVED, Sighting(kind, numbers))


def seen_at_steps(
    key: str, value: SettingValue, kind: SightingKind, log: TrainingLog, numbers: dict[str, Any]
) -> ObservedSetting:
    """Return a field of the optimizer as it acted at its steps; read off it where it made none."""
    place = log.optimizer["place"] if log.optimizer else ""
    if not log.steps:
        return ObservedSetting(key, value, Basis.READ, Sighting(SightingKind.NOT_STEPPED, place=place))
    return ObservedSetting(key, value, Basis.OBSERVED, Sighting(kind, numbers, place))


def _hyperparameter(key: str, log: TrainingLog) -> ObservedSetting:
    """Return a hyperparameter that all groups share; weight decay is that of the groups that have one."""
    values = {group.get(key) for group in log.groups} - {None}
    if key == "weight_decay" and len(values) == 2:
        values -= {0}
    numbers = {"groups": len(log.groups), "steps": len(log.steps), "values": sorted(map(str, values))}
    if not values and log.optimizer is not None:  # an Adam has no momentum μ
        return not_observed(key, SightingKind.NO_SUCH_NUMBER, optimizer=log.optimizer["name"])
    if len(values) > 1 or not isinstance(next(iter(values)), bool | int | float):
        return not_observed(key, SightingKind.UNLIKE_GROUPS, **numbers)
    value: Any = next(iter(values))
    shown = bool(value) if key == "nesterov" else float(value)
    return seen_at_steps(key, shown, SightingKind.GROUPS, log, numbers)


def _decayed(log: TrainingLog) -> ObservedSetting:
    """Return which kinds of parameters have a weight decay, where a word of the recipe says it."""
    decays = [group.get("weight_decay") for group in log.groups]
    cover = log.cover
    numbers = {"groups": len(decays), "steps": len(log.steps), "values": sorted({str(decay) for decay in decays})}
    if not decays or None in decays:
        return not_observed("weight_decay_on", SightingKind.UNLIKE_GROUPS, **numbers)
    if all(decays) or not any(decays):
        return seen_at_steps("weight_decay_on", "all parameters", SightingKind.GROUPS, log, numbers)
    if cover is None or not cover["kinds"]:
        return not_observed("weight_decay_on", SightingKind.NO_NETWORK)
    with_decay: set[str] = set()
    without: set[str] = set()
    for group, kinds in cover["kinds"].items():
        (with_decay if decays[int(group)] else without).update(kinds)
    words = {
        (("weight",), ("bias", "norm")): "all but norms and biases",
        (("weight",), ("norm",)): "all but norms and biases",
        (("bias", "weight"), ("norm",)): "all but norms",
    }
    word = words.get((tuple(sorted(with_decay)), tuple(sorted(without))))
    if word is None:
        return not_observed("weight_decay_on", SightingKind.UNLIKE_GROUPS, **numbers)
    return seen_at_steps("weight_decay_on", word, SightingKind.GROUPS, log, numbers)
