"""Figures as lines of text: bars of block characters, each beside its number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from diagnose.render.numbers import column_texts, number
from diagnose.render.scale import (
    Scale,
    bars_scale,
    curves_scales,
    intervals_scale,
    levels,
    points,
    waterfall_scale,
)
from diagnose.render.terminal_table import GAP, elided
from diagnose.render.text import visible
from diagnose.values import Bars, Curve, Curves, Figure, Intervals, Waterfall

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
_WIDEST_LABEL, _WIDEST_PLOT, _NARROWEST_PLOT = 44, 48, 12
_COMFORTABLE = 92
"""How wide a figure is drawn where the output is a pipe."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a figure: label, value as text, and what draws its plot at a given width."""

    label: str
    value: str
    plot: Callable[[int], Text]
    style: str = ""


def figure_lines(figure: Figure, width: int | None) -> list[Text]:
    """Draw a figure within `width` columns; each line states its number, so that the drawing only repeats it."""
    match figure:
        case Bars():
            return _lines(_bars(figure), width)
        case Waterfall():
            return _lines(_waterfall(figure), width)
        case Intervals():
            return _lines(_intervals(figure), width)
        case Curves():
            return _lines(_curves(figure), width)


def _lines(rows: Sequence[_Row], width: int | None) -> list[Text]:
    elide = width is not None
    full = width or max(_COMFORTABLE, max((cell_len(row.label) + cell_len(row.value) for row in rows), default=0) + 32)
    values = max((cell_len(row.value) for row in rows), default=0)
    room = full - values - len(GAP) * 2 - _NARROWEST_PLOT
    labels = max((cell_len(row.label) for row in rows), default=0)
    labels = min(labels, max(8, min(_WIDEST_LABEL, room))) if elide else labels
    plot = max(1, min(_WIDEST_PLOT, full - labels - values - len(GAP) * 2))
    return [_line(row, labels, values, plot) for row in rows]


def _line(row: _Row, labels: int, values: int, plot: int) -> Text:
    label = elided(row.label, labels)
    head = label + " " * (labels - cell_len(label)) + GAP + " " * (values - cell_len(row.value)) + row.value + GAP
    line = Text(head, row.style).append_text(row.plot(plot))
    line.rstrip()
    return line


def bar(start: float, end: float, width: int) -> str:
    """Draw a bar from one fraction of the width to another; its end is exact to an eighth of a column."""
    start, end = sorted((start * width, end * width))
    first = min(int(start), width - 1)
    eighths = max(1, round((end - first) * 8)) if end > start else 0
    return " " * first + "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _bars(figure: Bars) -> list[_Row]:
    scale = bars_scale(figure)
    zero = scale.fraction(0.0)
    texts = column_texts([b.value for b in figure.bars])
    return [
        _Row(
            ("▸ " if b.marked else "") + visible(b.label),
            text,
            lambda width, b=b: Text(bar(zero, scale.fraction(b.value), width), "magenta" if b.marked else "cyan"),  # type: ignore[misc]
            "bold" if b.marked else "",
        )
        for b, text in zip(figure.bars, texts, strict=True)
    ]


def _waterfall(figure: Waterfall) -> list[_Row]:
    scale = waterfall_scale(figure)
    rows = []
    for level in levels(figure):
        step = level.change is not None
        before = level.before if step else scale.low
        style = "cyan" if not step else "green" if (level.change or 0) >= 0 else "red"
        rows.append(
            _Row(
                visible(level.label),
                number(level.change, signed=True) if level.change is not None else number(level.after),
                lambda width, a=before, b=level.after, s=style: Text(  # type: ignore[misc]
                    bar(scale.fraction(a), scale.fraction(b), width), s
                ),
                "" if step else "bold",
            )
        )
    if figure.band is not None:
        low, high = figure.band
        label = visible(figure.band_label) or "target"
        rows.append(
            _Row(label, f"{number(low)} to {number(high)}", lambda width: _band(scale, low, high, width), "magenta")
        )
    if scale.broken:
        rows.append(_Row("", "", lambda width: Text(f"bars begin at {number(round(scale.low))}", "dim")))
    return rows


def _band(scale: Scale, low: float, high: float, width: int) -> Text:
    start, end = _column(scale.fraction(low), width), _column(scale.fraction(high), width)
    inside = "─" * (end - start - 1)
    return Text(" " * start + ("├" + inside + "┤" if end > start else "┼"), "magenta")


def _column(fraction: float, width: int) -> int:
    return min(width - 1, int(fraction * width))


def _intervals(figure: Intervals) -> list[_Row]:
    scale = intervals_scale(figure)
    ends = column_texts([v for row in figure.intervals for v in (row.value, row.low, row.high)])
    rows = []
    for i, row in enumerate(figure.intervals):
        value, low, high = ends[3 * i : 3 * i + 3]
        rows.append(
            _Row(
                visible(row.label),
                f"{value}  [{low}, {high}]",
                lambda width, row=row: _whiskers(  # type: ignore[misc]
                    [_column(scale.fraction(v), width) for v in (row.low, row.value, row.high, figure.reference)], width
                ),
            )
        )
    reference = f"│ {number(figure.reference)}"
    rows.append(
        _Row("", "", lambda width: Text(" " * _column(scale.fraction(figure.reference), width) + reference, "dim"))
    )
    return rows


def _whiskers(columns: Sequence[int], width: int) -> Text:
    low, value, high, reference = columns
    signs = [" "] * width
    signs[reference] = "│"
    for i in range(min(low, high), max(low, high) + 1):
        signs[i] = "─"
    signs[low], signs[high] = "├", "┤"
    signs[value] = "●"
    return Text("".join(signs).rstrip(), "cyan")


def _curves(figure: Curves) -> list[_Row]:
    scales = curves_scales(figure)
    rows = [
        _Row(visible(curve.label), _ends(curve), lambda width, curve=curve: Text(_sparks(curve, scales, width), "cyan"))  # type: ignore[misc]
        for curve in figure.curves
    ]
    low, high = number(scales[1].low), number(scales[1].high)
    return [*rows, _Row("", "", lambda width: Text(f"▁ {low}   █ {high}", "dim"))]


def _ends(curve: Curve) -> str:
    if not curve.y:
        return "no points"
    spread = f" [{number(curve.low[-1])}, {number(curve.high[-1])}]" if curve.low and curve.high else ""
    return f"{number(curve.y[0])} → {number(curve.y[-1])}{spread}"


def _sparks(curve: Curve, scales: tuple[Scale, Scale], width: int) -> str:
    drawn = points(curve.x, curve.y, scales)
    signs = [" "] * min(width, max(1, 2 * len(drawn)))
    for across, up in drawn:
        signs[min(len(signs) - 1, math.floor(across * len(signs)))] = _SPARKS[min(7, int(up * 8))]
    return "".join(signs).rstrip()
