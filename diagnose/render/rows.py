"""Figures as rows of label, value and marks on a common axis: what terminal and page draw from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from diagnose.render.numbers import column_texts, number
from diagnose.render.scale import Scale, bars_scale, intervals_scale, levels, waterfall_scale
from diagnose.render.text import visible
from diagnose.values import Bars, Figure, Intervals, Waterfall

Kind = Literal["plain", "marked", "more", "less", "total", "band", "link", "whisker", "dot", "reference"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands on the axis from `start` to `end`, in the figure's unit; the first five kinds are bars."""

    kind: Kind
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a figure, its words visible; marks are drawn in their order.

    `short` is the value where there is little room for words, if that differs.
    """

    label: str
    value: str
    marks: tuple[Mark, ...]
    marked: bool = False
    short: str = ""


def rows(figure: Figure) -> tuple[Scale, tuple[Row, ...]]:
    """Return a figure's axis and rows; curves have none."""
    match figure:
        case Bars():
            return bars_scale(figure), _bars(figure)
        case Waterfall():
            scale = waterfall_scale(figure)
            return scale, _waterfall(figure, scale)
        case Intervals():
            return intervals_scale(figure), _intervals(figure)
        case _:
            return Scale(0.0, 0.0), ()


def _bars(figure: Bars) -> tuple[Row, ...]:
    texts = column_texts([bar.value for bar in figure.bars])
    return tuple(
        Row(visible(bar.label), text, (Mark("marked" if bar.marked else "plain", 0.0, bar.value),), bar.marked)
        for bar, text in zip(figure.bars, texts, strict=True)
    )


def _waterfall(figure: Waterfall, scale: Scale) -> tuple[Row, ...]:
    drawn = levels(figure)
    band = (Mark("band", *figure.band),) if figure.band is not None else ()
    found = []
    for i, level in enumerate(drawn):
        if level.change is None:
            value, bar = number(level.after), Mark("total", scale.low, level.after)
        else:
            value = number(level.change, signed=True)
            bar = Mark("more" if level.change >= 0 else "less", level.before, level.after)
        link = (Mark("link", level.after, level.after),) if i + 1 < len(drawn) else ()
        found.append(Row(visible(level.label), value, (*band, *link, bar)))
    return tuple(found)


def _intervals(figure: Intervals) -> tuple[Row, ...]:
    ends = column_texts([end for row in figure.intervals for end in (row.value, row.low, row.high)])
    return tuple(
        Row(
            visible(row.label),
            f"{ends[3 * i]} [{ends[3 * i + 1]}, {ends[3 * i + 2]}]",
            (
                Mark("reference", figure.reference, figure.reference),
                Mark("whisker", row.low, row.high),
                Mark("dot", row.value, row.value),
            ),
            short=ends[3 * i],
        )
        for i, row in enumerate(figure.intervals)
    )


def band_text(figure: Waterfall) -> tuple[str, str]:
    """Return the target's name and its interval."""
    low, high = figure.band or (0.0, 0.0)
    return visible(figure.band_label) or "target", f"{number(low)} to {number(high)}"


def notes(figure: Figure, scale: Scale) -> Sequence[str]:
    """Say what the axis and its lines are."""
    match figure:
        case Waterfall():
            target = [": ".join(band_text(figure))] if figure.band is not None else []
            return [*target, *([f"bars begin at {number(scale.low)}"] if scale.broken else [])]
        case Intervals():
            return [f"the line stands at {number(figure.reference)}"]
        case _:
            return []
