"""Aligned trees as lines of text: both sides in columns of their own, elided where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from diagnose.render.outline import under, unfolded
from diagnose.render.signs import MARKS
from diagnose.render.terminal.terminal_table import GAP, MARGIN, NARROWEST, elided, margin, wrapped
from diagnose.render.text import visible
from diagnose.values import AlignedTree, Significance, TreeRow

VERDICT_STYLES = {
    Significance.REAL: "red",
    Significance.UNDETERMINED: "magenta",
    Significance.COSMETIC: "cyan",
    None: "",
}


def tree_lines(tree: AlignedTree, width: int | None) -> list[Text]:
    """Draw two trees side by side: the mark, both sides, then the verdict's word and the note."""
    shown = unfolded(tree)
    rows = [
        (MARKS[row.verdict], _side(row.a, row, hidden), _side(row.b, row, hidden), _remark(row, hidden))
        for row, hidden in shown
    ]
    heads = ("", visible(tree.a), visible(tree.b), "")
    natural = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    widths = natural if width is None else _widths(natural, width - MARGIN)
    lines = [*_row(heads, widths, "dim"), margin("─" * (sum(widths) + len(GAP) * 3), "dim")]
    for (row, _), texts in zip(shown, rows, strict=True):
        lines += _row(texts, widths, VERDICT_STYLES[row.verdict] or ("dim" if row.folded else ""))
    legend = ", ".join(f"{mark} {verdict.value if verdict else 'same'}" for verdict, mark in MARKS.items())
    return [*lines, *(margin(line, "dim") for line in wrapped(legend, (width or 80) - MARGIN))]


def _side(text: str | None, row: TreeRow, hidden: int) -> str:
    return "" if text is None else "  " * row.depth + ("▸ " if hidden else "") + visible(text)


def _remark(row: TreeRow, hidden: int) -> str:
    said = ": ".join(part for part in (row.verdict.value if row.verdict else "", visible(row.note)) if part)
    return " ".join(part for part in (said, under(hidden)) if part)


def _widths(natural: list[int], width: int) -> list[int]:
    """Give the remark what it needs up to a third, and the two sides the rest."""
    free = width - 1 - len(GAP) * 3
    remark = min(natural[3], max(free // 3, free - natural[1] - natural[2]))
    side = (free - remark) // 2
    a = min(natural[1], max(side, free - remark - natural[2]))
    return [1, a, min(natural[2], free - remark - a), remark]


def _row(texts: Sequence[str], widths: Sequence[int], style: str) -> list[Text]:
    sides = [texts[0], _elided_side(texts[1], widths[1]), _elided_side(texts[2], widths[2])]
    remark = wrapped(texts[3], widths[3]) if widths[3] else [""]
    lines = []
    for i, words in enumerate(remark):
        parts = [
            (side if i == 0 else "") + " " * (width - cell_len(side if i == 0 else ""))
            for side, width in zip(sides, widths, strict=False)
        ]
        lines.append(margin(GAP.join([*parts, words]).rstrip(), style))
    return lines


def _elided_side(text: str, width: int) -> str:
    """Shorten a side of a tree; its indent stays where there is room."""
    bare = text.lstrip()
    indent = min(len(text) - len(bare), max(0, width - NARROWEST))
    return " " * indent + elided(bare, width - indent)
