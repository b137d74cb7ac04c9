"""What the effects of a probe come to in a sentence: the verdict, what its control says of momentum, the power."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagnose.probe.comparisons import BEYOND, comparisons
from diagnose.probe.effects import ModelEffects
from diagnose.probe.plan import Plan
from diagnose.probe.statistics import ALPHA, detectable
from diagnose.values import Effect

if TYPE_CHECKING:
    from diagnose.probe.answer import Prepared


def horizon(found: ModelEffects) -> str:
    """Return the model and the number of steps that an effect belongs to."""
    return f"{found.model} after {found.gap.steps:,} steps"


def sentence(found: ModelEffects) -> str:
    """Return the verdict on one model at one horizon."""
    if not found.conclusive:
        return f"{horizon(found)}: inconclusive, {found.reason}."
    suspects = [e for e in found.effects if e.factor != BEYOND and not e.factor.startswith("learning rate ×")]
    effects = [f"{e.factor} ({signed(e.difference)} points)" for e in suspects if e.verdict == "effect"]
    none = [f"{e.bound:.1f} for {e.factor}" for e in suspects if e.verdict.startswith("no effect")]
    unseen = [e.factor for e in suspects if e.verdict == "undetermined" and e.note.startswith("unobservable")]
    undetermined = [e.factor for e in suspects if e.verdict == "undetermined" and e.factor not in unseen]
    parts = [f"an effect of {_listed(effects)}" if effects else "no suspect has a proven effect"]
    parts += [f"no effect larger than {_listed(none)}"] if none else []
    parts += [f"undetermined: {_listed(undetermined)}"] if undetermined else []
    parts += [f"unobservable so early: {_listed(unseen)}"] if unseen else []
    return f"{horizon(found)}: {'; '.join(parts)}."


def ends(found: ModelEffects) -> str:
    """Say how far the end points are apart, and how far two arms of the same training are."""
    if not math.isfinite(found.gap.low) or not math.isfinite(found.again.low):
        return "how far the end points are apart is not known."
    return f"the end points are {points(found.gap)} apart; the same training with other seeds is {points(found.again)}."


def reading(found: ModelEffects) -> str:
    """Say how much of momentum's effect is the length of its steps, by its control arm; empty where there is none."""
    beyond = next((effect for effect in found.effects if effect.factor == BEYOND), None)
    momentum = next((effect for effect in found.effects if effect.factor == "momentum"), None)
    if beyond is None or momentum is None or found.reason:
        return ""
    if beyond.diverged:
        return f"what of momentum's effect is its step length is undetermined: {beyond.note}."
    if beyond.verdict == "effect":
        return f"at the same step length momentum still moves the accuracy by {points(beyond)}."
    if beyond.verdict == "undetermined":
        return f"what of momentum's effect is its step length is undetermined: beyond it are {points(beyond)}."
    same = f"a learning rate as much larger does the same, within {beyond.bound:.2f} points"
    return f"momentum's effect is that of its step length: {same}." if momentum.verdict == "effect" else f"{same}."


def steps_apart(plan: Plan, found: ModelEffects) -> Iterator[str]:
    """Say which arms take another number of steps than the start: that is part of their effect."""
    start = next(arm for arm in plan.arms if arm.kind == "start")
    ours = plan.steps(start, found.epochs)
    for arm in plan.arms:
        theirs = plan.steps(arm, found.epochs)
        if theirs != ours and arm.kind != "end":
            yield f"{arm.name} also takes {theirs:,} steps in place of {ours:,}, which is part of its effect."


def stands_on(prepared: Prepared) -> str:
    """Say what every number of a probe stands on."""
    plan, numerics = prepared.plan, prepared.decision.numerics
    return (
        f"Every number stands on {plan.seeds} seeds, {' and '.join(map(str, plan.horizons))} epochs, up to "
        f"{plan.images:,} training and {len(prepared.images.test_images):,} test images from {prepared.images.name}, "
        f"on {numerics}, threads: {numerics.threads}; it is the accuracy of the last epoch on the test images."
    )


def power(plan: Plan) -> tuple[str, ...]:
    """Say beforehand the smallest effect that so many seeds show, in units of a noise that is not known yet."""
    suspects = sum(each.kind == "suspect" for each in comparisons(plan.arms)) * len(plan.models) * len(plan.horizons)
    sizes = [(tests, detectable(1.0, plan.seeds, paired=True, alpha=ALPHA / tests)) for tests in {1, max(suspects, 1)}]
    said = " and ".join(
        f"{size:.1f} points where it is one of {tests} suspects"
        if tests > 1
        else f"{size:.1f} points where it is alone"
        for tests, size in sorted(sizes)
    )
    return (
        f"with 80 % power {plan.seeds} seeds show an effect of {said}, if the differences of paired trials have a "
        "standard deviation of 1 point, which is an assumption; it grows in proportion to that.",
    )


def points(effect: Effect) -> str:
    """Return an effect with its interval and the number of its seeds: "+1.80 points (+0.90 to +2.70, n = 5)"."""
    return f"{signed(effect.difference)} points ({span(effect.low, effect.high)}, n = {effect.n})"


def signed(number: float) -> str:
    """Return points of accuracy with their sign."""
    return f"{number:+.2f}".replace("-", "−")


def span(low: float, high: float) -> str:
    """Return an interval in points of accuracy."""
    return f"{signed(low)} to {signed(high)}"


def reasons(found: ModelEffects) -> Iterator[str]:
    """Say of each suspect that is open for another reason than the noise what that is."""
    for effect in found.effects:
        if effect.note and effect.note != found.reason:
            yield f"{effect.factor}: {effect.note}."


def _listed(words: list[str]) -> str:
    return ", ".join(words)
