"""Missing parameters as a sign of an error, against the designs that would have the stated number."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diagnose.case.keys import Key, numbers, text, texts
from diagnose.case.kind import Assessment, Evidence, Kind
from diagnose.case.measurements import Measurements
from diagnose.params.gap.report import describe, gap_data, gap_sections, gap_verdict, odds
from diagnose.values import Claim, Item, ParameterGap, Ruling, Section, Waterfall


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gap of a model to a stated number, under each way in which the number may have been written."""

    model: str
    gaps: tuple[ParameterGap, ...]


def measure(claim: Claim, measurements: Measurements) -> Gaps:
    """Search the designs that close the gap to each of the numbers."""
    from diagnose.params.gap.explain import explain_gap
    from diagnose.params.gap.known_facts import known_facts
    from diagnose.params.reported import parse_reported

    name = claim.get("model")
    built, table = measurements.built(name), measurements.parameters(name)
    kept = known_facts(built.ref, claim.get("keep", ()))
    gaps = (
        explain_gap(built.ref, built.module, table, parse_reported(text), stated=kept) for text in claim.get("numbers")
    )
    return Gaps(name, tuple(gaps))


def judge(claim: Claim, measured: Gaps) -> Assessment:
    """Refute the error where each number is the model's own; else leave it open, since a count proves no design."""
    said, fits = " ".join(map(_answer, measured.gaps)), ", ".join(map(_fit, measured.gaps))
    if all(gap.reported.readings(gap.total) for gap in measured.gaps):
        return Assessment(Ruling.REFUTED, f"There is no gap. {said}")
    return Assessment(Ruling.UNDETERMINED, f"A count cannot tell an error from another design: {fits}. {said}")


def _fit(gap: ParameterGap) -> str:
    """Say in a few words what has a stated number."""
    number = f"“{gap.reported.text}”"
    if gap.reported.readings(gap.total):
        return f"{number} is the model's own"
    if not gap.solutions:
        return f"no edit known here gives {number}"
    if _published(gap):
        return f"a published design has {number}"
    return f"edits give {number}" if gap.stands_out else f"edits give {number}, as they would many a random number"


def _published(gap: ParameterGap) -> bool:
    return any(solution.source and solution.verified for solution in gap.solutions)


def _answer(gap: ParameterGap) -> str:
    """Say in one sentence what a stated number would mean."""
    number = f"“{gap.reported.text}”"
    if gap.reported.readings(gap.total):
        return f"{number} is the model's own count."
    if not gap.solutions:
        return f"At {number} no edit known here fits."
    first = gap.solutions[0]
    where = f"published: {first.source}" if first.source else "no published code known here has it"
    chance = "" if gap.stands_out else f" {odds(first.chance)} would be met as well."
    return f"At {number} {describe(first)} would fit, {first.total:,} ({where}).{chance}"


def evidence(claim: Claim, measured: Gaps) -> Evidence:
    """Show for each number what would close its gap, the waterfall first; what leads there is folded."""
    asked = [gap.reported.text for gap in measured.gaps]
    items = tuple(_section(measured.model, gap, asked) for gap in measured.gaps)
    skipped = tuple(dict.fromkeys(item for gap in measured.gaps for item in gap.skipped))
    data = {"model": measured.model, "total": measured.gaps[0].total, "gaps": [gap_data(gap) for gap in measured.gaps]}
    return Evidence(items, data, skipped)


def _section(model: str, gap: ParameterGap, asked: list[str]) -> Section:
    """Return the section of one number; another rounding that the claim asks for too has a section of its own."""
    others = tuple(pair for pair in gap.precisions if pair[0].text not in asked)
    said = gap_verdict(model, replace(gap, precisions=others))
    figures: list[Item] = []
    parts: list[Section] = []
    for section in gap_sections(model, gap, folded=True):
        figures += [item for item in section.items if isinstance(item, Waterfall)]
        parts.append(replace(section, items=tuple(item for item in section.items if not isinstance(item, Waterfall))))
    parts.sort(key=lambda part: part.folded)
    return Section(f"If the number is “{gap.reported.text}”", (*said, *figures, *parts))


KIND = Kind(
    "parameter gap",
    "that `model` has fewer or more parameters than the `numbers` state because it was implemented with an error",
    (Key("model", text, models=True), Key("numbers", numbers), Key("keep", texts, required=False)),
    measure,
    judge,
    evidence,
)
