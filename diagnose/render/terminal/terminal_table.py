"""Tables as lines of text that survive a narrow terminal and are never cut in a pipe."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from rich.cells import cell_len, chop_cells
from rich.text import Text

from diagnose.render.numbers import texts as drawn_texts
from diagnose.render.text import visible
from diagnose.values import Cell, Column, Table

GAP, MARGIN = "  ", 2
NARROWEST = 12
"""Columns of text are not made narrower than this; a column is left out instead."""

_COMFORTABLE = 24
"""Sentences are not wrapped to less than this while there are columns of low priority to leave out."""


@dataclass(frozen=True, slots=True)
class _ColumnTexts:
    """A column with its texts drawn: header, cells and, last, its total; `firm` is its widest number."""

    column: Column
    header: str
    cells: tuple[str, ...]
    firm: int
    width: int = 0

    @property
    def natural(self) -> int:
        return max(map(cell_len, self.cells), default=0)


def table_lines(table: Table, width: int | None) -> list[Text]:
    """Draw a table within `width` columns, or as wide as it is where that is None.

    Sentences are wrapped a little; then low-priority columns go, then long words are elided in the middle, then
    columns go from the right. A line below names every column that was left out.
    """
    drawn = _drawn(table)
    if not drawn:
        return []
    kept = [_at_full_width(column) for column in drawn] if width is None else _fitted(drawn, width - MARGIN)
    rule = margin("─" * _total(kept), "dim")
    lines = [*(margin(line, "dim") for line in _row([column.header for column in kept], kept, header=True)), rule]
    for i in range(len(table.rows)):
        first, *others = _row([column.cells[i] for column in kept], kept)
        style = "bold" if i in table.marked else ""
        lines += [margin(first, style, marked=i in table.marked), *(margin(line, style) for line in others)]
    if table.total is not None:
        lines += [rule, *(margin(line, "bold") for line in _row([column.cells[-1] for column in kept], kept))]
    left_out = list((Counter(c.header for c in drawn) - Counter(c.header for c in kept)).elements())
    if left_out:
        said = f"Left out at this width: {', '.join(left_out)}; a wider terminal or --format json has them"
        lines += [margin(line, "dim") for line in wrapped(said, (width or cell_len(said)) - MARGIN)]
    return lines


def _drawn(table: Table) -> list[_ColumnTexts]:
    rows = [*table.rows, *([table.total] if table.total is not None else [])]
    drawn = []
    for i, column in enumerate(table.columns):
        cells: list[Cell] = [row[i] if i < len(row) else None for row in rows]
        texts = tuple(drawn_texts(column, cells))
        firm = max(
            (cell_len(text) for text, cell in zip(texts, cells, strict=True) if not isinstance(cell, str)), default=0
        )
        drawn.append(_ColumnTexts(column, visible(column.title), texts, firm))
    return drawn


def _at_full_width(column: _ColumnTexts) -> _ColumnTexts:
    return replace(column, width=max(column.natural, cell_len(column.header)))


def _with_wrapped_header(column: _ColumnTexts) -> _ColumnTexts:
    return replace(column, width=max([column.natural, *map(cell_len, column.header.split())]))


def _total(columns: Sequence[_ColumnTexts]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def _fitted(drawn: list[_ColumnTexts], width: int) -> list[_ColumnTexts]:
    """Choose the columns that fit, and how wide each is."""
    kept = list(drawn)
    while True:
        full, short = ([widths(column) for column in kept] for widths in (_at_full_width, _with_wrapped_header))
        for columns in (full, short, _squeezed(short, width, [_eased(column) for column in short])):
            if _total(columns) <= width:
                return columns
        low = [i for i, column in enumerate(kept) if column.column.low_priority and i > 0]
        if low:
            del kept[low[-1]]
            continue
        columns = _squeezed(short, width, [max(NARROWEST, column.firm) for column in short])
        if _total(columns) <= width or len(kept) == 1:
            return columns
        del kept[-1]


def _eased(column: _ColumnTexts) -> int:
    """Return how narrow a column reads well: nothing of it is elided, and most cells stay on one or two lines."""
    words = (cell_len(word) for text in (column.header, *column.cells) for word in text.split())
    return max([_COMFORTABLE, math.ceil(0.6 * column.natural), *words])


def _squeezed(columns: list[_ColumnTexts], width: int, least: Sequence[int]) -> list[_ColumnTexts]:
    """Take what is too much from the widest columns, down to the least that each can be."""
    columns = list(columns)
    for _ in range(_total(columns) - width):
        wider = [i for i, column in enumerate(columns) if column.width > least[i]]
        if not wider:
            break
        widest = max(wider, key=lambda i: columns[i].width)
        columns[widest] = replace(columns[widest], width=columns[widest].width - 1)
    return columns


def _row(texts: Sequence[str], columns: Sequence[_ColumnTexts], *, header: bool = False) -> list[str]:
    """Draw one row, over several lines where a cell is wrapped; a header's last line stands at the rule."""
    cells = [wrapped(text, column.width) for text, column in zip(texts, columns, strict=True)]
    height = max(map(len, cells))
    lines = []
    for i in range(height):
        parts = []
        for cell, column in zip(cells, columns, strict=True):
            part = _at(cell, i - (height - len(cell)) if header else i)
            space = " " * (column.width - cell_len(part))
            parts.append(space + part if column.column.numeric else part + space)
        lines.append(GAP.join(parts).rstrip())
    return lines


def _at(cell: Sequence[str], i: int) -> str:
    return cell[i] if 0 <= i < len(cell) else ""


def wrapped(text: str, width: int) -> list[str]:
    """Break text between words to `width` columns; a longer word, such as a path, is elided in the middle."""
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split():
        word = elided(word, width)
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def margin(line: Text | str, style: str = "", *, marked: bool = False) -> Text:
    """Set a line into the margin of two columns, in which a marked row has its sign."""
    words = Text(line, style) if isinstance(line, str) else line
    return Text("▸ " if marked else "  ", "bold" if marked else "").append_text(words)


def breaks(text: str, width: int, *, hang: int, fold: bool) -> list[int]:
    """Return the offsets at which prose goes to a new line, whose indent takes `hang` of the columns.

    A word longer than a line is broken where `fold`, else left whole.
    """
    offsets: list[int] = []
    used, room = 0, width
    for word in re.finditer(r"\S+\s*|\s+", text):
        length = cell_len(word[0].rstrip())
        if used and used + length > room:
            offsets.append(word.start())
            used, room = 0, max(2, width - hang)
        used += cell_len(word[0])
        if not fold or length <= room:
            continue
        chunks = chop_cells(word[0], room)
        offsets += [word.start() + end for end in accumulate(map(len, chunks[:-1]))]
        used, room = cell_len(chunks[-1]), max(2, width - hang)
    return offsets


def elided(text: str, width: int) -> str:
    """Shorten text to `width` columns by an ellipsis in the middle, so that both ends of a path stay."""
    if cell_len(text) <= width:
        return text
    if width < 3:
        return "…"[:width]
    head = chop_cells(text, (width - 1) // 2)[0]
    tail = chop_cells(text[::-1], width - 1 - cell_len(head))[0][::-1]
    return f"{head}…{tail}"
