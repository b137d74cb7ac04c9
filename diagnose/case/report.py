"""What a judged case says: the case in a paragraph, the rulings in a table, then each claim with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diagnose.case.permission import code_of
from diagnose.environment import environment
from diagnose.values import Case, Cell, Column, Item, JudgedClaim, Prose, Report, Ruling, Section, Skipped, Table

SCHEMA = "diagnose.report/1"
LIBRARIES = ("torch", "torchvision", "mmpretrain", "timm")


def case_report(case: Case, judgements: Sequence[JudgedClaim], *, interrupted: bool = False) -> Report:
    """Return the report of a judged case."""
    sections = [
        Section("", (*_opening(case, judgements, interrupted=interrupted), _verdicts(judgements))),
        *(_claim(judgement, number) for number, judgement in enumerate(judgements, 1)),
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


def summary_report(case: Case, judgements: Sequence[JudgedClaim], *, interrupted: bool, written: str) -> Report:
    """Return what a terminal shows: the rulings, and where the page is."""
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


def _opening(case: Case, judgements: Sequence[JudgedClaim], *, interrupted: bool) -> tuple[Prose, ...]:
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


def _verdicts(judgements: Sequence[JudgedClaim]) -> Table:
    columns = (Column("Claim"), Column("Verdict", verdict=True), Column("Because"))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (_titled(judgement, number), judgement.ruling.value, _parted(judgement.answer)[0])
        for number, judgement in enumerate(judgements, 1)
    )
    return Table("", columns, rows, links=tuple(map(_anchor, judgements)))


def _parted(answer: str) -> tuple[str, str]:
    """Part an answer into the sentence that it begins with and the rest, which stands with the claim."""
    first, stop, rest = answer.partition(". ")
    return (f"{first}.", rest) if stop else (answer, "")


def _anchor(judgement: JudgedClaim) -> str:
    return f"claim-{judgement.claim.id}"


def _titled(judgement: JudgedClaim, number: int) -> str:
    says = judgement.claim.says if judgement.claim.holds else f"Not so: {judgement.claim.says}"
    return f"{number}. {says}"


def _claim(judgement: JudgedClaim, number: int) -> Section:
    claim = judgement.claim
    first, rest = _parted(judgement.answer)
    items: list[Item] = [Prose(first, "verdict")]
    if rest:
        items.append(Prose(rest))
    if claim.source:
        items.append(Prose(f"Claimed in: {claim.source}.", "note"))
    return Section(
        _titled(judgement, number),
        (*items, *judgement.evidence),
        verdict=judgement.ruling.value,
        anchor=_anchor(judgement),
    )


def _what_ran(case: Case, judgements: Sequence[JudgedClaim]) -> tuple[Section, ...]:
    """List the code of the case that was run because it was trusted."""
    code = (
        dict.fromkeys(text for judgement in judgements for text in code_of(case, judgement.claim))
        if case.trusted
        else {}
    )
    if not code:
        return ()
    said = Prose("These are code of the case, and were run:")
    return (Section("What was run", (said, Table("", (Column("Code"),), tuple((text,) for text in code)))),)


def _skipped(judgements: Sequence[JudgedClaim]) -> tuple[Skipped, ...]:
    return tuple(dict.fromkeys(item for judgement in judgements for item in judgement.skipped))


def _data(case: Case, judgements: Sequence[JudgedClaim], *, interrupted: bool) -> dict[str, Any]:
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
