"""The axes of figures: from values to fractions of a width, shared by terminal and page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diagnose.values import Bars, Curves, Intervals, Step, Waterfall


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis; `broken` where it does not begin at zero and a bar's length would mislead."""

    low: float
    high: float
    broken: bool = False

    def fraction(self, value: float) -> float:
        """Return where a value stands, 0 at the low end and 1 at the high end; what lies outside stands at the end."""
        if math.isnan(value):
            return 0.0
        # Halves, so that the distance between the largest floats does not overflow.
        span = self.high / 2 - self.low / 2
        return min(1.0, max(0.0, (value / 2 - self.low / 2) / span)) if span > 0 else 0.0

    def ticks(self, most: int = 5) -> tuple[float, ...]:
        """Return at most `most` round values within the axis, or its two ends where there are none."""
        span = self.high - self.low
        if not math.isfinite(span) or span <= 0 or span < 1e-12 * max(abs(self.low), abs(self.high)):
            return (self.low, self.high)
        rough = span / max(1, most - 1)
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next((n * magnitude for n in (1, 2, 2.5, 5, 10) if n * magnitude >= rough), 0.0)
        if step <= 0 or not math.isfinite(self.high / step):
            return (self.low, self.high)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple(round(i * step, 12) for i in range(first, last + 1)) if first < last else (self.low, self.high)


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def bars_scale(figure: Bars) -> Scale:
    """Return an axis that holds zero and every bar."""
    values = _finite([0.0, *(bar.value for bar in figure.bars)])
    return Scale(min(values), max(values))


def intervals_scale(figure: Intervals) -> Scale:
    """Return an axis that holds the reference and every interval."""
    ends = [value for row in figure.intervals for value in (row.low, row.value, row.high)]
    values = _finite([figure.reference, *ends]) or [0.0]
    margin = (max(values) / 2 - min(values) / 2) * 0.1
    return Scale(min(values) - margin, max(values) + margin)


@dataclass(frozen=True, slots=True)
class Level:
    """One row of a waterfall: it leads from `before` to `after`."""

    label: str
    before: float
    after: float
    change: float | None = None


def levels(figure: Waterfall) -> tuple[Level, ...]:
    """Return the start, each step and the end, with the running total before and after."""
    rows = [Level(figure.start_label, 0.0, figure.start)]
    for step in figure.steps:
        rows.append(_level(step, rows[-1].after))
    return (*rows, Level(figure.end_label, 0.0, rows[-1].after))


def _level(step: Step, total: float) -> Level:
    return Level(step.label, total, total + step.change, step.change)


def waterfall_scale(figure: Waterfall) -> Scale:
    """Return an axis that holds every level and the band.

    It begins at zero unless all of this lies in its upper half, where steps would be slivers.
    """
    values = _finite([*(row.after for row in levels(figure)), *(figure.band or ())]) or [0.0]
    low, high = min(values), max(values)
    if low <= high / 2:
        return Scale(min(0.0, low), max(0.0, high))
    if not low < high < math.inf or high - low < 1e-12 * high:
        return Scale(0.0, high)
    margin = (high - low) * 0.2
    step = 10.0 ** math.floor(math.log10(margin))
    return Scale(math.floor((low - margin) / step) * step, high + margin * 0.2, broken=True)


def curves_scales(figure: Curves) -> tuple[Scale, Scale]:
    """Return the axes of x and y, which hold every point and every spread."""
    xs = _finite(x for curve in figure.curves for x in curve.x) or [0.0]
    ys = _finite(y for curve in figure.curves for y in (*curve.y, *curve.low, *curve.high)) or [0.0]
    return Scale(min(xs), max(xs)), Scale(min(ys), max(ys))


def points(x: Sequence[float], y: Sequence[float], scales: tuple[Scale, Scale]) -> tuple[tuple[float, float], ...]:
    """Return a line's finite points as fractions of both axes."""
    across, up = scales
    pairs = zip(x, y, strict=False)
    return tuple((across.fraction(a), up.fraction(b)) for a, b in pairs if math.isfinite(a) and math.isfinite(b))
