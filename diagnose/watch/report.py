"""What `diagnose watch` says: the recipe that acted, silent faults, and what was not seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from diagnose.environment import environment
from diagnose.recipes.compare_recipes import shown
from diagnose.recipes.fields import FIELDS
from diagnose.recipes.report import diff_report, plain
from diagnose.values import (
    NOT_STATED,
    Basis,
    Column,
    Curve,
    Curves,
    Fault,
    FieldStatus,
    Finding,
    Prose,
    RecipeDiff,
    Report,
    Section,
    Significance,
    Skipped,
    Table,
    WatchedScript,
)
from diagnose.watch.phrases import (
    FACTS,
    HIDDEN_BY_SHORTENING,
    ending_words,
    evidence_words,
    fault_words,
    seen_words,
    shortened_words,
)
from diagnose.watch.saved_recipe import name_of
from diagnose.wording import counted

SCHEMA = "diagnose.watch/1"

MOST_POINTS = 400
"""Most points of a curve that are drawn."""


def watch_report(script: WatchedScript, diff: RecipeDiff | None = None) -> Report:
    """Return the report of a watched script; `diff` is what acted against a recipe."""
    compared = diff_report(diff) if diff is not None else None
    sections = [Section("", tuple(_opening(script, diff)))]
    if compared is not None and diff is not None:
        sections.append(Section(f"What acted against {diff.b.name}", _without_opening(compared)))
    sections.append(Section("The recipe that acted", (_recipe_table(script), *_curves(script))))
    if script.facts:
        sections.append(Section("Beside the fields of a recipe", (_facts_table(script),)))
    if script.shortened:
        sections.append(Section("What the shortening hides", tuple(_shortening(script))))
    return Report(
        schema=SCHEMA,
        title=f"Watched: {' '.join(script.command)}",
        environment={**environment(()), **script.environment},
        sections=tuple(sections),
        findings=(*(finding_of(fault) for fault in script.faults), *(compared.findings if compared else ())),
        skipped=tuple(_skipped(script)),
        data=_data(script) | ({"against": dict(compared.data)} if compared else {}),
    )


def _opening(script: WatchedScript, diff: RecipeDiff | None) -> Iterator[Prose]:
    known = sum(setting.value is not NOT_STATED for setting in script.settings)
    faults = sum(fault.significance is Significance.REAL for fault in script.faults)
    doubts = len(script.faults) - faults
    words = (
        f"{name_of(script)} was seen training: {seen_words(script)}; {known} of {len(script.settings)} fields of its "
    )
    words += f"recipe are known. {_faults_in_words(faults, doubts)}"
    if not script.has_trained:
        words = (
            f"{name_of(script)} was watched, and no training was seen: neither a backward pass nor an optimizer step."
        )
    if diff is not None:
        differing = [field.title for field in diff.having(FieldStatus.DIFFERS)]
        against = f" Against {diff.b.name} "
        words += against + (
            f"these differ: {', '.join(differing)}." if differing else "no field differs that both have."
        )
    yield Prose(words, "verdict")
    yield Prose(ending_words(script), "plain" if script.error is None and not script.exit_code else "caution")
    if script.counts["steps"]:
        yield Prose("A check tells a fault where it was seen; that none was seen does not exclude one.", "note")


def _faults_in_words(faults: int, doubts: int) -> str:
    if not faults and not doubts:
        return "No silent fault was seen."
    told = [counted(faults, "silent fault") + (" was seen" if faults == 1 else " were seen")] if faults else []
    told += [f"{doubts} {'thing' if doubts == 1 else 'things'} may be meant so or not"] if doubts else []
    return "; ".join(told) + "."


def finding_of(fault: Fault) -> Finding:
    """Return a fault as a finding."""
    where = (fault.place,) if fault.place else ()
    return Finding(f"watch.{fault.kind.value}", fault.significance, where, 1, fault_words(fault))


def _without_opening(report: Report) -> tuple[Section, ...]:
    return tuple(section for section in report.sections if section.title)


def _recipe_table(script: WatchedScript) -> Table:
    columns = (Column("Field"), Column("Value"), Column("Known by"), Column("Evidence"))
    by_key = {setting.key: setting for setting in script.settings}
    rows = tuple(
        (
            field.title,
            "" if by_key[key].basis is Basis.NOT_OBSERVED else shown(by_key[key].value),
            by_key[key].basis.value,
            evidence_words(by_key[key].evidence),
        )
        for key, field in FIELDS.items()
        if key in by_key
    )
    return Table("", columns, rows)


def _facts_table(script: WatchedScript) -> Table:
    columns = (Column("What"), Column("Value"), Column("Evidence", low_priority=True))
    rows = tuple((FACTS[fact.kind], fact.value, evidence_words(fact.evidence)) for fact in script.facts)
    return Table("", columns, rows)


def _curves(script: WatchedScript) -> Iterator[Curves]:
    course = script.course
    steps = tuple(float(i) for i in range(1, len(course.rates) + 1))
    for title, x, y, unit, axis in (
        ("Learning rate at each step", steps, course.rates, "learning rate", "optimizer steps seen"),
        ("Loss", tuple(map(float, course.loss_steps)), course.losses, "loss", "backward passes seen"),
    ):
        if len(y) > 1:
            stride = -(-len(y) // MOST_POINTS)
            yield Curves(title, axis, unit, (Curve(unit, x[::stride], y[::stride]),))


def _shortening(script: WatchedScript) -> Iterator[Prose]:
    for loader in script.shortened:
        yield Prose(shortened_words(loader))
    yield Prose(HIDDEN_BY_SHORTENING, "caution")


def _skipped(script: WatchedScript) -> Iterator[Skipped]:
    for name, error in script.hidden:
        yield Skipped(name, f"the hook failed and was switched off: {error}")


def _data(script: WatchedScript) -> dict[str, Any]:
    return {
        "command": list(script.command),
        "ending": script.ending.value,
        "exit_code": script.exit_code,
        "error": {"kind": script.error.kind, "message": script.error.message, "place": script.error.place}
        if script.error
        else None,
        "counts": dict(script.counts),
        "settings": {
            setting.key: {
                "value": plain(setting.value),
                "basis": setting.basis.value,
                "evidence": setting.evidence.kind.value,
                "numbers": dict(setting.evidence.numbers),
                "place": setting.evidence.place,
            }
            for setting in script.settings
        },
        "facts": [{"kind": f.kind.value, "value": f.value, "place": f.evidence.place} for f in script.facts],
        "faults": [
            {
                "kind": fault.kind.value,
                "verdict": fault.significance.value,
                "seen": fault.seen,
                "of": fault.of,
                "place": fault.place,
                "numbers": dict(fault.numbers),
            }
            for fault in script.faults
        ],
        "shortened": [
            {"place": s.place, "batches": s.batches, "length": s.length, "passes": s.passes, "trains": s.trains}
            for s in script.shortened
        ],
        "rates": list(script.course.rates),
        "losses": {"backward": list(script.course.loss_steps), "loss": list(script.course.losses)},
    }
