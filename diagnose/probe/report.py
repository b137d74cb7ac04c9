"""What `diagnose probe` says: the verdict, the effects with their intervals, what they stand on, and the curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean, stdev
from typing import Any

from diagnose.environment import environment
from diagnose.probe.answer import Prepared, ProbeAnswer
from diagnose.probe.effects import ModelEffects
from diagnose.values import (
    Cell,
    Column,
    Curve,
    Curves,
    Effect,
    Interval,
    Intervals,
    Prose,
    Report,
    Section,
    Skipped,
    Table,
    Trial,
)

SCHEMA = "diagnose.probe/1"


def probe_report(answer: ProbeAnswer) -> Report:
    """Return the report of a probe that has run, or of the part that has."""
    request = answer.prepared.request
    sections = [Section("", (*_opening(answer), *_plan_notes(answer.prepared)))]
    for found in answer.effects:
        sections += _model_sections(answer, found)
    sections.append(Section("Trials", (_trials_table(answer.trials),), folded=True))
    return Report(
        schema=SCHEMA,
        title=f"Probe of {request.start.name} against {request.end.name}",
        environment=environment(("torch", "scipy", "mmpretrain")),
        sections=tuple(sections),
        skipped=tuple(
            Skipped(f"{trial.model}, {trial.arm}, seed {trial.seed}", trial.status)
            for trial in answer.trials
            if trial.status != "done"
        ),
        data=_data(answer),
    )


def plan_text(prepared: Prepared) -> str:
    """Return the plan in a few lines, for the reader who decides whether to wait."""
    plan, numerics = prepared.plan, prepared.decision.numerics
    lines = [
        f"{plan.trials} trials: {len(plan.arms)} arms × {plan.seeds} seeds × {', '.join(plan.models)}; {plan.epochs} "
        f"epochs of up to {plan.images:,} images from {prepared.images.name}",
        *(f"  {arm.name}: {plan.steps(arm):,} steps" for arm in plan.arms),
        f"{numerics}, threads: {numerics.threads} each, {prepared.decision.workers} at a time; "
        f"about {prepared.seconds / 60:.1f} minutes by a few timed steps",
        f"Beforehand: {_power(plan.seeds)}",
    ]
    return "\n".join((*lines, *plan.notes))


def _power(seeds: int) -> str:
    from diagnose.probe.statistics import detectable

    size = detectable(1.0, seeds, paired=True)
    return f"{seeds} seeds show, in 80 % of the cases, an effect of {size:.1f} standard deviations of its differences."


def _opening(answer: ProbeAnswer) -> list[Prose]:
    said = [Prose(_sentence(found), "verdict") for found in answer.effects]
    if answer.interrupted:
        said.append(Prose("The probe was interrupted: this is what had ended. The same command goes on.", "caution"))
    return said


def _sentence(found: ModelEffects) -> str:
    if found.gap is None:
        return f"{found.model}: inconclusive, the end points have not both been trained."
    ends = f"the end points are {_points(found.gap)} apart after {found.gap.steps:,} steps"
    if not found.conclusive:
        return f"{found.model}: inconclusive; {ends}, which is not told from the noise between seeds."
    words = {word: [e.factor for e in found.effects if e.verdict == word] for word in ("effect", "undetermined")}
    parts = [f"an effect of {', '.join(words['effect'])}" if words["effect"] else "no suspect has a proven effect"]
    parts += [f"undetermined: {', '.join(words['undetermined'])}"] if words["undetermined"] else []
    return f"{found.model}: {'; '.join(parts)}. Here {ends}."


def _points(effect: Effect) -> str:
    return f"{effect.difference:+.2f} points ({effect.low:+.2f} to {effect.high:+.2f}, n = {effect.n})"


def _plan_notes(prepared: Prepared) -> list[Prose]:
    plan, numerics = prepared.plan, prepared.decision.numerics
    stands = (
        f"Every number stands on {plan.seeds} seeds, {plan.epochs} epochs, up to {plan.images:,} training and "
        f"{len(prepared.images.test_images):,} test images from {prepared.images.name}, on {numerics}, "
        f"threads: {numerics.threads}; it is the accuracy of the last epoch on the test images."
    )
    limits = (
        "Schedules are compressed to the probe's length in proportion. An effect belongs to its number of steps: what "
        "it is at the end of a full training is not known from here."
    )
    return [Prose(stands), Prose(limits, "caution"), *(Prose(note, "caution") for note in plan.notes)]


def _model_sections(answer: ProbeAnswer, found: ModelEffects) -> list[Section]:
    effects = [effect for effect in (found.gap, found.again, *found.effects) if effect is not None]
    finite = [effect for effect in effects if abs(effect.low) != float("inf")]
    intervals = Intervals(
        f"Change of accuracy against the start, {found.model}",
        "points",
        tuple(Interval(effect.factor, effect.difference, effect.low, effect.high) for effect in finite),
    )
    tables = (_effects_table(effects), *((intervals,) if finite else ()))
    trials = [trial for trial in answer.trials if trial.model == found.model]
    curves = _curves(answer, trials, found.model)
    sections = [
        Section(f"Effects on {found.model}", tables),
        Section(f"Accuracies of {found.model}", (_accuracies(answer, trials),)),
    ]
    return [*sections, Section(f"Learning curves of {found.model}", (curves,))] if curves.curves else sections


def _effects_table(effects: Sequence[Effect]) -> Table:
    columns = (
        Column("Moved"),
        Column("Verdict"),
        Column("Points"),
        Column("Interval"),
        Column("n", True),
        Column("Share of the gap", low_priority=True),
        Column("80 % power from", low_priority=True),
        Column("Seeds needed", True, low_priority=True),
        Column("Note"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            effect.factor,
            effect.verdict.replace("x", f"{effect.bound:.2f}") if effect.verdict.endswith(" x") else effect.verdict,
            f"{effect.difference:+.2f}",
            f"{effect.low:+.2f} to {effect.high:+.2f}",
            effect.n,
            "" if effect.share_of_gap is None else f"{effect.share_of_gap:.0%}",
            f"{effect.smallest_detectable:.2f}",
            effect.seeds_needed,
            effect.note or ("paired" if effect.paired else "Welch"),
        )
        for effect in effects
    ]
    note = "Intervals of 95 %, those of the suspects corrected for their number (Holm)."
    return Table("", columns, tuple(rows), note=note)


def _accuracies(answer: ProbeAnswer, trials: Sequence[Trial]) -> Table:
    columns = (Column("Arm"), Column("Accuracy, %"), Column("n", True), Column("Steps", True), Column("Images", True))
    rows: list[tuple[Cell, ...]] = []
    for arm in answer.prepared.plan.arms:
        own = [trial for trial in trials if trial.arm == arm.name]
        ended = [100 * trial.accuracy for trial in own if trial.accuracy is not None]
        spread = f" ± {stdev(ended):.2f}" if len(ended) > 1 else ""
        shown = f"{mean(ended):.2f}{spread}" if ended else "none ended"
        rows.append((arm.name, shown, len(ended), own[0].steps, own[0].images))
    return Table("", columns, tuple(rows), note="Mean ± standard deviation between seeds, of the last epoch.")


def _curves(answer: ProbeAnswer, trials: Sequence[Trial], model: str) -> Curves:
    curves = []
    for arm in answer.prepared.plan.arms:
        own = [trial.curve for trial in trials if trial.arm == arm.name and trial.status == "done"]
        if not own:
            continue
        epochs = [[100 * result.test_accuracy for result in results] for results in zip(*own, strict=True)]
        x = tuple(float(index + 1) for index in range(len(epochs)))
        low, high = (tuple(pick(values) for values in epochs) for pick in (min, max))
        curves.append(Curve(arm.name, x, tuple(map(mean, epochs)), low, high))
    return Curves(f"Test accuracy, mean and range over seeds, {model}", "epoch", "%", tuple(curves))


def _trials_table(trials: Sequence[Trial]) -> Table:
    columns = (Column("Model"), Column("Arm"), Column("Seed", True), Column("Accuracy, %"), Column("Status"))
    rows = tuple(
        (t.model, t.arm, t.seed, "" if t.accuracy is None else f"{100 * t.accuracy:.2f}", t.status) for t in trials
    )
    return Table("", columns, rows)


# ------------------------------------------------------------------------------------------------- data


def _data(answer: ProbeAnswer) -> dict[str, Any]:
    prepared, trials = answer.prepared, answer.trials
    plan, request = prepared.plan, prepared.request
    trained = [(trial.images, result.seconds) for trial in trials for result in trial.curve]
    seconds = sum(second for _, second in trained)
    return {
        "plan": {
            "recipe": request.start.name,
            "against": request.end.name,
            "models": list(plan.models),
            "arms": [
                {"name": a.name, "kind": a.kind, "changed": dict(a.changed), "steps": plan.steps(a)} for a in plan.arms
            ],
            "seeds": plan.seeds,
            "epochs": plan.epochs,
            "images": plan.images,
            "trials": plan.trials,
            "estimated_seconds": prepared.seconds,
            "numerics": asdict(prepared.decision.numerics),
            "workers": prepared.decision.workers,
            "timings": [asdict(timing) for timing in prepared.decision.timings],
            "notes": list(plan.notes),
        },
        "interrupted": answer.interrupted,
        "trials": [asdict(trial) | {"changed": dict(trial.changed)} for trial in trials],
        "effects": [_effect(effect) for found in answer.effects for effect in found.effects],
        "controls": [
            {
                "model": found.model,
                "conclusive": found.conclusive,
                "end_points": found.gap and _effect(found.gap),
                "again": found.again and _effect(found.again),
            }
            for found in answer.effects
        ],
        # Of one worker, evaluation included.
        "images_per_second": sum(images for images, _ in trained) / seconds if seconds else None,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    held = asdict(effect)
    return {"from": held.pop("start"), "to": held.pop("end")} | held
