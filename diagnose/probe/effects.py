"""From trials to effects: every arm against the start, judged together, with the controls that limit what is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from diagnose.probe.plan import Arm, Plan
from diagnose.probe.statistics import ALPHA, Difference, detectable, difference, holm, seeds_needed, verdict
from diagnose.values import Effect, Trial

MARGIN = 1.0
"""Points of accuracy: the largest bound that is called "no effect larger than x"."""

INCONCLUSIVE = "the end points do not separate"


@dataclass(frozen=True, slots=True)
class ModelEffects:
    """What the trials of one model say.

    `gap` is the end against the start, `again` the A/A arm; None where too few trials ended. `effects` are those of
    the ablations, the control and all together. `conclusive` is False where the end points do not separate or the
    A/A arm does, and then no effect is claimed.
    """

    model: str
    gap: Effect | None
    again: Effect | None
    effects: tuple[Effect, ...]
    conclusive: bool


def effects_of(plan: Plan, trials: Sequence[Trial], model: str) -> ModelEffects:
    """Judge the arms of one model.

    An arm is paired with the start where both begin with the same weights, which is decided from the plan alone.
    The p-values of the suspects are corrected together; the controls are not suspects.
    """
    found = {arm.name: _accuracies(trials, model, arm) for arm in plan.arms}
    start = next(arm for arm in plan.arms if arm.kind == "start")
    measured = {arm.name: measured for arm in plan.arms if (measured := _measured(start, arm, found))}
    suspects = [arm for arm in plan.arms if arm.kind in ("ablation", "control", "all") and arm.name in measured]
    corrected = dict(zip((arm.name for arm in suspects), holm([measured[arm.name].p for arm in suspects]), strict=True))
    judged = {
        arm.name: _effect(
            plan, start, arm, measured[arm.name], corrected.get(arm.name, (measured[arm.name].p, 1)), model
        )
        for arm in plan.arms
        if arm.name in measured
    }
    gap = next((judged[arm.name] for arm in plan.arms if arm.kind == "end" and arm.name in judged), None)
    again = next((judged[arm.name] for arm in plan.arms if arm.kind == "again" and arm.name in judged), None)
    separate = gap is not None and gap.verdict == "effect"
    sound = again is not None and again.verdict != "effect"
    effects = [judged[arm.name] for arm in suspects]
    if gap is None or not separate or not sound:
        reason = INCONCLUSIVE if not separate else "the A/A arm differs from itself, or did not run"
        effects = [replace(each, verdict="undetermined", note=reason) for each in effects]
    else:
        effects = [replace(each, share_of_gap=each.difference / gap.difference) for each in effects]
    return ModelEffects(model, gap, again, tuple(effects), separate and sound)


def _accuracies(trials: Sequence[Trial], model: str, arm: Arm) -> dict[int, float]:
    """Return the accuracy in points of each seed's trial that ended, by the place of the seed in the arm."""
    return {
        trial.seed - arm.first_seed: 100 * trial.accuracy
        for trial in trials
        if trial.model == model and trial.arm == arm.name and trial.accuracy is not None
    }


def _measured(start: Arm, arm: Arm, found: dict[str, dict[int, float]]) -> Difference | None:
    if arm is start:
        return None
    paired = arm.settings.init == start.settings.init and arm.first_seed == start.first_seed
    a, b = found[start.name], found[arm.name]
    if paired:
        a, b = ({seed: values[seed] for seed in sorted(a.keys() & b.keys())} for values in (a, b))
    if not a or not b:
        return None
    return difference(list(a.values()), list(b.values()), paired=paired)


def _effect(plan: Plan, start: Arm, arm: Arm, measured: Difference, corrected: tuple[float, int], model: str) -> Effect:
    p, factor = corrected
    alpha = ALPHA / factor
    low, high = measured.interval(alpha)
    word, bound = verdict(low, high, p, MARGIN)
    # The deviation that `detectable` asks for: of the differences where paired, else of one arm.
    deviation = measured.error * math.sqrt(measured.n if measured.paired else measured.n / 2)
    needed = None
    if word == "undetermined" and measured.n > 1:
        needed = seeds_needed(abs(measured.mean), deviation, paired=measured.paired, alpha=alpha)
    note = ""
    if arm.kind == "ablation" and arm.changed[0][0] == "weight_decay":
        scale = _time_scale(arm)
        if scale > plan.steps(arm):
            word, note = (
                "undetermined",
                f"unobservable at this horizon: weight decay acts over about {scale:,.0f} steps",
            )
            needed = None
    return Effect(
        factor=arm.name,
        start=_setting(start, arm),
        end=", ".join(value for _, value in arm.changed),
        model=model,
        steps=plan.steps(arm),
        difference=measured.mean,
        low=low,
        high=high,
        n=measured.n,
        paired=measured.paired,
        p=p,
        verdict=word,
        bound=bound,
        smallest_detectable=detectable(deviation, measured.n, paired=measured.paired, alpha=alpha),
        seeds_needed=needed,
        share_of_gap=None,
        note=note,
    )


def _time_scale(arm: Arm) -> float:
    """Return the steps over which weight decay acts, (1 − μ)/(lr·λ)."""
    settings = arm.settings
    product = settings.learning_rate * settings.weight_decay
    return (1 - settings.momentum) / product if product else math.inf


def _setting(start: Arm, arm: Arm) -> str:
    known = {name: getattr(start.settings, name, None) for name, _ in arm.changed}
    known["train_images"] = f"{start.share:.0%} of the images" if "train_images" in known else None
    return ", ".join(str(value) for value in known.values() if value is not None)
