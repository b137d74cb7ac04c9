"""What holds at one length of training and not at another: trials read at each horizon, signs that change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from diagnose.probe.plan.arms import Arm
from diagnose.probe.plan.plan import Plan
from diagnose.values import Doubt, DoubtKind, Effect, EffectVerdict, Trial, TrialEnd, TrialOutcome


def at_horizons(plan: Plan, trial: Trial) -> Iterator[Trial]:
    """Yield a trial at every horizon that it stands for: its own, and the shorter ones where they are its beginning."""
    arm = next(arm for arm in plan.arms if arm.name == trial.arm)
    if plan.trained(arm) == plan.horizons:
        yield trial
        return
    for epochs in plan.horizons:
        curve = trial.curve[:epochs]
        whole = len(curve) == epochs
        yield replace(
            trial,
            epochs=epochs,
            steps=plan.steps(arm, epochs),
            curve=curve,
            accuracy=curve[-1].test_accuracy if whole else None,
            end=TrialEnd(TrialOutcome.DONE) if whole else trial.end,
        )


def time_scale(start: Arm, arm: Arm) -> float:
    """Return the steps over which the weight decay of two arms acts, (1 − μ)/(lr·λ), by the stronger of the two."""
    settings = arm.settings
    decay = max(start.settings.weight_decay, settings.weight_decay)
    return (1 - settings.momentum) / (settings.initial_rate * decay)


def with_signs(effects: Sequence[Effect]) -> list[Effect]:
    """Return the effects of one comparison at all its horizons; where the sign changes, each is undetermined.

    A horizon whose interval says that there is hardly an effect has no sign; nor has one that observes nothing.
    """
    signed = [e for e in effects if e.verdict is not EffectVerdict.BOUNDED and not e.doubts]
    seen = any(effect.verdict is EffectVerdict.EFFECT for effect in effects)
    if not seen or len({effect.difference > 0 for effect in signed if effect.difference}) < 2:
        return list(effects)
    doubt = Doubt(DoubtKind.SIGN_CHANGES, seen=tuple((effect.difference, effect.steps) for effect in signed))
    turned: dict[str, Any] = {"verdict": EffectVerdict.UNDETERMINED, "doubts": (doubt,), "seeds_needed": None}
    return [replace(effect, **turned) if effect in signed else effect for effect in effects]
