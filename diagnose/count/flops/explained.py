"""How other tools' figures and a reported number are put into words."""

from __future__ import annotations

from diagnose.count.flops.answer import CountedModel, FlopsAnswer
from diagnose.count.flops.reported import FlopCandidate, met
from diagnose.values import Cell, Column, Prose, Reported, Section, Table


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
    title = f"Other tools on {model.ref.text}, the same forward pass"
    return Section(title, (said, Table("", columns, tuple(rows))))


def reported_verdict(answer: FlopsAnswer) -> list[Prose]:
    """Return for each model what the reported number is, in one sentence."""
    if answer.reported is None:
        return []
    return [_verdict(model, answer.reported) for model in answer.models]


def _verdict(model: CountedModel, reported: Reported) -> Prose:
    name, text = model.ref.text, reported.text
    if not model.candidates:
        return Prose(
            f"No convention, usual input or small edit that was tried gives {text} for {name}; the number itself may "
            "be wrong.",
            "verdict",
        )
    first, *others = model.candidates
    by = f", which is how {first.source} counts" if first.source and not first.edits else ""
    counted = f"{first.value:,} {first.convention}{by}" if by else f"{first.value:,} {first.convention}"
    if first.fits != ("rounded", "truncated"):
        counted += f" (fits if {first.fits[0]})"
    if met(model.candidates, model.table):
        said = f"{text} fits {name} as it is on {first.input}: {counted}."
    elif not first.edits:
        said = f"{text} fits {name} not on its own input but on {first.input}: {counted}."
    else:
        said = f"{text} fits {name} only with an edit, {first.edits[0]}: {counted} on {first.input}."
    if others:
        said += f" {len(others)} other {'way fits' if len(others) == 1 else 'ways fit'} it, too."
    return Prose(said, "verdict")


def reported_section(model: CountedModel, reported: Reported) -> Section:
    """Return every way to the reported number."""
    low, high = min(reported.rounded[0], reported.truncated[0]), max(reported.rounded[1], reported.truncated[1])
    words = [
        Prose(
            f"{reported.text} stands for {reported.rounded[0]:,} to {reported.rounded[1]:,} if it was rounded, up to "
            f"{reported.truncated[1]:,} if it was truncated."
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
    table = Table("", columns, tuple(_row(candidate) for candidate in model.candidates))
    caution = Prose("A matching figure does not prove a design: several ways may lead to the same digits.", "caution")
    return Section(f"What gives {reported.text} for {model.ref.text}", (*words, table, caution))


def _row(candidate: FlopCandidate) -> tuple[Cell, ...]:
    return (
        candidate.convention,
        candidate.input,
        "; ".join(candidate.edits) or "none",
        candidate.value,
        " or ".join(candidate.fits),
        candidate.source,
    )
