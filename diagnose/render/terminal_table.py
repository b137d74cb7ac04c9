"""Tables and aligned trees as lines of text that survive a narrow terminal and are never cut in a pipe."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from rich.cells import cell_len, chop_cells
from rich.text import Text

from diagnose.render.numbers import column_texts
from diagnose.render.outline import MARKS
from diagnose.render.text import visible
from diagnose.values import AlignedTree, Cell, Column, Table, Verdict

GAP = "  "
NARROWEST = 12
"""Columns of text are not made narrower than this; a column is left out instead."""

_COMFORTABLE = 24
"""Sentences are not wrapped to less than this while there are columns of low priority to leave out."""

VERDICT_STYLES = {Verdict.REAL: "red", Verdict.UNDETERMINED: "magenta", Verdict.COSMETIC: "cyan", None: ""}


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A column with its texts drawn: header, cells and, last, its total."""

    column: Column
    header: str
    cells: tuple[str, ...]
    width: int = 0
    header_width: int = 0

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
    kept = [_at_full_width(column) for column in drawn] if width is None else _fitted(drawn, width)
    rule = Text("─" * (_total(kept)), "dim")
    lines = [*_row([column.header for column in kept], kept, style="dim", header=True), rule]
    for i in range(len(table.rows)):
        marked = i in table.marked
        row = _row([column.cells[i] for column in kept], kept, style="bold" if marked else "")
        lines += [Text("▸ ", "bold").append_text(row[0]), *row[1:]] if marked else row
    if table.total is not None:
        lines += [rule, *_row([column.cells[-1] for column in kept], kept, style="bold")]
    left_out = [column.header for column in drawn if column.header not in {other.header for other in kept}]
    if left_out:
        said = f"Left out at this width: {', '.join(left_out)}; a wider terminal or --format json has them"
        lines += [Text(line, "dim") for line in wrapped(said, width or cell_len(said))]
    return lines


def _drawn(table: Table) -> list[_Drawn]:
    rows = [*table.rows, *([table.total] if table.total is not None else [])]
    drawn = []
    for i, column in enumerate(table.columns):
        cells: list[Cell] = [row[i] if i < len(row) else None for row in rows]
        drawn.append(_Drawn(column, visible(column.title), tuple(column_texts(cells))))
    return drawn


def _at_full_width(column: _Drawn) -> _Drawn:
    return replace(column, width=max(column.natural, cell_len(column.header)))


def _with_wrapped_header(column: _Drawn) -> _Drawn:
    return replace(column, width=max([column.natural, *map(cell_len, column.header.split())]))


def _total(columns: Sequence[_Drawn]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def _fitted(drawn: list[_Drawn], width: int) -> list[_Drawn]:
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
        columns = _squeezed(short, width, [NARROWEST] * len(short))
        if _total(columns) <= width or len(kept) == 1:
            return columns
        del kept[-1]


def _eased(column: _Drawn) -> int:
    """Return how narrow a column reads well: nothing of it is elided, and most cells stay on one or two lines."""
    words = (cell_len(word) for cell in column.cells for word in cell.split())
    return max([_COMFORTABLE, math.ceil(0.6 * column.natural), *words])


def _squeezed(columns: list[_Drawn], width: int, least: Sequence[int]) -> list[_Drawn]:
    """Take what is too much from the widest columns of text, one column of the terminal at a time."""
    columns = list(columns)
    for _ in range(_total(columns) - width):
        texts = [i for i, c in enumerate(columns) if c.width > least[i] and not c.column.numeric]
        if not texts:
            break
        widest = max(texts, key=lambda i: columns[i].width)
        columns[widest] = replace(columns[widest], width=columns[widest].width - 1)
    return columns


def _row(texts: Sequence[str], columns: Sequence[_Drawn], *, style: str, header: bool = False) -> list[Text]:
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
        lines.append(Text(GAP.join(parts).rstrip(), style))
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


def indented(lines: Sequence[Text]) -> list[Text]:
    """Indent lines by two columns, in which a marked row has its sign."""
    return [line if line.plain.startswith("▸ ") else Text("  ").append_text(line) for line in lines]


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


def tree_lines(tree: AlignedTree, width: int | None) -> list[Text]:
    """Draw two trees side by side: the mark, both sides, then the verdict's word and the note."""
    rows = [(MARKS[row.verdict], _side(row.a, row), _side(row.b, row), _remark(row)) for row in tree.rows]
    heads = ("", visible(tree.a), visible(tree.b), "")
    natural = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    widths = natural if width is None else _tree_widths(natural, width)
    lines = [*_tree_row(heads, widths, "dim"), Text("─" * (sum(widths) + len(GAP) * 3), "dim")]
    for row, texts in zip(tree.rows, rows, strict=True):
        lines += _tree_row(texts, widths, VERDICT_STYLES[row.verdict] or ("dim" if row.folded else ""))
    legend = ", ".join(f"{mark} {verdict.value if verdict else 'same'}" for verdict, mark in MARKS.items())
    return [*lines, *(Text(line, "dim") for line in wrapped(legend, width or cell_len(legend)))]


def _side(text: str | None, row: object) -> str:
    depth, folded = getattr(row, "depth", 0), getattr(row, "folded", False)
    return "" if text is None else "  " * depth + ("▸ " if folded else "") + visible(text)


def _remark(row: object) -> str:
    verdict, note = getattr(row, "verdict", None), visible(getattr(row, "note", ""))
    return ": ".join(part for part in (verdict.value if verdict else "", note) if part)


def _tree_widths(natural: list[int], width: int) -> list[int]:
    """Give the remark what it needs up to a third, and the two sides the rest."""
    free = width - 1 - len(GAP) * 3
    remark = min(natural[3], max(free // 3, free - natural[1] - natural[2]))
    side = (free - remark) // 2
    a = min(natural[1], max(side, free - remark - natural[2]))
    return [1, a, min(natural[2], free - remark - a), remark]


def _tree_row(texts: Sequence[str], widths: Sequence[int], style: str) -> list[Text]:
    sides = [texts[0], elided_side(texts[1], widths[1]), elided_side(texts[2], widths[2])]
    remark = wrapped(texts[3], widths[3]) if widths[3] else [""]
    lines = []
    for i, words in enumerate(remark):
        parts = [
            (side if i == 0 else "") + " " * (width - cell_len(side if i == 0 else ""))
            for side, width in zip(sides, widths, strict=False)
        ]
        lines.append(Text(GAP.join([*parts, words]).rstrip(), style))
    return lines


def elided_side(text: str, width: int) -> str:
    """Elide a side of a tree, keeping its indent as far as there is room."""
    bare = text.lstrip()
    indent = min(len(text) - len(bare), max(0, width - NARROWEST))
    return " " * indent + elided(bare, width - indent)
