"""The effects of a probe in sentences: the verdict, what its control shows about momentum, and the power."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagnose.probe.effects.comparisons import comparisons
from diagnose.probe.effects.effects import ModelEffects
from diagnose.probe.effects.statistics import ALPHA, detectable
from diagnose.probe.plan.plan import Plan
from diagnose.probe.report.quantities import at_most, lengths, signed, span, steps_of
from diagnose.values import ArmRole, Doubt, DoubtKind, Effect, EffectRole, EffectVerdict
from diagnose.wording import counted

if TYPE_CHECKING:
    from diagnose.probe.answer import ProbeAnswer
    from diagnose.probe.trial.mend import DamagedFile


def horizon(found: ModelEffects) -> str:
    """Return the model and the numbers of steps that its effects belong to: those of the fewest and the most."""
    return f"{found.model} after {steps_of(effect.steps for effect in (found.gap, found.again, *found.effects))}"


def sentence(found: ModelEffects) -> str:
    """Return the verdict on one model at one horizon."""
    if not found.conclusive:
        return f"{horizon(found)}: inconclusive, {reason(found)}."
    suspects = [e for e in found.effects if e.role in (EffectRole.ABLATION, EffectRole.ALL)]
    by_verdict = {verdict: [e for e in suspects if e.verdict is verdict] for verdict in EffectVerdict}
    effects = [f"{e.factor} ({signed(e.difference)} points)" for e in by_verdict[EffectVerdict.EFFECT]]
    none = [f"{at_most(e.bound)} for {e.factor}" for e in by_verdict[EffectVerdict.BOUNDED]]
    unseen = [e.factor for e in by_verdict[EffectVerdict.UNDETERMINED] if not e.observable]
    undetermined = [e.factor for e in by_verdict[EffectVerdict.UNDETERMINED] if e.observable]
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
    beyond = next((effect for effect in found.effects if effect.role is EffectRole.BEYOND), None)
    momentum = next((effect for effect in found.effects if effect.factor == "momentum"), None)
    if beyond is None or momentum is None or not found.conclusive:
        return ""
    if beyond.diverged or not math.isfinite(beyond.low):
        why = note(beyond) or "its control has too few trials"
        return f"what of momentum's effect is its step length is undetermined: {why}."
    if beyond.verdict is EffectVerdict.EFFECT:
        return f"at the same step length momentum still moves the accuracy by {points(beyond)}."
    if beyond.verdict is EffectVerdict.UNDETERMINED:
        return f"what of momentum's effect is its step length is undetermined: beyond it are {points(beyond)}."
    same = f"the learning rate that makes the steps as long does the same, within {at_most(beyond.bound)} points"
    if momentum.verdict is EffectVerdict.EFFECT:
        return f"momentum's effect is that of its step length: {same}."
    return f"{same}."


def steps_apart(plan: Plan, found: ModelEffects) -> Iterator[str]:
    """Say which arms take another number of steps than the start: that is part of what they change."""
    start = next(arm for arm in plan.arms if arm.role is ArmRole.START)
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
    if any(doubt.kind is not DoubtKind.ENDS_TOGETHER for doubt in found.doubts):
        return ""
    needed = [
        f"{'the end points' if effect.role is EffectRole.END else effect.factor} {effect.seeds_needed}"
        for effect in (found.gap, *found.effects)
        if effect.seeds_needed
    ]
    return f"Seeds that would settle what is open, by the noise of these: {_listed(needed)}." if needed else ""


def mended(file: DamagedFile) -> str:
    """Say which file is damaged, and which trial is trained anew because of it."""
    spec = file.spec
    return f"The file {file.path} is damaged: {spec.model}, {spec.arm}, seed {spec.seed} is trained anew."


def stands_on(answer: ProbeAnswer) -> str:
    """Name the basis of every number of a probe: the seeds that ended, lengths and images."""
    prepared = answer.prepared
    plan, numerics = prepared.plan, prepared.decision.numerics
    return (
        f"Every number stands on {_seeds(answer)}, {lengths(plan.horizons)}, up to "
        f"{plan.images:,} training and {len(prepared.images.test_images):,} test images from {prepared.images.name}, "
        f"on {numerics}, threads: {numerics.threads}; it is the accuracy of the last epoch on the test images."
    )


def _seeds(answer: ProbeAnswer) -> str:
    """Return how many seeds of each arm ended, of how many: "5 seeds", "2 of 5 seeds", "2 to 3 of 5 seeds"."""
    plan = answer.prepared.plan
    counts = Counter((trial.model, trial.arm, trial.epochs) for trial in answer.trials if trial.accuracy is not None)
    ended = [counts[model, arm.name, epochs] for model in plan.models for arm in plan.arms for epochs in plan.horizons]
    fewest, most = min(ended), max(ended)
    if fewest == plan.seeds:
        return f"{plan.seeds} seeds"
    return f"{fewest if fewest == most else f'{fewest} to {most}'} of {plan.seeds} seeds"


def power(plan: Plan) -> Iterator[str]:
    """Name the smallest effect that this number of seeds can show, in units of the noise, which is not known yet."""
    suspects = [suspect for suspect in comparisons(plan.arms) if suspect.role.is_suspect]
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
        if effect.doubts and effect.doubts != found.doubts:
            yield f"{effect.factor}: {note(effect)}."
        elif effect.cautions and effect.verdict is EffectVerdict.EFFECT:
            yield f"{effect.factor}: {caution(effect)}."


def worded(verdict: EffectVerdict, bound: float) -> str:
    """Return a verdict in words, with the bound in points where it is one."""
    return f"no effect larger than {at_most(bound)}" if verdict is EffectVerdict.BOUNDED else verdict.value


def reason(found: ModelEffects) -> str:
    """Return why nothing is concluded of a model at a horizon; empty where something is."""
    return ", and ".join(map(_doubt, found.doubts))


def note(effect: Effect) -> str:
    """Return why an effect is open where that is not the noise alone; else an empty text."""
    words = ", and ".join(map(_doubt, effect.doubts))
    if effect.role is EffectRole.AGAIN and words and effect.doubts[-1].kind is DoubtKind.AGAIN_DIFFERS:
        return f"{words}, so the noise is larger than the seeds show"
    return words


def caution(effect: Effect) -> str:
    """Return what limits an effect that is seen; else an empty text."""
    return "; ".join(map(_doubt, effect.cautions))


def _doubt(doubt: Doubt) -> str:
    """Return one reason to doubt an effect in words."""
    control = {EffectRole.END: "end points", EffectRole.AGAIN: "A/A arm"}.get(doubt.role) if doubt.role else None
    lost = "; ".join(f"{count} of {doubt.seeds} trials of “{arm}” diverged" for arm, count in doubt.diverged)
    seen = ", ".join(f"{signed(points)} points after {steps:,} steps" for points, steps in doubt.seen)
    acts = f"; it acts over about {doubt.steps:,.0f} steps" if doubt.steps else ""
    return {
        DoubtKind.DIVERGED: lost or f"trials of the {control} diverged",
        DoubtKind.NONE_ENDED: "no trial of it ended",
        DoubtKind.TOO_FEW: f"too few trials of the {control} ended",
        DoubtKind.ONE_SEED: "one seed says nothing of the noise",
        DoubtKind.NO_SPREAD: "the difference is the same in all seeds, so the noise is not known",
        DoubtKind.SLOW: f"unobservable at this horizon: weight decay acts over about {doubt.steps:,.0f} steps",
        DoubtKind.SIGN_CHANGES: f"its sign changes with the horizon: {seen}",
        DoubtKind.ENDS_TOGETHER: "the end points do not separate",
        DoubtKind.AGAIN_DIFFERS: "the A/A arm differs from itself",
        DoubtKind.REGULARISES: f"it regularises, and its sign may turn in a longer training{acts}",
        DoubtKind.RESOLUTION: f"all seeds agree: the interval is that of one test image, {doubt.points:.3g} points",
    }[doubt.kind]


def _listed(words: list[str]) -> str:
    return ", ".join(words)
