"""A report as GitHub-flavoured Markdown that fits an issue: nothing in a name links, mentions or formats."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from diagnose.render.numbers import table_texts
from diagnose.render.outline import environment_line, outline, places, tally, times, under, unfolded, unit_of
from diagnose.render.signs import MARKS, TONE_MARKS, signed
from diagnose.render.terminal.terminal_figure import figure_lines
from diagnose.render.text import spans, visible
from diagnose.values import AlignedTree, Figure, Finding, Item, Prose, Report, Section, Skipped, Table, TreeRow

_PLACES = 8
_FIGURE = 84
_ACTIVE = re.compile(r"[\\`*\[\]<>|~$&#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=[\w+-]+:)")
_AT_START = re.compile(r"^(\d*)([+\-=.)])")

# GitHub turns these into mentions, references and links after Markdown is done, where a backslash is no help; an
# empty comment parts them.
_LINKED = re.compile(
    r"@(?=[\w-])|#(?=\d)|\bGH-(?=\d)|\b(?:https?|ftp):(?=//)|\bwww(?=\.)|\bmailto:|\bxmpp:", re.IGNORECASE
)


def render(report: Report) -> str:
    """Return the report as Markdown: the verdict, the findings, then the rest; folded sections in `<details>`."""
    order = outline(report)
    blocks = [f"## {inline(report.title)}"]
    if order.opening is not None:
        blocks += _section(order.opening, 3)
    blocks += _findings(order.findings)
    for section in order.rest:
        blocks += _section(section, 3)
    blocks += _skipped(report.skipped)
    if report.environment:
        blocks.append(f"<sub>{escaped(environment_line(report))}</sub>")
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    """Make text inert within a line of Markdown, a table's cell included."""
    parts: list[str] = []
    position = 0
    for match in _LINKED.finditer(text):
        parts.append(_ACTIVE.sub(r"\\\g<0>", text[position : match.end()]))
        position = match.end()
    parts.append(_ACTIVE.sub(r"\\\g<0>", text[position:]))
    return "<!-- -->".join(parts)


def inline(text: str) -> str:
    """Make text visible and inert where a line begins with it, so that it starts no list, heading or rule."""
    return _AT_START.sub(r"\1\\\2", escaped(visible(text).strip()))


def _prose_inline(text: str) -> str:
    drawn = "".join(f"`{span.text}`" if span.code else escaped(span.text) for span in spans(text))
    return _AT_START.sub(r"\1\\\2", drawn.strip())


def _html(text: str) -> str:
    """Make visible text inert within an HTML block, where Markdown's backslashes would show."""
    return _LINKED.sub(r"\g<0><!-- -->", html.escape(text, quote=False))


def _section(section: Section, level: int) -> list[str]:
    blocks = [block for item in section.items for block in _item(item, level)]
    if section.folded:
        summary = f"<details>\n<summary>{_html(visible(section.title)) or 'Details'}</summary>"
        return [summary, *blocks, "</details>"]
    title = f"{section.title} — {signed(section.verdict)}" if section.verdict else section.title
    heading = [f"{'#' * min(level, 6)} {inline(title)}"] if section.title else []
    return [*heading, *blocks]


def _item(item: Item, level: int) -> list[str]:
    match item:
        case Prose():
            return [_prose(item)]
        case Section():
            return _section(item, level + 1)
        case Table():
            note = [inline(item.note)] if item.note else []
            return [*_caption(item.title), _table(item), *note]
        case AlignedTree():
            return [*_caption(item.title), _tree(item)]
        case _:
            return [*_caption(item.title, unit_of(item)), _figure(item)]


def _prose(prose: Prose) -> str:
    text = _prose_inline(prose.text)
    match prose.tone:
        case "verdict":
            return f"**{text}**" if text else ""
        case "caution":
            return f"> **Note:** {text}"
        case _:
            return f"{TONE_MARKS[prose.tone]} {text}".strip()


def _caption(title: str, unit: str = "") -> list[str]:
    parts = [f"**{inline(title)}**" if title.strip() else "", f"({escaped(unit)})" if unit else ""]
    return [" ".join(part for part in parts if part)] if any(parts) else []


def _table(table: Table) -> str:
    bold = {*table.marked, *([len(table.rows)] if table.total is not None else [])}
    cells = [[_cell(text, bold=i in bold) for text in row] for i, row in enumerate(table_texts(table))]
    return _grid([escaped(visible(c.title)) for c in table.columns], [c.numeric for c in table.columns], cells)


def _cell(text: str, *, bold: bool = False) -> str:
    drawn = escaped(text.strip())
    return f"**{drawn}**" if bold and drawn else drawn


def _grid(heads: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    rules = ["---:" if right else "---" for right in numeric]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows))


def _tree(tree: AlignedTree) -> str:
    heads = ["", escaped(visible(tree.a)), escaped(visible(tree.b)), ""]
    return _grid(heads, [False] * 4, [_tree_row(row, hidden) for row, hidden in unfolded(tree)])


def _tree_row(row: TreeRow, hidden: int) -> list[str]:
    indent = "&nbsp;" * 3 * row.depth + ("▸ " if hidden else "")
    sides = ["" if side is None else indent + _cell(visible(side)) for side in (row.a, row.b)]
    word = f"**{row.verdict.value}**" if row.verdict else ""
    remark = ": ".join(part for part in (word, _cell(visible(row.note))) if part)
    return [escaped(MARKS[row.verdict]), *sides, " ".join(part for part in (remark, under(hidden)) if part)]


def _figure(figure: Figure) -> str:
    lines = "\n".join(line.plain for line in figure_lines(figure, _FIGURE))
    fence = "`" * (max((len(run) for run in re.findall(r"`+", lines)), default=0) + 1)
    return f"{max(fence, '```', key=len)}text\n{lines}\n{max(fence, '```', key=len)}"


def _findings(findings: tuple[Finding, ...]) -> list[str]:
    if not findings:
        return []
    lines = [f"### Findings\n\n{tally(findings)}\n"]
    for finding in findings:
        count = f" {times(finding)}" if times(finding) else ""
        lines.append(
            f"- **{escaped(MARKS[finding.verdict])} {finding.verdict.value}{count}** {_prose_inline(finding.message)}"
        )
        if finding.where:
            lines.append(f"  - in {escaped(places(finding.where, most=_PLACES))}")
        lines += [f"  - {inline(evidence)}" for evidence in finding.evidence]
    return ["\n".join(lines)]


def _skipped(skipped: tuple[Skipped, ...]) -> list[str]:
    if not skipped:
        return []
    lines = [f"- {inline(skip.what)}: {escaped(visible(skip.reason))}" for skip in skipped]
    return ["### Skipped\n\n" + "\n".join(lines)]
