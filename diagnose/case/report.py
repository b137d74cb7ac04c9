"""What a judged case says: the case in a paragraph, the verdicts in a table, then each claim with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diagnose.case.consent import code_of
from diagnose.environment import environment
from diagnose.values import Case, Cell, Column, Item, Judgement, Prose, Report, Ruling, Section, Skipped, Table, Tone

SCHEMA = "diagnose.report/1"
LIBRARIES = ("torch", "torchvision", "mmpretrain", "timm")
_MARKS = {Ruling.SUPPORTED: "✓", Ruling.REFUTED: "✗", Ruling.UNDETERMINED: "?"}
_TONES: dict[Ruling, Tone] = {
    Ruling.SUPPORTED: "good",
    Ruling.REFUTED: "bad",
    Ruling.UNDETERMINED: "caution",
}


def case_report(case: Case, judgements: Sequence[Judgement], *, interrupted: bool = False) -> Report:
    """Return the report of a judged case."""
    sections = [
        Section("", (*_opening(case, judgements, interrupted=interrupted), _verdicts(judgements))),
        *map(_claim, judgements),
    ]
    ran = _what_ran(case, judgements)
    return Report(
        schema=SCHEMA,
        title=case.title,
        environment=environment(LIBRARIES),
        sections=(*sections, *ran),
        skipped=_skipped(judgements),
        data=_data(case, judgements, interrupted=interrupted),
    )


def summary_report(case: Case, judgements: Sequence[Judgement], *, interrupted: bool, written: str) -> Report:
    """Return what a terminal shows: the verdicts, and where the page is."""
    opening = _opening(case, judgements, interrupted=interrupted)
    reused = sum(judgement.reused for judgement in judgements)
    where = [Prose(f"The evidence: {written}", "hint")] if written else []
    if reused:
        where.append(Prose(f"{reused} of them stand from an earlier run; --fresh measures them again.", "hint"))
    return Report(
        schema=SCHEMA,
        title=case.title,
        environment=environment(LIBRARIES),
        sections=(Section("", (*opening[:1], *opening[2:], _verdicts(judgements), *where)),),
    )


def _opening(case: Case, judgements: Sequence[Judgement], *, interrupted: bool) -> tuple[Prose, ...]:
    counts = [
        f"{count} {ruling.value}"
        for ruling in Ruling
        if (count := sum(judgement.ruling is ruling for judgement in judgements))
    ]
    claims = f"{len(judgements)} {'claim' if len(judgements) == 1 else 'claims'}"
    said = [Prose(f"{claims}: {', '.join(counts)}." if counts else "No claims.", "verdict"), Prose(case.summary)]
    if interrupted:
        said.append(Prose("The run was interrupted: the same command goes on from where it stopped.", "caution"))
    return tuple(said)


def _verdicts(judgements: Sequence[Judgement]) -> Table:
    columns = (Column("Claim"), Column("Verdict"), Column("Because"))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (_says(judgement), f"{_MARKS[judgement.ruling]} {judgement.ruling.value}", _first_sentence(judgement.answer))
        for judgement in judgements
    )
    return Table("", columns, rows)


def _first_sentence(answer: str) -> str:
    """Return the sentence that an answer begins with: the rest stands with the claim."""
    first, stop, _ = answer.partition(". ")
    return f"{first}." if stop else answer


def _says(judgement: Judgement) -> str:
    return judgement.claim.says if judgement.claim.holds else f"Not so: {judgement.claim.says}"


def _claim(judgement: Judgement) -> Section:
    claim = judgement.claim
    items: list[Item] = [Prose(f"{judgement.ruling.value.capitalize()}. {judgement.answer}", _TONES[judgement.ruling])]
    if claim.source:
        items.append(Prose(f"Claimed in: {claim.source}."))
    return Section(_says(judgement), (*items, *judgement.evidence))


def _what_ran(case: Case, judgements: Sequence[Judgement]) -> tuple[Section, ...]:
    """List the code of the case that was run because it was trusted."""
    code = dict.fromkeys(text for each in judgements for text in code_of(case, each.claim)) if case.trusted else {}
    if not code:
        return ()
    said = Prose("These are code of the case, and were run:")
    return (Section("What was run", (said, Table("", (Column("Code"),), tuple((text,) for text in code)))),)


def _skipped(judgements: Sequence[Judgement]) -> tuple[Skipped, ...]:
    return tuple(dict.fromkeys(item for judgement in judgements for item in judgement.skipped))


def _data(case: Case, judgements: Sequence[Judgement], *, interrupted: bool) -> dict[str, Any]:
    return {
        "case": case.name,
        "models": dict(case.models),
        "interrupted": interrupted,
        "claims": [
            {
                "id": judgement.claim.id,
                "kind": judgement.claim.kind,
                "says": judgement.claim.says,
                "holds": judgement.claim.holds,
                "source": judgement.claim.source,
                "verdict": judgement.ruling.value,
                "answer": judgement.answer,
                "evidence": dict(judgement.data),
            }
            for judgement in judgements
        ],
    }
