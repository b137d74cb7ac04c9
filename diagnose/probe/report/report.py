"""What `diagnose probe` says: the verdict, the effects with their intervals, their basis, and the curves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import mean, stdev

from diagnose.environment import environment
from diagnose.probe.answer import ProbeAnswer, TrialSchedule
from diagnose.probe.effects.effects import MARGIN, ModelEffects
from diagnose.probe.plan.arms import Arm
from diagnose.probe.report.curves import learning_curve
from diagnose.probe.report.phrases import (
    ends,
    horizon,
    note,
    power,
    reading,
    reason,
    reasons,
    sentence,
    settling,
    stands_on,
    steps_apart,
    worded,
)
from diagnose.probe.report.probe_data import probe_data
from diagnose.probe.report.quantities import duration, lengths, signed, span
from diagnose.values import (
    ArmRole,
    Cell,
    Column,
    Curves,
    Effect,
    EffectRole,
    EffectVerdict,
    Interval,
    Intervals,
    Prose,
    Report,
    Section,
    Skipped,
    Table,
    Trial,
    TrialOutcome,
)
from diagnose.wording import counted

SCHEMA = "diagnose.probe/1"


def probe_report(answer: ProbeAnswer) -> Report:
    """Return the report of a probe that has run, or of the part that has."""
    request = answer.prepared.request
    sections = [Section("", tuple(_opening(answer)))]
    for found in answer.effects:
        sections.append(_effects_section(answer, found))
    for found in answer.effects:
        sections += _trained_sections(answer, found)
    sections.append(Section("Trials", (_trials_table(answer.trials),), folded=True))
    return Report(
        schema=SCHEMA,
        title=f"Probe of {request.start.name} against {request.end.name}",
        environment=environment(("torch", "scipy", "mmpretrain")),
        sections=tuple(sections),
        skipped=tuple(_skipped(answer.trials)),
        data=probe_data(answer),
    )


def plan_text(prepared: TrialSchedule) -> str:
    """Return the plan in a few lines, for the reader who decides whether to wait."""
    plan, numerics = prepared.plan, prepared.decision.numerics
    once = any(len(plan.trained(arm)) < len(plan.horizons) for arm in plan.arms)
    read = ", at a constant learning rate trained for the longest alone," if once else ""
    estimate = f"about {duration(prepared.seconds_left)} by a few timed steps"
    if prepared.ended:
        estimate = f"{prepared.ended} of them had ended before; the others take {estimate}"
    if prepared.ended == plan.trials:
        estimate = "all of them had ended before"
    lines = [
        f"{plan.trials} trials: {len(plan.arms)} arms × {plan.seeds} seeds × {', '.join(plan.models)}; "
        f"{lengths(plan.horizons)}{read} of up to {counted(plan.images, 'image')} from {prepared.images.name}",
        *(f"  {arm.name}: {_all_steps(prepared, arm)}" for arm in plan.arms),
        f"{numerics}, threads: {numerics.threads} each, {prepared.decision.workers} at a time; {estimate}",
        *(f"Beforehand: {text}" for text in power(plan)),
    ]
    return "\n".join((*lines, *plan.notes))


def _all_steps(prepared: TrialSchedule, arm: Arm) -> str:
    *shorter, longest = (prepared.plan.steps(arm, epochs) for epochs in prepared.plan.horizons)
    return " and ".join((*(f"{steps:,}" for steps in shorter), counted(longest, "step")))


def _opening(answer: ProbeAnswer) -> Iterator[Prose]:
    """Yield the verdict of each model and horizon, then its limits, then the basis of every number."""
    prepared = answer.prepared
    for found in answer.effects:
        yield Prose(sentence(found), "verdict")
    if answer.interrupted:
        yield Prose("The probe was interrupted: this is what had ended. The same command goes on.", "caution")
    diverged = sum(trial.diverged for trial in answer.trained)
    if diverged:
        said = f"{diverged} of {prepared.plan.trials} trials diverged. No effect is claimed of an arm with such trials."
        yield Prose(said, "bad")
    for found in answer.effects:
        yield Prose(f"{horizon(found)}, {ends(found)}")
        if text := reading(found):
            yield Prose(f"{horizon(found)}, {text}")
    yield Prose(stands_on(prepared))
    yield Prose(
        "Schedules are compressed to the probe's length in proportion. An effect belongs to its number of steps: what "
        "it is at the end of a full training is not known from here.",
        "caution",
    )
    for text in prepared.plan.notes:
        yield Prose(text, "caution")


def _effects_section(answer: ProbeAnswer, found: ModelEffects) -> Section:
    effects = [found.gap, found.again, *found.effects]
    known = [effect for effect in effects if math.isfinite(effect.low)]
    intervals = Intervals(
        "Change of test accuracy against the start",
        "points",
        tuple(_interval(effect) for effect in known),
    )
    said = (*reasons(found), *steps_apart(answer.prepared.plan, found), settling(found))
    notes = [Prose(text, "caution") for text in said if text]
    why = [Prose(f"Inconclusive: {reason(found)}. So no effect is claimed here.", "caution")] if found.doubts else []
    figure = (intervals,) if known else ()
    return Section(f"Effects on {horizon(found)}", (*why, *figure, _effects_table(effects), *notes))


def _interval(effect: Effect) -> Interval:
    value, low, high = (round(points, 2) for points in (effect.difference, effect.low, effect.high))
    return Interval(_label(effect), value, low, high)


def _label(effect: Effect) -> str:
    controls = {EffectRole.END: "end points", EffectRole.AGAIN: "A/A: start, other seeds"}
    return controls.get(effect.role, effect.factor)


def _effects_table(effects: Sequence[Effect]) -> Table:
    columns = (
        Column("Moved"),
        Column("Verdict"),
        Column("Points"),
        Column("Interval"),
        Column("n", True),
        Column("Steps", True),
        Column("Share of the gap"),
        Column("80 % power from", low_priority=True),
        Column("Seeds to settle it", True, low_priority=True),
        Column("Why, or how tested", low_priority=True),
        Column("From → to", low_priority=True),
    )
    tests = max(effect.tests for effect in effects)
    corrected = f", those of the suspects corrected for their {tests} comparisons (Holm)" if tests > 1 else ""
    basis = (
        f"Intervals of 95 %{corrected}. “No effect larger than x” is said up to {MARGIN:g} point. Shares have "
        "intervals of 95 % of their own and need not add up."
    )
    return Table("", columns, tuple(map(_effect_row, effects)), marked=_marked(effects), note=basis)


def _marked(effects: Sequence[Effect]) -> tuple[int, ...]:
    return tuple(i for i, e in enumerate(effects) if e.verdict is EffectVerdict.EFFECT and e.role.is_suspect)


def _effect_row(effect: Effect) -> tuple[Cell, ...]:
    known = math.isfinite(effect.difference)
    bounded = math.isfinite(effect.low)
    return (
        _label(effect),
        worded(effect.verdict, effect.bound),
        signed(effect.difference) if known else "–",
        span(effect.low, effect.high) if bounded else "not known",
        effect.n,
        effect.steps,
        shown_share(effect),
        f"{effect.smallest_detectable:.2f}" if math.isfinite(effect.smallest_detectable) else "",
        effect.seeds_needed,
        note(effect) or ("paired t" if effect.paired else "Welch's t"),
        f"{effect.start} → {effect.end}",
    )


def shown_share(effect: Effect) -> str:
    """Return the share of the gap with its interval, empty where there is none."""
    if effect.share_of_gap is None or effect.share_low is None or effect.share_high is None:
        return ""
    return f"{100 * effect.share_of_gap:.0f} % ({100 * effect.share_low:.0f} to {100 * effect.share_high:.0f})".replace(
        "-", "−"
    )


# ---------------------------------------------------------------------------------------------- trained


def _own(answer: ProbeAnswer, found: ModelEffects, arm: Arm) -> list[Trial]:
    wanted = (found.model, found.epochs, arm.name)
    return [trial for trial in answer.trials if (trial.model, trial.epochs, trial.arm) == wanted]


def _trained_sections(answer: ProbeAnswer, found: ModelEffects) -> Iterator[Section]:
    yield Section(f"Accuracies of {horizon(found)}", (_accuracies(answer, found),))
    curves = _curves(answer, found)
    if curves.curves:
        yield Section(f"Learning curves of {horizon(found)}", (curves,))


def _accuracies(answer: ProbeAnswer, found: ModelEffects) -> Table:
    columns = (
        Column("Arm"), Column("Accuracy, %"), Column("n", True), Column("Diverged", True), Column("Steps", True),
        Column("Epochs", True, low_priority=True), Column("Images", True, low_priority=True),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for arm in answer.prepared.plan.arms:
        own = _own(answer, found, arm)
        ended = [100 * trial.accuracy for trial in own if trial.accuracy is not None]
        gone = sum(trial.diverged for trial in own)
        spread = f" ± {stdev(ended):.2f}" if len(ended) > 1 else ""
        shown = f"{mean(ended):.2f}{spread}" if ended else "none ended"
        shown += " of those that did not diverge" if gone and ended else ""
        rows.append((_arm_label(answer, arm), shown, len(ended), gone, own[0].steps, own[0].epochs, own[0].images))
    data, numerics = answer.prepared.images.name, answer.prepared.decision.numerics
    basis = f"Mean ± standard deviation between seeds, of the last epoch, on the test images of {data}; {numerics}."
    return Table("", columns, tuple(rows), note=basis)


def _arm_label(answer: ProbeAnswer, arm: Arm) -> str:
    return f"{arm.name} ({arm.recipe})" if arm.role in (ArmRole.START, ArmRole.END) else arm.name


def _curves(answer: ProbeAnswer, found: ModelEffects) -> Curves:
    curves = []
    for arm in answer.prepared.plan.arms:
        ended = [trial.curve for trial in _own(answer, found, arm) if trial.end.outcome is TrialOutcome.DONE]
        if ended:
            curves.append(learning_curve(_arm_label(answer, arm), ended))
    return Curves("Test accuracy: mean, and lowest to highest seed", "epoch", "%", tuple(curves))


def _trials_table(trials: Sequence[Trial]) -> Table:
    columns = (
        Column("Model"), Column("Arm"), Column("Epochs", True), Column("Seed", True), Column("Accuracy, %"),
        Column("Status"),
    )  # fmt: skip
    rows = tuple(
        (t.model, t.arm, t.epochs, t.seed, "" if t.accuracy is None else f"{100 * t.accuracy:.2f}", t.status)
        for t in trials
    )
    return Table("", columns, rows)


def _skipped(trials: Sequence[Trial]) -> Iterator[Skipped]:
    for trial in trials:
        if trial.end.outcome is not TrialOutcome.DONE:
            yield Skipped(f"{trial.model}, {trial.arm}, {trial.epochs} epochs, seed {trial.seed}", trial.status)
