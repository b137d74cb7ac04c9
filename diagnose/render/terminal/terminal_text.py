"""A report for the terminal: the verdict first, quiet titles, few colours, and nothing cut in a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

from rich.console import Console
from rich.text import Text

from diagnose.render.outline import (
    contents,
    environment_line,
    outline,
    places,
    tally,
    times,
    unit_of,
)
from diagnose.render.signs import MARKS, TONE_MARKS, signed
from diagnose.render.terminal.terminal_figure import figure_lines
from diagnose.render.terminal.terminal_table import breaks, table_lines
from diagnose.render.terminal.terminal_tree import VERDICT_STYLES, tree_lines
from diagnose.render.text import spans, visible
from diagnose.values import AlignedTree, Finding, Item, Prose, Report, Section, Skipped, Table

_PROSE = 100
_PLACES = 4
_NARROWEST = 40
_TONES = {
    "plain": "",
    "verdict": "bold",
    "good": "green",
    "bad": "red",
    "caution": "magenta",
    "hint": "cyan",
    "note": "dim",
}


def render(report: Report, *, width: int | None, color: bool) -> str:
    """Return the report as text, with ANSI colours where `color`; `width` None is a pipe, where nothing is cut."""
    # The console only colours: every line is laid out before it comes here, and none is markup.
    console = Console(
        file=StringIO(),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    lines = _Page(None if width is None else max(_NARROWEST, width)).report(report)
    with console.capture() as captured:
        for line in lines:
            console.print(line, soft_wrap=True)
    return captured.get()


@dataclass(frozen=True, slots=True)
class _Page:
    """Lays out every line of a report within `width` columns, None where nothing may be cut."""

    width: int | None

    def report(self, report: Report) -> list[Text]:
        """Draw everything, the verdict first."""
        order = outline(report)
        lines = [*self.wrapped(Text(visible(report.title), "bold")), Text()]
        if order.opening is not None:
            lines += self.section(order.opening, 0)
        lines += self.findings(order.findings)
        for section in order.rest:
            lines += self.section(section, 0)
        lines += self.skipped(report.skipped)
        return [*lines, *self.wrapped(Text(environment_line(report), "dim"))]

    def section(self, section: Section, depth: int) -> list[Text]:
        """Draw a section, or the one line that stands for a folded one."""
        if section.folded:
            held = f" ({contents(section)})" if section.items else ""
            line = f"▸ {visible(section.title)}{held}: folded, --format html, markdown or json shows it"
            return [*self.wrapped(Text(line, "dim"), hang=2), Text()]
        title = f"{section.title} — {signed(section.verdict)}" if section.verdict else section.title
        lines = self.heading(title, depth) if section.title else []
        for i, item in enumerate(section.items):
            if i and self.is_listed(section.items[i - 1], item):
                lines.pop()
            lines += self.item(item, depth)
        return lines

    def is_listed(self, before: Item, item: Item) -> bool:
        """Say whether a paragraph reads on from the one before: it has its sign, or both are single lines."""
        if not isinstance(before, Prose) or not isinstance(item, Prose):
            return False
        return bool(TONE_MARKS[item.tone]) or len(self.prose(before)) == len(self.prose(item)) == 1

    def item(self, item: Item, depth: int) -> list[Text]:
        """Draw one item of a section and the empty line after it."""
        match item:
            case Prose():
                return [*self.prose(item), Text()]
            case Section():
                return self.section(item, depth + 1)
            case Table():
                note = self.wrapped(Text(f"  {visible(item.note)}", "dim"), hang=2) if item.note else []
                return [*self.caption(item.title), *table_lines(item, self.width), *note, Text()]
            case AlignedTree():
                return [*self.caption(item.title), *tree_lines(item, self.width), Text()]
            case _:
                return [*self.caption(item.title, unit_of(item)), *figure_lines(item, self.width), Text()]

    def heading(self, title: str, depth: int) -> list[Text]:
        """Draw a section's title."""
        return [*self.wrapped(Text(visible(title), "bold" if depth else "bold underline")), Text()]

    def caption(self, title: str, unit: str = "") -> list[Text]:
        """Draw the title of a table or figure, with its unit."""
        if not title and not unit:
            return []
        line = Text("  ").append(visible(title), "bold")
        return self.wrapped(line.append(f"  {unit}" if unit else "", "dim"), hang=2)

    def prose(self, prose: Prose) -> list[Text]:
        """Draw a paragraph behind its tone's sign; code stays between its backticks."""
        mark = TONE_MARKS[prose.tone]
        text = Text(f"{mark} " if mark else "", _TONES[prose.tone])
        for span in spans(prose.text):
            text.append(f"`{span.text}`" if span.code else span.text, "cyan" if span.code else None)
        return self.wrapped(text, hang=2 if mark else 0)

    def findings(self, findings: tuple[Finding, ...]) -> list[Text]:
        """Draw the findings, the real ones first: verdict, count, message, places and evidence."""
        if not findings:
            return []
        lines = [
            Text("Findings", "bold underline").append(f"  {tally(findings)}", "not bold not underline dim"),
            Text(),
        ]
        for finding in findings:
            head = Text.assemble(
                (f"{MARKS[finding.verdict]} {finding.verdict.value}", f"bold {VERDICT_STYLES[finding.verdict]}"),
                (f" {times(finding)}" if times(finding) else "", "bold"),
                ("  ", ""),
            )
            for span in spans(finding.message):
                head.append(f"`{span.text}`" if span.code else span.text)
            lines += self.wrapped(head, hang=2)
            if finding.where:
                lines += self.wrapped(Text(f"  in {places(finding.where, most=_PLACES)}", "dim"), hang=5)
            for evidence in finding.evidence:
                lines += self.wrapped(Text(f"  · {visible(evidence)}"), hang=4)
            lines.append(Text())
        return lines

    def skipped(self, skipped: tuple[Skipped, ...]) -> list[Text]:
        """List what was not done, and why."""
        if not skipped:
            return []
        lines = [Text("Skipped", "bold underline"), Text()]
        for skip in skipped:
            lines += self.wrapped(Text(f"- {visible(skip.what)}: {visible(skip.reason)}"), hang=2)
        return [*lines, Text()]

    def wrapped(self, text: Text, *, hang: int = 0) -> list[Text]:
        """Wrap prose between words, all lines but the first hanging; only a terminal breaks a longer word."""
        lines: list[Text] = []
        room = min(self.width or _PROSE, _PROSE)
        for line in text.divide(breaks(text.plain, room, hang=hang, fold=self.width is not None)):
            line.rstrip()
            lines.append(Text(" " * hang).append_text(line) if lines and hang else line)
        return lines
