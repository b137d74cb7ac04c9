"""What a parameter gap says: the verdict, what would close it, what is excluded, and what a count cannot prove."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict, replace
from typing import Any

from diagnose.params.index.index_data import known_data
from diagnose.params.index.phrases import known_section, likeliest_known, nearest_known, possibly_known
from diagnose.values import (
    Cell,
    Column,
    GapSolution,
    IndexAnswer,
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
_ALMOST_NONE, _MOST, _ALMOST_ALL = 1e-6, 7 / 12, 0.8

TELLING = 0.5
"""Chance up to which a known network is named beside edits: more is what any number would meet."""


def gap_verdict(model: str, gap: ParameterGap) -> list[Prose]:
    """Return the answer in a few sentences: the gap, the likeliest solution, and how far it may be trusted."""
    text = gap.reported.text
    readings = gap.reported.readings(gap.total)
    if readings:
        return [Prose(f"{text} is what {model} has: {gap.total:,} parameters{_read(gap, readings)}.", "verdict")]
    least, most = sorted(abs(bound - gap.total) for bound in gap.reported.rounded)
    size = f"{least:,}" if gap.reported.is_exact else f"{least:,} to {most:,}"
    way = "more" if gap.reported.rounded[0] > gap.total else "fewer"
    said = [Prose(f"{text} is {size} parameters {way} than {model} has ({gap.total:,}).", "verdict")]
    known = telling_networks(gap)
    if known is not None and known.stands_out and not gap.stands_out:
        said += likeliest_known(model, known, f"{odds(known.matches[0].chance)} would be met as well.")
        return [*said, Prose("A matching count does not prove a design.", "caution")]
    if not gap.solutions:
        kept = " that keeps what is stated" if gap.stated else ""
        none = Prose(f"No edit known here{kept} gives {text}; {gap.visited:,} sets were looked at.", "caution")
        near = [] if gap.known is None else [possibly_known(known) if known else nearest_known(gap.known)]
        return [*said, none, *near, *_slip(gap)]
    first = gap.solutions[0]
    answer = f"{describe(first)} → {first.total:,}{_read(gap, first.fits)}"
    others = len(gap.solutions) - 1
    proof = "A matching count does not prove a design."
    if gap.stands_out:
        said.append(Prose(f"Likeliest: {answer}. {odds(first.chance)} would be met as well.", "good"))
        said += [possibly_known(known)] if known is not None and known.matches[0].total == first.total else []
        more = f" {others} less likely {'set of edits fits' if others == 1 else 'sets of edits fit'}, too."
    else:
        said.append(Prose(f"No solution stands out. {odds(first.chance)} would be met as well.", "caution"))
        possible = [Prose(f"Possible: {answer}.")]
        if known is not None:
            possible.insert(int(known.matches[0].chance >= first.chance), possibly_known(known))
        said += possible
        more = f" {others} other {'set of edits fits' if others == 1 else 'sets of edits fit'}, too."
    slip = [] if gap.stands_out else _slip(gap)
    return [*said, Prose(proof + (more if others else ""), "caution"), *slip, *_other_precisions(gap)]


def _slip(gap: ParameterGap) -> list[Prose]:
    """Say which slip of the pen would give the network's own number."""
    if gap.slip is None:
        return []
    kind = "two digits swapped" if gap.slip.kind == "swapped" else "one digit misread"
    said = f"The reported number itself may be wrong: with {kind} it would be {gap.slip.meant}, which the network has."
    return [Prose(f"{said} {odds(gap.slip.chance)} would be as near.", "caution")]


def odds(chance: float) -> str:
    """Say how many random numbers of the same size and precision a solution as cheap would meet."""
    if chance > _ALMOST_ALL:
        return "Almost all random numbers of this size and precision"
    return f"{_one_in(chance).capitalize()} random numbers of this size and precision"


def _one_in(chance: float) -> str:
    """Return "1 in 45", rounded to two digits; above a half, "2 in 3"."""
    if chance > _ALMOST_ALL:
        return "almost all"
    if chance < _ALMOST_NONE:
        return "fewer than 1 in a million"
    if chance > _MOST:
        return "2 in 3"
    return f"1 in {int(float(f'{1 / chance:.2g}')):,}"


def describe(solution: GapSolution) -> str:
    """Return a solution in words."""
    convention = "" if solution.convention == PLAIN_CONVENTION else f"counted as “{solution.convention}”"
    return " + ".join((*solution.edits, *filter(None, (convention,)))) or "the model as it is"


def _read(gap: ParameterGap, fits: tuple[str, ...]) -> str:
    if gap.reported.is_exact:
        return ""
    return ", whether rounded or truncated" if len(fits) == 2 else f", if the number was {fits[0]}"


def _other_precisions(gap: ParameterGap) -> list[Prose]:
    """Say where another precision of the reported number would change the answer."""
    answer = gap.solutions[0].edits if gap.solutions else ()
    said = []
    for precision, solution in gap.precisions:
        if solution is None or (solution.edits == answer and solution.convention == gap.solutions[0].convention):
            continue
        source = f" Published: {solution.source}." if solution.source else ""
        said.append(
            Prose(
                f"Another rounding changes the answer: read as “{precision.text}” ({_interval(precision.rounded)}), "
                f"{describe(solution)} already fits, {solution.total:,}.{source}",
                "caution",
            )
        )
    return said


def telling_networks(gap: ParameterGap) -> IndexAnswer | None:
    """Return the known networks that have the reported number, None where there are none, or chance would meet one.

    Where no edit gives the number they are named all the same.
    """
    if gap.known is None or not gap.known.matches:
        return None
    return gap.known if gap.known.matches[0].chance <= TELLING or not gap.solutions else None


def gap_sections(model: str, gap: ParameterGap, *, folded: bool = False) -> list[Section]:
    """Return the sections of a gap: what it is, what would close it, which known networks have it, what is excluded.

    `folded` folds all of them but what would close it.
    """
    sections = [replace(_gap_section(gap), folded=folded)]
    if gap.solutions and not gap.reported.readings(gap.total):
        sections.append(_solutions_section(gap))
    if (known := telling_networks(gap)) is not None:
        sections.append(replace(known_section(model, known, gap.total), folded=folded))
    if gap.excluded:
        sections.append(replace(_excluded_section(gap), folded=folded))
    return sections


def _gap_section(gap: ParameterGap) -> Section:
    readings = [("rounded", gap.reported.rounded), ("truncated", gap.reported.truncated)]
    if gap.reported.is_exact:
        readings = [("exact", gap.reported.rounded)]
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


def _solutions_section(gap: ParameterGap) -> Section:
    first = gap.solutions[0]
    notes = dict.fromkeys(note for solution in gap.solutions[:1] for note in solution.notes)
    hints = [Prose(f"Look closer: `diagnose params {shlex.quote(first.model)}`", "hint")] if first.model else []
    figure = [_waterfall(gap, first)] if first.convention == PLAIN_CONVENTION and first.edits else []
    return Section(
        "What would close it",
        (_solution_table(gap), *(Prose(note, "caution") for note in notes), *figure, *hints),
    )


def _solution_table(gap: ParameterGap) -> Table:
    names = tuple(name for name, _, _ in gap.solutions[0].also)
    rows: list[tuple[Cell, ...]] = []
    for solution in gap.solutions:
        others = (f"{count:,} {'fits' if fits_too else 'misses'}" for _, count, fits_too in solution.also)
        rows.append(
            (
                describe(solution),
                solution.total,
                " and ".join(solution.fits),
                *others,
                _one_in(solution.chance),
                solution.cost,
                "yes" if solution.verified else "no",
                solution.source or None,
            )
        )
    columns = (
        Column("Edit"),
        Column("Parameters", True),
        Column("Fits if"),
        *(Column(name) for name in names),
        Column("Chance", True),
        Column("Cost", True, low_priority=True),
        Column("Built"),
        Column("Published", low_priority=True),
    )
    note = (
        f"{gap.visited:,} sets of edits looked at. Chance: the share of random numbers of this size and precision that "
        "a solution as cheap would meet. Cost: 1 is one plain change. "
        "Built: the edited model was really built, counted and run."
    )
    return Table("", columns, tuple(rows), marked=(0,) if gap.stands_out else (), note=note)


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
        (describe(solution), solution.total, ", ".join(stated.facet for stated in solution.excluded))
        for solution in gap.excluded
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

    def solution(value: GapSolution) -> dict[str, Any]:
        raw = {
            **asdict(value),
            "also": [{"model": name, "total": total, "fits": fits} for name, total, fits in value.also],
        }
        return {key: list(item) if isinstance(item, tuple) else item for key, item in raw.items()}

    return {
        "reported": reported(gap.reported),
        "candidates": [solution(value) for value in gap.solutions],
        "excluded": [solution(value) for value in gap.excluded],
        "other_precisions": [
            {**reported(number), "first": solution(value) if value else None} for number, value in gap.precisions
        ],
        "units": [
            {**asdict(unit), "rounded": list(unit.rounded), "truncated": list(unit.truncated)} for unit in gap.units
        ],
        "stated": [asdict(item) for item in gap.stated],
        "visited": gap.visited,
        "stands_out": gap.stands_out,
        "slip": asdict(gap.slip) if gap.slip else None,
        "known": known_data(gap.known) if gap.known else None,
    }
