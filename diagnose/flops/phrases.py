"""How other tools' figures and a reported number are put into words."""

from __future__ import annotations

from diagnose.flops.reported.search_operations import FlopSolution, met
from diagnose.flops.run import CountedModel, FlopsAnswer
from diagnose.values import Cell, Column, Prose, ReportedNumber, Section, Table


def check_section(model: CountedModel) -> Section:
    """Return other tools' figures and what makes each differ from ours."""
    rows: list[tuple[Cell, ...]] = []
    for check in model.checks:
        difference = check.value - check.ours
        rows.append((f"{check.tool}, {check.convention}", check.value, difference))
        rows += [(f"· {cause}", None, amount) for cause, amount in check.explained]
        if check.unexplained:
            rows.append(("· not explained", None, check.unexplained))
    columns = (Column("Tool, and why it differs"), Column("Figure", True), Column("Difference to ours", True))
    left = [check.tool for check in model.checks if check.unexplained]
    said = (
        Prose(f"Part of the difference is not explained: {', '.join(left)}.", "caution")
        if left
        else Prose("Every difference is explained to the last unit.", "good")
    )
    title = f"Other tools on {model.ref.text}, the same {'training step' if model.table.trained else 'forward pass'}"
    return Section(title, (said, Table("", columns, tuple(rows))))


def reported_verdict(answer: FlopsAnswer) -> list[Prose]:
    """Return for each model what the reported number is, in one sentence."""
    if answer.reported is None:
        return []
    return [_verdict(model, answer.reported) for model in answer.models]


def _verdict(model: CountedModel, reported: ReportedNumber) -> Prose:
    name, text = model.ref.text, reported.text
    if not model.candidates:
        return Prose(
            f"No convention, usual input or small edit that is known here gives {text} for {name}.",
            "verdict",
        )
    first, *others = model.candidates
    by = f", which is how {first.source} counts" if first.source and not first.edits else ""
    counted = f"{first.value:,} {first.convention}{by}"
    if first.fits != ("rounded", "truncated"):
        counted += f" (fits if {first.fits[0]})"
    if met(model.candidates, model.table):
        said = f"{text} fits {name} as it is on {first.input}: {counted}."
    elif not first.edits:
        said = f"{text} fits {name} not on its own input but on {first.input}: {counted}."
    else:
        edit = f"an edit {_AGAINST}" if first.against else "an edit"
        said = f"{text} fits {name} only with {edit}, {first.edits[0]}: {counted} on {first.input}."
    if others:
        said += f" {len(others)} other {'way fits' if len(others) == 1 else 'ways fit'} it, too."
    return Prose(said, "verdict")


def reported_section(model: CountedModel, reported: ReportedNumber) -> Section:
    """Return every way to the reported number, the likeliest first."""
    low, high = min(reported.rounded[0], reported.truncated[0]), max(reported.rounded[1], reported.truncated[1])
    words = [
        Prose(
            f"{reported.text} stands for {reported.rounded[0]:,} to {reported.rounded[1]:,} if it was rounded, for "
            f"{reported.truncated[0]:,} to {reported.truncated[1]:,} if it was truncated. A document seldom says which."
            if low != high
            else f"{reported.text} is an exact number."
        )
    ]
    if not model.candidates:
        return Section(f"What gives {reported.text}", tuple(words))
    columns = (
        Column("Counts"),
        Column("Input"),
        Column("Edit"),
        Column("Value", True),
        Column("Fits if", low_priority=True),
        Column("Source", low_priority=True),
    )
    listed = model.candidates[:MOST_LISTED]
    left = len(model.candidates) - len(listed)
    order = (
        "The fewest and most plausible assumptions stand first. Each value was counted on a network really so built."
    )
    more = f" {left} less likely {'one is' if left == 1 else 'ones are'} left to --format json." if left else ""
    table = Table("", columns, tuple(_row(candidate) for candidate in listed), note=order + more)
    built = ((candidate.edits, candidate.note) for candidate in listed if candidate.edits and candidate.note)
    notes = tuple(Prose(f"{'; '.join(edits)}: {note}.") for edits, note in built)
    caution = Prose(
        "A matching number is no proof: several ways may lead to the same digits, and edits of two kinds at once were "
        "not tried.",
        "caution",
    )
    stated = tuple(
        Prose(f"Stated is: {said}.") for said in dict.fromkeys(solution.against for solution in listed) if said
    )
    folded = (Section("How each was built", notes, folded=True),) if notes else ()
    return Section(f"What gives {reported.text} for {model.ref.text}", (*words, table, *stated, caution, *folded))


MOST_LISTED = 8
_AGAINST = "against what is stated"


def _row(candidate: FlopSolution) -> tuple[Cell, ...]:
    return (
        candidate.convention,
        candidate.input,
        f"{'; '.join(candidate.edits) or 'none'}{f' ({_AGAINST})' if candidate.against else ''}",
        candidate.value,
        " or ".join(candidate.fits),
        candidate.source,
    )
