"""A figure's numbers in words: the table beside it, and the sentence that stands for it where it is not seen."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.render.numbers import column_texts, number
from diagnose.render.rows import band_text
from diagnose.render.scale import levels
from diagnose.render.text import visible
from diagnose.values import Bars, Curve, Curves, Figure, Intervals, Waterfall


@dataclass(frozen=True, slots=True)
class Words:
    """A table of texts under their heads, and the figure in a sentence."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sentence: str


def words(figure: Figure) -> Words:
    """Return everything that a figure draws, as text."""
    match figure:
        case Bars():
            texts = column_texts([bar.value for bar in figure.bars])
            rows = tuple((visible(bar.label), text) for bar, text in zip(figure.bars, texts, strict=True))
            return _words(("bar", visible(figure.unit) or "value"), rows)
        case Waterfall():
            return _words(("step", "change", visible(figure.unit) or "total"), _waterfall(figure))
        case Intervals():
            return _words(("effect", visible(figure.unit) or "value", "from", "to"), _intervals(figure))
        case Curves():
            heads = ("curve", visible(figure.x_unit) or "x", visible(figure.y_unit) or "y", "from", "to")
            said = "; ".join(f"{visible(curve.label)}: {first_and_last(curve)}" for curve in figure.curves)
            return Words(heads, tuple(row for curve in figure.curves for row in _curve(curve)), f"{said}.")


def _words(heads: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Words:
    said = "; ".join(f"{row[0]}: {', '.join(part for part in row[1:] if part)}" for row in rows)
    return Words(heads, rows, f"{said}.")


def _waterfall(figure: Waterfall) -> tuple[tuple[str, ...], ...]:
    rows = [
        (visible(level.label), "" if level.change is None else number(level.change, signed=True), number(level.after))
        for level in levels(figure)
    ]
    if figure.band is not None:
        label, span = band_text(figure)
        rows.append((label, "", span))
    return tuple(rows)


def _intervals(figure: Intervals) -> tuple[tuple[str, ...], ...]:
    rows = figure.intervals
    return tuple((visible(row.label), number(row.value), number(row.low), number(row.high)) for row in rows)


def _curve(curve: Curve) -> list[tuple[str, ...]]:
    return [
        (visible(curve.label), number(x), number(y), _at(curve.low, i), _at(curve.high, i))
        for i, (x, y) in enumerate(zip(curve.x, curve.y, strict=False))
    ]


def _at(values: tuple[float, ...], i: int) -> str:
    return number(values[i]) if i < len(values) else ""


def first_and_last(curve: Curve) -> str:
    """Return "from 41 to 92.1 [90.9, 93]", with the spread at the end where there is one."""
    if not curve.y:
        return "no points"
    spread = f" [{number(curve.low[-1])}, {number(curve.high[-1])}]" if curve.low and curve.high else ""
    return f"from {number(curve.y[0])} to {number(curve.y[-1])}{spread}"
