"""A probe as JSON: its plan, every trial, every effect with the number of steps it belongs to."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from diagnose.probe.report.phrases import caution, ends, note, power, reason
from diagnose.values import Effect, Trial

if TYPE_CHECKING:
    from diagnose.probe.answer import ProbeAnswer, TrialSchedule
    from diagnose.probe.plan.arms import Arm


def probe_data(answer: ProbeAnswer) -> dict[str, Any]:
    """Return the raw numbers of a probe; `effects` are keyed by factor, model and steps."""
    prepared, trials = answer.prepared, answer.trials
    plan, request = prepared.plan, prepared.request
    arms = {arm.name: arm for arm in plan.arms}
    trained = [
        (plan.steps(arms[trial.arm], 1) * min(arms[trial.arm].settings.batch_size, trial.images), result.seconds)
        for trial in answer.trained
        for result in trial.curve
    ]
    seconds = sum(second for _, second in trained)
    return {
        "plan": {
            "recipe": request.start.name,
            "against": request.end.name,
            "models": list(plan.models),
            "arms": [_arm(prepared, arm) for arm in plan.arms],
            "seeds": plan.seeds,
            "epochs": plan.horizons[-1],
            "horizons": list(plan.horizons),
            "images": plan.images,
            "trials": plan.trials,
            "data": prepared.images.name,
            "estimated_seconds": prepared.seconds,
            "numerics": asdict(prepared.decision.numerics),
            "workers": prepared.decision.workers,
            "timings": [asdict(timing) for timing in prepared.decision.timings],
            "power": list(power(plan)),
            "notes": list(plan.notes),
        },
        "interrupted": answer.interrupted,
        "trials": [_trial(trial) for trial in trials],
        "effects": [_effect(effect) for found in answer.effects for effect in found.effects],
        "controls": [
            {
                "model": found.model,
                "epochs": found.epochs,
                "steps": found.gap.steps,
                "conclusive": found.conclusive,
                "reason": reason(found),
                "end_points": _effect(found.gap),
                "again": _effect(found.again),
                "said": ends(found),
            }
            for found in answer.effects
        ],
        # Of one worker, evaluation included.
        "images_per_second": sum(images for images, _ in trained) / seconds if seconds else None,
    }


def _arm(prepared: TrialSchedule, arm: Arm) -> dict[str, Any]:
    plan = prepared.plan
    return {
        "name": arm.name,
        "kind": arm.role.value,
        "recipe": arm.recipe,
        "changed": dict(arm.changed),
        "steps": plan.steps(arm, plan.horizons[-1]),
        "steps_at": {str(epochs): plan.steps(arm, epochs) for epochs in plan.horizons},
    }


def _trial(trial: Trial) -> dict[str, Any]:
    held = {**asdict(trial), **asdict(trial.numerics)}
    del held["end"], held["numerics"]
    return held | {"changed": dict(trial.changed), "status": trial.status}


def _effect(effect: Effect) -> dict[str, Any]:
    held = effect_values(effect)
    return {"from": held.pop("start"), "to": held.pop("end")} | held


def effect_values(effect: Effect) -> dict[str, Any]:
    """Return an effect's raw numbers by the names of its fields, its doubts and cautions in words."""
    held = asdict(effect)
    for name in ("role", "doubts", "cautions"):
        del held[name]
    return held | {"note": note(effect), "caution": caution(effect)}
