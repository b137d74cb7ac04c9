"""What stands where on a page, and in which words; the same in every format meant for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.render.numbers import counted
from diagnose.render.text import visible
from diagnose.values import AlignedTree, Curves, Figure, Finding, Prose, Report, Section, Table, Verdict

MARKS = {None: "=", Verdict.COSMETIC: "~", Verdict.REAL: "≠", Verdict.UNDETERMINED: "?"}
"""The sign that stands beside a verdict's word."""

TONE_MARKS = {"plain": "", "verdict": "", "good": "✓", "bad": "✗", "caution": "!", "hint": "→"}
"""The sign that stands before a paragraph, so that its colour says nothing alone."""

_ORDER = (Verdict.REAL, Verdict.UNDETERMINED, Verdict.COSMETIC)


@dataclass(frozen=True, slots=True)
class Outline:
    """A report in reading order: the opening with its verdict, the findings, everything else."""

    opening: Section | None
    findings: tuple[Finding, ...]
    rest: tuple[Section, ...]


def outline(report: Report) -> Outline:
    """Order a report: a first section that begins with its verdict stands before the findings."""
    findings = tuple(sorted(report.findings, key=lambda finding: _ORDER.index(finding.verdict)))
    if not report.sections or not _opens(report.sections[0]):
        return Outline(None, findings, report.sections)
    return Outline(report.sections[0], findings, report.sections[1:])


def _opens(section: Section) -> bool:
    first = section.items[0] if section.items else None
    return isinstance(first, Prose) and first.tone == "verdict" and not section.folded


def tally(findings: Sequence[Finding]) -> str:
    """Count findings by verdict: "2 real · 1 undetermined"."""
    counts = ((verdict, sum(finding.verdict is verdict for finding in findings)) for verdict in _ORDER)
    return " · ".join(f"{count} {verdict.value}" for verdict, count in counts if count)


def times(finding: Finding) -> str:
    """Return "×6" for what stands in six places, else nothing."""
    return f"×{finding.count:,}" if finding.count != 1 else ""


def places(where: Sequence[str], *, most: int) -> str:
    """Name the first places and count the others."""
    named = ", ".join(visible(place) for place in where[:most])
    return f"{named} and {len(where) - most:,} more" if len(where) > most else named


def contents(section: Section) -> str:
    """Say what a folded section holds: "a table of 62 rows, 2 paragraphs"."""
    parts: list[str] = []
    paragraphs = sum(isinstance(item, Prose) for item in section.items)
    for item in section.items:
        if isinstance(item, Table):
            parts.append(f"a table of {counted(len(item.rows), 'row')}")
        elif isinstance(item, AlignedTree):
            parts.append(f"two trees of {counted(len(item.rows), 'row')}")
        elif isinstance(item, Section):
            parts.append(f"the section “{visible(item.title)}”")
        elif not isinstance(item, Prose):
            parts.append("a figure")
    return ", ".join([*parts, *([counted(paragraphs, "paragraph")] if paragraphs else [])])


def unit_of(figure: Figure) -> str:
    """Return what a figure's numbers count, for its heading."""
    if isinstance(figure, Curves):
        return " over ".join(visible(unit) for unit in (figure.y_unit, figure.x_unit) if unit)
    return visible(figure.unit)


def environment_line(report: Report) -> str:
    """Name what the numbers stand on, in one line."""
    return " · ".join(f"{visible(key)} {visible(value)}" for key, value in report.environment.items())
