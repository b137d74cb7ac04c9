"""Numbers as people read them: thousands separators, one number of decimals per column, a true minus sign."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

from diagnose.render.signs import signed
from diagnose.render.text import visible
from diagnose.values import Cell, Column, Table

_DIGITS = 6
"""Significant digits of a float; integers are always drawn in full."""


def number(value: float, *, signed: bool = False, decimals: int | None = None) -> str:
    """Draw one number: 5274954 as "5,274,954", 0.00001 as "1e-05", -3 as "−3"."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = _digits(value or 0, decimals)  # no minus sign before zero
    if signed and not text.startswith("-") and value != 0:
        text = f"+{text}"
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _digits(value: float, decimals: int | None) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return {"inf": "∞", "-inf": "-∞"}.get(str(value), "nan")
    if _is_scientific(value):
        return f"{value:.4g}"
    return f"{value:,.{_decimals(value) if decimals is None else decimals}f}"


def _is_scientific(value: float) -> bool:
    return value != 0 and not 1e-4 <= abs(value) < 1e15


def _decimals(value: float) -> int:
    """Return how many decimals a float needs to show its significant digits, trailing zeros left out."""
    if value == int(value):
        return 0
    exponent = Decimal(f"{value:.{_DIGITS}g}").normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def column_texts(cells: Iterable[Cell]) -> list[str]:
    """Draw a column's cells; its floats get the same number of decimals, so that their points align."""
    column = list(cells)
    floats = [c for c in column if isinstance(c, float) and math.isfinite(c) and not _is_scientific(c)]
    decimals = max((_decimals(c) for c in floats), default=0)
    return [cell_text(cell, decimals=decimals) for cell in column]


def texts(column: Column, cells: Sequence[Cell]) -> list[str]:
    """Draw the cells of a table's column, a verdict behind its sign."""
    drawn = column_texts(cells)
    return list(map(signed, drawn)) if column.verdict else drawn


def table_texts(table: Table) -> list[list[str]]:
    """Draw a table's cells row by row, its total last; a row that is too short ends in empty cells."""
    rows = [*table.rows, *([table.total] if table.total is not None else [])]
    columns = [
        texts(column, [row[i] if i < len(row) else None for row in rows]) for i, column in enumerate(table.columns)
    ]
    return [[column[i] for column in columns] for i in range(len(rows))]


def cell_text(cell: Cell, *, decimals: int | None = None) -> str:
    """Draw one cell: None is empty, text is made visible."""
    if cell is None:
        return ""
    return visible(cell) if isinstance(cell, str) else number(cell, decimals=decimals)


def with_unit(text: str, unit: str) -> str:
    """Append a figure's unit, where it has one."""
    return f"{text} {visible(unit)}" if unit else text
