"""What a parameter gap says: the verdict, what would close it, what is excluded, and what a count cannot prove."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from diagnose.values import (
    Cell,
    Column,
    GapSolution,
    ParameterGap,
    Prose,
    ReportedNumber,
    Section,
    Step,
    Table,
    Waterfall,
)

PLAIN_CONVENTION = "all parameters, tied ones once"
_WORDS = ("One", "Two", "Three", "Four")


def gap_verdict(model: str, gap: ParameterGap) -> list[Prose]:
    """Return the answer in a few sentences: the gap, the likeliest candidate, and how far it may be trusted."""
    text = gap.reported.text
    readings = gap.reported.readings(gap.total)
    if readings:
        return [
            Prose(f"{text} is what {model} has: {gap.total:,} parameters, {_read(readings)}.", "verdict"),
            *_other_precisions(gap),
        ]
    sizes = sorted(abs(bound - gap.total) for bound in gap.reported.rounded)
    way = "more" if gap.reported.rounded[0] > gap.total else "fewer"
    said = [
        Prose(f"{text} is {sizes[0]:,} to {sizes[1]:,} parameters {way} than {model} has ({gap.total:,}).", "verdict")
    ]
    if not gap.candidates:
        kept = " that keeps what is stated" if gap.stated else ""
        return [
            *said,
            Prose(
                f"No plausible set of edits{kept} gives {text}; {gap.visited:,} were looked at. The reported number "
                "itself may be wrong, or count something else.",
                "caution",
            ),
        ]
    first = gap.candidates[0]
    said.append(Prose(f"Likeliest: {describe(first)} → {first.total:,}, {_read(first.fits)}.", "good"))
    others = len(gap.candidates) - 1
    more = f" {others} other {'set' if others == 1 else 'sets'} of edits below {'fits' if others == 1 else 'fit'}, too."
    proof = "A matching count does not prove a design."
    return [*said, Prose(proof + (more if others else ""), "caution"), *_other_precisions(gap)]


def describe(candidate: GapSolution) -> str:
    """Return a candidate in words."""
    convention = "" if candidate.convention == PLAIN_CONVENTION else f"counted as “{candidate.convention}”"
    return " + ".join((*candidate.edits, *filter(None, (convention,)))) or "the model as it is"


def _read(fits: tuple[str, ...]) -> str:
    return "whether rounded or truncated" if len(fits) == 2 else f"if the number was {fits[0]}"


def _other_precisions(gap: ParameterGap) -> list[Prose]:
    """Say where another precision of the reported number would change the answer."""
    answer = gap.candidates[0].edits if gap.candidates else ()
    said = []
    for precision, candidate in gap.precisions:
        if candidate is None or (candidate.edits == answer and candidate.convention == gap.candidates[0].convention):
            continue
        source = f" Published: {candidate.source}." if candidate.source else ""
        said.append(
            Prose(
                f"Another rounding changes the answer: read as “{precision.text}” ({_interval(precision.rounded)}), "
                f"{describe(candidate)} already fits, {candidate.total:,}.{source}",
                "caution",
            )
        )
    return said


def gap_sections(gap: ParameterGap) -> list[Section]:
    """Return the sections of a gap: what it is, what would close it, what is excluded."""
    sections = [_gap_section(gap)]
    if gap.candidates and not gap.reported.readings(gap.total):
        sections.append(_candidates_section(gap))
    if gap.excluded:
        sections.append(_excluded_section(gap))
    return sections


def _gap_section(gap: ParameterGap) -> Section:
    readings = (("rounded", gap.reported.rounded), ("truncated", gap.reported.truncated))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f"{gap.reported.text}, {name}", _interval(reading), _signed(reading, gap.total)) for name, reading in readings
    )
    columns = (Column("Reading"), Column("Parameters reported", True), Column("Gap", True))
    table = Table("", columns, rows)
    if gap.reported.readings(gap.total) or not gap.units:
        return Section("The gap", (table,))
    units = Table(
        "In units to think in",
        (Column("One of these"), Column("Adds", True), Column("Gap, rounded", True), Column("Gap, truncated", True)),
        tuple((unit.text, unit.parameters, _times(unit.rounded), _times(unit.truncated)) for unit in gap.units),
        note=_whole_note(gap),
    )
    return Section("The gap", (table, units))


def _whole_note(gap: ParameterGap) -> str:
    """Say which whole number of the first unit is the gap, where one is."""
    low, high = gap.units[0].rounded
    whole = max(1, math.ceil(low))
    if whole > min(high, len(_WORDS)):
        return "No small whole number of the first closes it."
    return f"{_WORDS[whole - 1]} of the first would close it."


def _interval(bounds: tuple[int, int]) -> str:
    return f"{bounds[0]:,}" if bounds[0] == bounds[1] else f"{bounds[0]:,} – {bounds[1]:,}"


def _signed(bounds: tuple[int, int], total: int) -> str:
    low, high = (bound - total for bound in bounds)
    return f"{low:+,}" if low == high else f"{low:+,} to {high:+,}"


def _times(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.2f}–{bounds[1]:.2f}"


def _candidates_section(gap: ParameterGap) -> Section:
    first = gap.candidates[0]
    notes = dict.fromkeys(note for candidate in gap.candidates[:1] for note in candidate.notes)
    commands = [c.how_verified.removeprefix("built as ") for c in (first,) if c.how_verified.startswith("built as ")]
    hints = [Prose(f"Look closer: `diagnose params '{command}'`", "hint") for command in commands]
    figure = [_waterfall(gap, first)] if first.convention == PLAIN_CONVENTION and first.edits else []
    return Section(
        "What would close it",
        (_candidate_table(gap.candidates, gap), *(Prose(note, "caution") for note in notes), *figure, *hints),
    )


def _candidate_table(candidates: tuple[GapSolution, ...], gap: ParameterGap) -> Table:
    also = tuple(name for name, _, _ in candidates[0].also)
    rows: list[tuple[Cell, ...]] = []
    for candidate in candidates:
        fits = " and ".join(candidate.fits)
        built = "yes" if candidate.verified else "no"
        others = (f"{count:,} {'fits' if fits_too else 'misses'}" for _, count, fits_too in candidate.also)
        rows.append(
            (describe(candidate), candidate.total, fits, *others, candidate.cost, built, candidate.source or None)
        )
    columns = (
        Column("Edit"),
        Column("Parameters", True),
        Column("Fits if"),
        *(Column(name) for name in also),
        Column("Cost", True, low_priority=True),
        Column("Built"),
        Column("Published", low_priority=True),
    )
    note = (
        f"{gap.visited:,} candidates looked at. Cost: 1 is one plain change. "
        "Built: the edited model was really built, counted and run."
    )
    return Table("", columns, tuple(rows), marked=(0,), note=note)


def _waterfall(gap: ParameterGap, first: GapSolution) -> Waterfall:
    return Waterfall(
        title="From the model to the reported number",
        unit="parameters",
        start_label="the model",
        start=gap.total,
        steps=(Step(describe(first), first.total - gap.total),),
        end_label="edited",
        band=(gap.reported.rounded[0], gap.reported.rounded[1]),
        band_label=f"{gap.reported.text}, rounded",
    )


def _excluded_section(gap: ParameterGap) -> Section:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (describe(candidate), candidate.total, ", ".join(stated.facet for stated in candidate.excluded))
        for candidate in gap.excluded
    )
    said = Prose(f"These give {gap.reported.text}, too, but contradict what is stated.")
    stated = (Prose(f"{item.facet}: {item.source}") for item in gap.stated)
    lift = Prose("`--keep nothing` lifts this; `--keep blocks,widths` chooses.", "hint")
    table = Table("", (Column("Edit"), Column("Parameters", True), Column("Contradicts")), rows)
    return Section("Excluded by what is stated", (said, table, *stated, lift))


def gap_data(gap: ParameterGap) -> dict[str, Any]:
    """Return the JSON-able form of a gap."""

    def reported(number: ReportedNumber) -> dict[str, Any]:
        return {"text": number.text, "rounded": list(number.rounded), "truncated": list(number.truncated)}

    def candidate(value: GapSolution) -> dict[str, Any]:
        raw = {
            **asdict(value),
            "also": [{"model": name, "total": total, "fits": fits} for name, total, fits in value.also],
        }
        return {key: list(item) if isinstance(item, tuple) else item for key, item in raw.items()}

    return {
        "reported": reported(gap.reported),
        "candidates": [candidate(value) for value in gap.candidates],
        "excluded": [candidate(value) for value in gap.excluded],
        "other_precisions": [
            {**reported(number), "first": candidate(value) if value else None} for number, value in gap.precisions
        ],
        "units": [
            {**asdict(unit), "rounded": list(unit.rounded), "truncated": list(unit.truncated)} for unit in gap.units
        ],
        "stated": [asdict(item) for item in gap.stated],
        "visited": gap.visited,
    }
