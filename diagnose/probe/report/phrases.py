"""The effects of a probe in sentences: the verdict, what its control shows about momentum, and the power."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagnose.probe.effects.comparisons import BEYOND, comparisons
from diagnose.probe.effects.effects import INCONCLUSIVE, ModelEffects
from diagnose.probe.effects.statistics import ALPHA, detectable
from diagnose.probe.plan.plan import Plan
from diagnose.probe.report.quantities import at_most, lengths, signed, span, steps_of
from diagnose.values import Effect
from diagnose.wording import counted

if TYPE_CHECKING:
    from diagnose.probe.answer import TrialSchedule


def horizon(found: ModelEffects) -> str:
    """Return the model and the numbers of steps that its effects belong to: those of the fewest and the most."""
    return f"{found.model} after {steps_of(effect.steps for effect in (found.gap, found.again, *found.effects))}"


def sentence(found: ModelEffects) -> str:
    """Return the verdict on one model at one horizon."""
    if not found.conclusive:
        return f"{horizon(found)}: inconclusive, {found.reason}."
    suspects = [e for e in found.effects if e.factor != BEYOND and not e.factor.startswith("learning rate ×")]
    effects = [f"{e.factor} ({signed(e.difference)} points)" for e in suspects if e.verdict == "effect"]
    none = [f"{at_most(e.bound)} for {e.factor}" for e in suspects if e.verdict.startswith("no effect")]
    unseen = [e.factor for e in suspects if e.verdict == "undetermined" and not e.observable]
    undetermined = [e.factor for e in suspects if e.verdict == "undetermined" and e.factor not in unseen]
    parts = [f"an effect of {_listed(effects)}" if effects else "no suspect has a proven effect"]
    parts += [f"no effect larger than {_listed(none)}"] if none else []
    parts += [f"undetermined: {_listed(undetermined)}"] if undetermined else []
    parts += [f"unobservable so early: {_listed(unseen)}"] if unseen else []
    return f"{horizon(found)}: {'; '.join(parts)}."


def ends(found: ModelEffects) -> str:
    """Say how far the end points are apart, and how far two arms of the same training are."""
    gap, again = (points(effect) if math.isfinite(effect.low) else "" for effect in (found.gap, found.again))
    apart = f"the end points are {gap} apart" if gap else "how far the end points are apart is not known"
    return f"{apart}; other seeds of the start alone {f'move it by {again}' if again else 'do not tell the noise'}."


def reading(found: ModelEffects) -> str:
    """Say how much of momentum's effect is the length of its steps, by its control arm; empty where there is none."""
    beyond = next((effect for effect in found.effects if effect.factor == BEYOND), None)
    momentum = next((effect for effect in found.effects if effect.factor == "momentum"), None)
    if beyond is None or momentum is None or found.reason:
        return ""
    if beyond.diverged or not math.isfinite(beyond.low):
        why = beyond.note or "its control has too few trials"
        return f"what of momentum's effect is its step length is undetermined: {why}."
    if beyond.verdict == "effect":
        return f"at the same step length momentum still moves the accuracy by {points(beyond)}."
    if beyond.verdict == "undetermined":
        return f"what of momentum's effect is its step length is undetermined: beyond it are {points(beyond)}."
    same = f"the learning rate that makes the steps as long does the same, within {at_most(beyond.bound)} points"
    return f"momentum's effect is that of its step length: {same}." if momentum.verdict == "effect" else f"{same}."


def steps_apart(plan: Plan, found: ModelEffects) -> Iterator[str]:
    """Say which arms take another number of steps than the start: that is part of what they change."""
    start = next(arm for arm in plan.arms if arm.kind == "start")
    ours = plan.steps(start, found.epochs)
    others: dict[int, list[str]] = {}
    for arm in plan.arms:
        if (theirs := plan.steps(arm, found.epochs)) != ours:
            others.setdefault(theirs, []).append(arm.name)
    for theirs, names in others.items():
        yield f"{counted(theirs, 'step')} in place of {ours:,} are part of what is changed by: {_listed(names)}."


def settling(found: ModelEffects) -> str:
    """Say how many seeds would settle what is open, by the noise that was seen; empty where nothing is, or they do not.

    A change that is open for another reason than the noise is not among them.
    """
    if found.reason not in ("", INCONCLUSIVE):
        return ""
    names = {"end": "the end points"}
    needed = [
        f"{names.get(effect.factor, effect.factor)} {effect.seeds_needed}"
        for effect in (found.gap, *found.effects)
        if effect.seeds_needed
    ]
    return f"Seeds that would settle what is open, by the noise of these: {_listed(needed)}." if needed else ""


def stands_on(prepared: TrialSchedule) -> str:
    """Name the basis of every number of a probe: seeds, lengths and images."""
    plan, numerics = prepared.plan, prepared.decision.numerics
    return (
        f"Every number stands on {plan.seeds} seeds, {lengths(plan.horizons)}, up to "
        f"{plan.images:,} training and {len(prepared.images.test_images):,} test images from {prepared.images.name}, "
        f"on {numerics}, threads: {numerics.threads}; it is the accuracy of the last epoch on the test images."
    )


def power(plan: Plan) -> Iterator[str]:
    """Name the smallest effect that this number of seeds can show, in units of the noise, which is not known yet."""
    suspects = [suspect for suspect in comparisons(plan.arms) if suspect.kind == "suspect"]
    tests = max(len(suspects) * len(plan.models) * len(plan.horizons), 1)
    alone, among = (detectable(1.0, plan.seeds, paired=True, alpha=ALPHA / count) for count in (1, tests))
    said = f"{alone:.1f} points where it is alone"
    said += f" and {among:.1f} points where it is one of {tests} suspects" if tests > 1 else ""
    yield (
        f"with 80 % power {plan.seeds} seeds show an effect of {said}, if the differences of paired trials have a "
        "standard deviation of 1 point, which is an assumption; it grows in proportion to that."
    )
    if unpaired := [suspect.factor for suspect in suspects if not suspect.paired]:
        size = detectable(1.0, plan.seeds, paired=False, alpha=ALPHA / tests)
        yield (
            f"the arms of {_listed(unpaired)} begin with other weights and are not paired: {size:.1f} points, if the "
            "accuracies themselves have that deviation."
        )


def points(effect: Effect) -> str:
    """Return an effect with its interval and the number of its seeds: "+1.80 points (+0.90 to +2.70, n = 5)"."""
    return f"{signed(effect.difference)} points ({span(effect.low, effect.high)}, n = {effect.n})"


def reasons(found: ModelEffects) -> Iterator[str]:
    """Say of each suspect why it is open, where that is not the noise alone, and what limits an effect that is seen."""
    for effect in found.effects:
        if effect.note and effect.note != found.reason:
            yield f"{effect.factor}: {effect.note}."
        elif effect.caution and effect.verdict == "effect":
            yield f"{effect.factor}: {effect.caution}."


def _listed(words: list[str]) -> str:
    return ", ".join(words)
