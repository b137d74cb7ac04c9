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
from diagnose.values import Effect, Trial

MARGIN = 1.0
"""Points of accuracy: the largest bound that is called "no effect larger than x"."""

REGULARISERS = ("weight_decay", "label_smoothing", "augmentation")
"""Factors that a short training may show with another sign than a long one: they hold back what is learnt at first."""

INCONCLUSIVE = "the end points do not separate"
DIFFERS = "the A/A arm differs from itself"


@dataclass(frozen=True, slots=True)
class ModelEffects:
    """What the trials of one model say at one horizon.

    `gap` is the end against the start, `again` the A/A arm. `effects` are those of the suspects. `reason` says why
    nothing is concluded from them; it is empty where the end points separate and the A/A arm agrees with itself.
    """

    model: str
    epochs: int
    gap: Effect
    again: Effect
    effects: tuple[Effect, ...]
    reason: str

    @property
    def conclusive(self) -> bool:
        """Return whether effects may be claimed."""
        return not self.reason


def effects_of(plan: Plan, trials: Sequence[Trial]) -> tuple[ModelEffects, ...]:
    """Judge every model at every horizon.

    The p-values of all suspects of the probe are corrected together, and so are those of the end points and of the A/A
    arms, each among themselves.
    """
    places = [(model, epochs) for model in plan.models for epochs in plan.horizons]
    planned = comparisons(plan.arms)
    found = [compare_arms(trials, comparison_result, *place) for place in places for comparison_result in planned]
    judged: dict[tuple[str, str, int], Effect] = {}
    for kind in ("suspect", "end", "again"):
        family = [comparison_result for comparison_result in found if comparison_result.comparison.kind == kind]
        for result, corrected in zip(family, holm([comparison_result.p for comparison_result in family]), strict=True):
            judged[result.key] = _effect(plan, result, corrected, len(family))
    for model in plan.models:
        for comparison in (comparison_result for comparison_result in planned if comparison_result.kind != "again"):
            keys = [(comparison.factor, model, epochs) for epochs in plan.horizons]
            judged.update(zip(keys, with_signs([judged[key] for key in keys]), strict=True))
    return tuple(_model_effects(judged, found, *place) for place in places)


def _effect(plan: Plan, result: ComparisonResult, corrected: CorrectedPValue, tests: int) -> Effect:
    comparison, found = result.comparison, result.difference
    steps = plan.steps(comparison.b, result.epochs)
    start, end = sides(comparison)
    low, high = found.interval(corrected.alpha) if found else (-math.inf, math.inf)
    word, bound = verdict(low, high, MARGIN)
    deviation = found.deviation if found else math.nan
    options: dict[str, Any] = {"paired": comparison.paired, "alpha": corrected.alpha}
    needed = None
    if found and word == "undetermined":
        needed = seeds_to_settle(found.mean, deviation, margin=MARGIN, **options)
    decay = _steps_of_decay(comparison)
    observable = decay <= steps or word == "effect"  # what is seen was not too slow to be seen
    note = _why_open(plan, result)
    if not observable and not note:
        note = f"unobservable at this horizon: weight decay acts over about {decay:,.0f} steps"
    if note:
        word, needed = "undetermined", None
    return Effect(
        factor=comparison.factor,
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
        verdict=word,
        bound=bound,
        smallest_detectable=detectable(deviation, found.n, **options) if found else math.inf,
        seeds_needed=needed,
        share_of_gap=None,
        note=note,
        epochs=result.epochs,
        p_single=result.p,
        tests=tests,
        diverged=sum(result.diverged),
        against=comparison.a.name,
        observable=observable,
        caution=_caution(comparison, word, beyond=decay if decay > steps else 0.0),
    )


def _steps_of_decay(comparison: Comparison) -> float:
    """Return the steps over which the weight decay acts that a comparison changes, 0 where it changes none."""
    if comparison.b.kind != "ablation" or comparison.factor != "weight_decay":
        return 0.0
    return time_scale(comparison.a, comparison.b)


def _caution(comparison: Comparison, word: str, *, beyond: float) -> str:
    """Return what limits an effect that is seen, or an empty text; `beyond` are the steps it takes, if more than were
    trained.
    """
    if word != "effect" or comparison.b.kind != "ablation" or comparison.factor not in REGULARISERS:
        return ""
    acts = f"; it acts over about {beyond:,.0f} steps" if beyond else ""
    return f"it regularises, and its sign may turn in a longer training{acts}"


def _why_open(plan: Plan, result: ComparisonResult) -> str:
    """Return why a comparison stays open even if its numbers are clear, or an empty text."""
    comparison = result.comparison
    if any(result.diverged):
        pairs = zip((comparison.a, comparison.b), result.diverged, strict=True)
        return "; ".join(f"{count} of {plan.seeds} trials of “{arm.name}” diverged" for arm, count in pairs if count)
    if result.difference is None:
        return "no trial of it ended"
    if not math.isfinite(result.difference.error):
        if result.difference.n < 2:
            return "one seed says nothing of the noise"
        return "the difference is the same in all seeds, so the noise is not known"
    return ""


def _model_effects(
    judged: dict[tuple[str, str, int], Effect], found: Sequence[ComparisonResult], model: str, epochs: int
) -> ModelEffects:
    own = [
        comparison_result
        for comparison_result in found
        if (comparison_result.model, comparison_result.epochs) == (model, epochs)
    ]
    end = next(comparison_result for comparison_result in own if comparison_result.comparison.kind == "end")
    again = next(
        judged[comparison_result.key] for comparison_result in own if comparison_result.comparison.kind == "again"
    )
    if again.verdict == "effect":
        again = replace(again, note=f"{DIFFERS}, so the noise is larger than the seeds show")
    gap = judged[end.key]
    reason = _reason(gap, again)
    effects = []
    for result in own:
        effect = judged[result.key]
        if result.comparison.kind != "suspect":
            continue
        if reason:
            effects.append(replace(effect, verdict="undetermined", note=effect.note or reason))
            continue
        effects.append(_with_share(effect, result, end))
    return ModelEffects(model, epochs, gap, again, tuple(effects), reason)


def _reason(gap: Effect, again: Effect) -> str:
    """Return why nothing is concluded, or an empty text."""
    for effect, name in ((gap, "end points"), (again, "A/A arm")):
        if effect.diverged:
            return f"trials of the {name} diverged"
        if effect.n < 2:
            return f"too few trials of the {name} ended"
    apart = "" if gap.verdict == "effect" else gap.note or INCONCLUSIVE
    return ", and ".join(filter(None, (apart, DIFFERS if again.verdict == "effect" else "")))


def _with_share(effect: Effect, result: ComparisonResult, end: ComparisonResult) -> Effect:
    """Add which part of the gap an effect is, by the seeds that all of its arms have in common."""
    seeds = sorted(result.a.keys() & result.b.keys() & end.a.keys() & end.b.keys())
    if effect.note or len(seeds) < 2:
        return effect
    found = share([result.b[seed] - result.a[seed] for seed in seeds], [end.b[seed] - end.a[seed] for seed in seeds])
    if found is None:
        return effect
    return replace(effect, share_of_gap=found[0], share_low=found[1], share_high=found[2])
