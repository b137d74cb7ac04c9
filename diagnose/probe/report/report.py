"""What `diagnose probe` says: the verdict, the effects with their intervals, their basis, and the curves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from diagnose.environment import environment
from diagnose.probe.answer import ProbeAnswer, TrialSchedule
from diagnose.probe.effects.effects import MARGIN, ModelEffects
from diagnose.probe.plan.arms import Arm
from diagnose.probe.report.accuracies import skipped, trained_sections, trials_table
from diagnose.probe.report.phrases import (
    ends,
    horizon,
    mended,
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
    Cell,
    Column,
    Effect,
    EffectRole,
    EffectVerdict,
    Interval,
    Intervals,
    Prose,
    Report,
    Section,
    Table,
)
from diagnose.wording import counted

SCHEMA, PLAN_SCHEMA = "diagnose.probe/1", "diagnose.probe-plan/1"

GENERATED = (
    "The trials use generated images: they show whether and how a recipe steers training here, and nothing of the "
    "accuracy on real ones. `diagnose probe --download` fetches CIFAR-10 (170 MB) and trains on it."
)


def probe_report(answer: ProbeAnswer) -> Report:
    """Return the report of a probe that has run, or of the part that has."""
    request = answer.prepared.request
    sections = [Section("", tuple(_opening(answer)))]
    for found in answer.effects:
        sections.append(_effects_section(answer, found))
    for found in answer.effects:
        sections += trained_sections(answer, found)
    sections.append(Section("Trials", (trials_table(answer.trials),), folded=True))
    return Report(
        schema=SCHEMA,
        title=f"Probe of {request.start.name} against {request.end.name}",
        environment=environment(("torch", "scipy", "mmpretrain")),
        sections=tuple(sections),
        skipped=tuple(skipped(answer.trials)),
        data=probe_data(answer),
    )


def plan_text(prepared: TrialSchedule) -> str:
    """Return the plan in a few lines, for the reader who decides whether to wait."""
    plan, numerics = prepared.plan, prepared.decision.numerics
    once = any(len(plan.trained(arm)) < len(plan.horizons) for arm in plan.arms)
    read = ", at a constant learning rate trained for the longest alone," if once else ""
    estimate = f"about {duration(prepared.seconds_left)} by a few timed steps"
    if prepared.ended:
        estimate = f"{prepared.ended} of them ended earlier; the others take {estimate}"
    if prepared.ended == plan.trials:
        estimate = "all of them ended earlier"
    lines = [
        f"{plan.trials} trials: {len(plan.arms)} arms × {plan.seeds} seeds × {', '.join(plan.models)}; "
        f"{lengths(plan.horizons)}{read} of up to {counted(plan.images, 'image')} from {prepared.images.name}",
        *(f"  {arm.name}: {_all_steps(prepared, arm)}" for arm in plan.arms),
        f"{numerics}, threads: {numerics.threads} each, {prepared.decision.workers} at a time; {estimate}",
        *(f"Beforehand: {text}" for text in power(plan)),
    ]
    generated = (GENERATED,) if prepared.images.generated else ()
    return "\n".join((*generated, *lines, *map(mended, prepared.damaged), *plan.notes))


def plan_report(prepared: TrialSchedule) -> Report:
    """Return the report of a probe that is planned and not run."""
    request, plan = prepared.request, prepared.plan
    return Report(
        schema=PLAN_SCHEMA,
        title=f"Plan of a probe of {request.start.name} against {request.end.name}",
        environment=environment(("torch", "scipy", "mmpretrain")),
        sections=(Section("", tuple(Prose(line.strip()) for line in plan_text(prepared).splitlines())),),
        data={
            "models": list(plan.models),
            "arms": [arm.name for arm in plan.arms],
            "seeds": plan.seeds,
            "epochs": list(plan.horizons),
            "images": plan.images,
            "trials": plan.trials,
            "seconds": prepared.seconds,
            "seconds_left": prepared.seconds_left,
        },
    )


def _all_steps(prepared: TrialSchedule, arm: Arm) -> str:
    *shorter, longest = (prepared.plan.steps(arm, epochs) for epochs in prepared.plan.horizons)
    return " and ".join((*(f"{steps:,}" for steps in shorter), counted(longest, "step")))


def _opening(answer: ProbeAnswer) -> Iterator[Prose]:
    """Yield the verdict of each model and horizon, then its limits, then the basis of every number."""
    prepared = answer.prepared
    if prepared.images.generated:
        yield Prose(GENERATED, "caution")
    for found in answer.effects:
        yield Prose(sentence(found), "verdict")
    if answer.interrupted:
        yield Prose("The probe was interrupted: it says what has ended so far. The same command goes on.", "caution")
    diverged = sum(trial.diverged for trial in answer.trained)
    if diverged:
        said = f"{diverged} of {prepared.plan.trials} trials diverged. No effect is claimed of an arm with such trials."
        yield Prose(said, "bad")
    for found in answer.effects:
        yield Prose(f"{horizon(found)}, {ends(found)}")
        if text := reading(found):
            yield Prose(f"{horizon(found)}, {text}")
    yield Prose(stands_on(answer))
    yield Prose(
        "Schedules are compressed to the probe's length in proportion. An effect belongs to its number of steps: what "
        "it is at the end of a full training is not known from here.",
        "caution",
    )
    for text in (*map(mended, prepared.damaged), *prepared.plan.notes):
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
