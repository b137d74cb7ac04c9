"""From trials to effects: arms compared, judged together, with the controls that limit what is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from diagnose.probe.effects.comparisons import Comparison, ComparisonResult, compare_arms, comparisons, sides
from diagnose.probe.effects.horizons import time_scale, with_signs
from diagnose.probe.effects.statistics import CorrectedPValue, detectable, holm, seeds_to_settle, share, verdict
from diagnose.probe.plan.plan import Plan
from diagnose.values import ArmRole, Doubt, DoubtKind, Effect, EffectRole, EffectVerdict, Trial

MARGIN = 1.0
"""Points of accuracy: up to which an effect is called bounded."""

REGULARISERS = ("weight_decay", "label_smoothing", "augmentation")
"""Factors that a short training may show with another sign than a long one: they hold back what is learnt at first."""

ENDS_TOGETHER, AGAIN_DIFFERS = Doubt(DoubtKind.ENDS_TOGETHER), Doubt(DoubtKind.AGAIN_DIFFERS)


@dataclass(frozen=True, slots=True)
class ModelEffects:
    """What the trials of one model say at one horizon.

    `gap` is the end against the start, `again` the A/A arm. `effects` are those of the suspects. `doubts` say why
    nothing is concluded from them; there are none where the end points separate and the A/A arm agrees with itself.
    """

    model: str
    epochs: int
    gap: Effect
    again: Effect
    effects: tuple[Effect, ...]
    doubts: tuple[Doubt, ...]

    @property
    def conclusive(self) -> bool:
        """Return whether effects may be claimed."""
        return not self.doubts


def effects_of(plan: Plan, trials: Sequence[Trial], *, test_images: int | None = None) -> tuple[ModelEffects, ...]:
    """Judge every model at every horizon; `test_images` tells how fine an accuracy is, None where it is not known.

    The p-values of all suspects of the probe are corrected together, and so are those of the end points and of the A/A
    arms, each among themselves.
    """
    places = [(model, epochs) for model in plan.models for epochs in plan.horizons]
    planned = comparisons(plan.arms)
    resolution = 100 / test_images if test_images else None
    results = [
        compare_arms(trials, comparison, *place, resolution=resolution) for place in places for comparison in planned
    ]
    suspects, ends, controls = (
        [result for result in results if result.comparison.role in roles]
        for roles in ([role for role in EffectRole if role.is_suspect], [EffectRole.END], [EffectRole.AGAIN])
    )
    judged: dict[tuple[str, str, int], Effect] = {}
    for family in (suspects, ends, controls):
        for result, corrected in zip(family, holm([result.p for result in family]), strict=True):
            judged[result.key] = _effect(plan, result, corrected, len(family), resolution)
    for model in plan.models:
        for comparison in planned:
            if comparison.role is not EffectRole.AGAIN:
                keys = [(comparison.factor, model, epochs) for epochs in plan.horizons]
                judged.update(zip(keys, with_signs([judged[key] for key in keys]), strict=True))
    return tuple(_model_effects(judged, results, *place) for place in places)


def _effect(
    plan: Plan, result: ComparisonResult, corrected: CorrectedPValue, tests: int, resolution: float | None
) -> Effect:
    comparison, found = result.comparison, result.difference
    steps = plan.steps(comparison.b, result.epochs)
    start, end = sides(comparison)
    low, high = found.interval(corrected.alpha) if found else (-math.inf, math.inf)
    seen, bound = verdict(low, high, MARGIN)
    deviation = found.deviation if found else math.nan
    options: dict[str, Any] = {"paired": comparison.paired, "alpha": corrected.alpha}
    needed = None
    if found and seen is EffectVerdict.UNDETERMINED:
        needed = seeds_to_settle(found.mean, deviation, margin=MARGIN, **options)
    decay = _steps_of_decay(comparison)
    observable = decay <= steps or seen is EffectVerdict.EFFECT  # what is seen was not too slow to be seen
    doubts = _doubts(plan, result)
    if not observable and not doubts:
        doubts = (Doubt(DoubtKind.SLOW, steps=decay),)
    if doubts:
        seen, needed = EffectVerdict.UNDETERMINED, None
    cautions = _cautions(result, beyond=decay if decay > steps else 0.0, resolution=resolution)
    return Effect(
        factor=comparison.factor,
        role=comparison.role,
        start=start,
        end=end,
        model=result.model,
        steps=steps,
        difference=found.mean if found else math.nan,
        low=low,
        high=high,
        n=min(len(result.a), len(result.b)),
        paired=comparison.paired,
        p=corrected.p,
        verdict=seen,
        bound=bound,
        smallest_detectable=detectable(deviation, found.n, **options) if found else math.inf,
        seeds_needed=needed,
        share_of_gap=None,
        doubts=doubts,
        epochs=result.epochs,
        p_single=result.p,
        tests=tests,
        diverged=sum(result.diverged),
        against=comparison.a.name,
        observable=observable,
        cautions=cautions if seen is EffectVerdict.EFFECT else (),
    )


def _steps_of_decay(comparison: Comparison) -> float:
    """Return the steps over which the weight decay acts that a comparison changes, 0 where it changes none."""
    if comparison.b.role is not ArmRole.ABLATION or comparison.factor != "weight_decay":
        return 0.0
    return time_scale(comparison.a, comparison.b)


def _cautions(result: ComparisonResult, *, beyond: float, resolution: float | None) -> tuple[Doubt, ...]:
    """Return what limits an effect that is seen; `beyond` are the steps it takes, if more than were trained."""
    comparison, found = result.comparison, []
    if comparison.b.role is ArmRole.ABLATION and comparison.factor in REGULARISERS:
        found.append(Doubt(DoubtKind.REGULARISES, steps=beyond))
    if resolution and result.difference and result.difference.rounded:
        found.append(Doubt(DoubtKind.RESOLUTION, points=resolution))
    return tuple(found)


def _doubts(plan: Plan, result: ComparisonResult) -> tuple[Doubt, ...]:
    """Return why a comparison stays open even if its numbers are clear."""
    comparison = result.comparison
    if any(result.diverged):
        arms = zip((comparison.a.name, comparison.b.name), result.diverged, strict=True)
        lost = tuple((arm, count) for arm, count in arms if count)
        return (Doubt(DoubtKind.DIVERGED, diverged=lost, seeds=plan.seeds),)
    if result.difference is None:
        return (Doubt(DoubtKind.NONE_ENDED),)
    if not math.isfinite(result.difference.error):
        return (Doubt(DoubtKind.ONE_SEED if result.difference.n < 2 else DoubtKind.NO_SPREAD),)
    return ()


def _model_effects(
    judged: dict[tuple[str, str, int], Effect], results: Sequence[ComparisonResult], model: str, epochs: int
) -> ModelEffects:
    own = [result for result in results if (result.model, result.epochs) == (model, epochs)]
    end = next(result for result in own if result.comparison.role is EffectRole.END)
    again = next(judged[result.key] for result in own if result.comparison.role is EffectRole.AGAIN)
    if again.verdict is EffectVerdict.EFFECT:
        again = replace(again, doubts=(AGAIN_DIFFERS,))
    gap = judged[end.key]
    doubts = _doubts_of_all(gap, again)
    effects = []
    for result in own:
        effect = judged[result.key]
        if not effect.role.is_suspect:
            continue
        if doubts:
            effects.append(replace(effect, verdict=EffectVerdict.UNDETERMINED, doubts=effect.doubts or doubts))
            continue
        effects.append(_with_share(effect, result, end))
    return ModelEffects(model, epochs, gap, again, tuple(effects), doubts)


def _doubts_of_all(gap: Effect, again: Effect) -> tuple[Doubt, ...]:
    """Return why nothing is concluded of any suspect."""
    for effect in (gap, again):
        if effect.diverged:
            return (Doubt(DoubtKind.DIVERGED, role=effect.role),)
        if effect.n < 2:
            return (Doubt(DoubtKind.TOO_FEW, role=effect.role),)
    together = () if gap.verdict is EffectVerdict.EFFECT else gap.doubts or (ENDS_TOGETHER,)
    return (*together, *((AGAIN_DIFFERS,) if again.verdict is EffectVerdict.EFFECT else ()))


def _with_share(effect: Effect, result: ComparisonResult, end: ComparisonResult) -> Effect:
    """Add which part of the gap an effect is, by the seeds that all of its arms have in common."""
    seeds = sorted(result.a.keys() & result.b.keys() & end.a.keys() & end.b.keys())
    if effect.doubts or len(seeds) < 2:
        return effect
    found = share([result.b[seed] - result.a[seed] for seed in seeds], [end.b[seed] - end.a[seed] for seed in seeds])
    if found is None:
        return effect
    return replace(effect, share_of_gap=found[0], share_low=found[1], share_high=found[2])
