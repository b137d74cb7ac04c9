"""What stands where on a page, and in which words; the same in every format meant for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from diagnose.render.text import visible
from diagnose.values import AlignedTree, Curves, Figure, Finding, Prose, Report, Section, Significance, Table, TreeRow
from diagnose.wording import counted

_ORDER = (Significance.REAL, Significance.UNDETERMINED, Significance.COSMETIC)


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


@dataclass(frozen=True, slots=True)
class Branch:
    """A row of an aligned tree with the rows under it; `rows` counts them all."""

    row: TreeRow
    children: tuple[Branch, ...]

    @property
    def rows(self) -> int:
        """Return how many rows stand under this one."""
        return sum(1 + child.rows for child in self.children)


def branches(tree: AlignedTree) -> tuple[Branch, ...]:
    """Nest the rows of an aligned tree by their depth, a run of neighbours that are alike under a row of their own."""
    stack: list[tuple[int, TreeRow | None, list[Branch]]] = [(-1, None, [])]

    def close(depth: int) -> None:
        while stack[-1][0] >= depth:
            _, row, children = stack.pop()
            if row is not None:
                stack[-1][2].append(Branch(row, _with_runs(children)))

    for row in tree.rows:
        close(row.depth)
        stack.append((row.depth, row, []))
    close(0)
    return _with_runs(stack[0][2])


def _with_runs(found: Sequence[Branch]) -> tuple[Branch, ...]:
    grouped: list[Branch] = []
    for alike, members in groupby(found, lambda branch: branch.row.folded and not branch.row.verdict):
        run = tuple(members)
        grouped += (Branch(_run([member.row for member in run]), run),) if alike and len(run) > 1 else run
    return tuple(grouped)


def _run(rows: Sequence[TreeRow]) -> TreeRow:
    """Return the row that stands for a run of neighbours that are alike: the first name and the last."""

    def ends(texts: Sequence[str | None]) -> str | None:
        named = [text.partition(":")[0] for text in texts if text is not None]
        return " … ".join(dict.fromkeys((named[0], named[-1]))) if named else None

    return TreeRow(rows[0].depth, ends([row.a for row in rows]), ends([row.b for row in rows]), None, "alike", True)


def unfolded(tree: AlignedTree) -> tuple[tuple[TreeRow, int], ...]:
    """Return the rows that are read without opening anything, each with the number of rows left out under it.

    Left out is what is folded, and what is inside a module that differs as a whole because one side lacks it.
    """
    shown: list[tuple[TreeRow, int]] = []

    def walk(found: Sequence[Branch]) -> None:
        for branch in found:
            row = branch.row
            closed = row.folded or (row.verdict is not None and None in (row.a, row.b))
            shown.append((row, branch.rows if closed else 0))
            walk(() if closed else branch.children)

    walk(branches(tree))
    return tuple(shown)


def under(hidden: int) -> str:
    """Say how many rows are folded under one."""
    return f"(+{hidden:,})" if hidden else ""


def unit_of(figure: Figure) -> str:
    """Return what a figure's numbers count, for its heading."""
    if isinstance(figure, Curves):
        return " over ".join(visible(unit) for unit in (figure.y_unit, figure.x_unit) if unit)
    return visible(figure.unit)


def environment_line(report: Report) -> str:
    """Name the basis of the numbers in one line: versions and platform."""
    return " · ".join(f"{visible(key)} {visible(value)}" for key, value in report.environment.items())
