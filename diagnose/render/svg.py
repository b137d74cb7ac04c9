"""Figures as inline SVG: lengths in percent and text in pixels, so that one drawing is legible on phone and desk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from diagnose.render.numbers import column_texts, number
from diagnose.render.scale import Scale, bars_scale, curves_scales, intervals_scale, levels, points, waterfall_scale
from diagnose.render.text import visible
from diagnose.values import Bars, Curve, Curves, Figure, Intervals, Waterfall

_ROW, _BAR_Y, _BAR = 46, 25, 10
_PLOT, _LEGEND = 220, 24
_LABEL = 40
"""Characters of a label: what a phone holds beside a number; the table of numbers has it in full."""

_LINES = 5
"""Colours and dashes of curves; the sixth curve begins again."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure drawn: its SVG, its text alternative in a sentence, and its numbers as rows under their heads."""

    svg: Markup
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def drawing(figure: Figure, name: str) -> Drawing:
    """Draw a figure; `name` is its id on the page."""
    match figure:
        case Bars():
            shapes, height, heads, rows = _bars(figure)
        case Waterfall():
            shapes, height, heads, rows = _waterfall(figure)
        case Intervals():
            shapes, height, heads, rows = _intervals(figure)
        case Curves():
            shapes, height, heads, rows = _curves(figure)
    title = element("title", visible(figure.title) or heads[-1], id=f"{name}-title")
    said = "; ".join(": ".join([row[0], ", ".join(row[1:])]) for row in rows[:40])
    description = element("desc", f"{', '.join(heads)}. {said}", id=f"{name}-desc")
    svg = element(
        "svg",
        Markup().join([title, description, *shapes]),
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
        width="100%",
        height=height,
    )
    return Drawing(svg, heads, rows)


def element(tag: str, content: str = "", **attributes: str | int | float) -> Markup:
    """Write one element; attributes and content are escaped, an underscore is a hyphen, `class_` is class."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    written = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in pairs)
    return Markup("<{}{}>{}</{}>").format(Markup(tag), written, escape(content), Markup(tag))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}%"


def _rect(start: float, end: float, y: float, height: float, class_: str) -> Markup:
    """Draw a bar between two fractions, never thinner than the eye can find."""
    start, end = sorted((start, end))
    width = max(end - start, 0.004)
    return element(
        "rect", x=_percent(min(start, 1 - width)), y=y, width=_percent(width), height=height, rx=2, class_=class_
    )


def _text(words: str, x: str, y: float, class_: str) -> Markup:
    return element("text", words, x=x, y=y, class_=class_)


def _vertical(fraction: float, y1: float, y2: float, class_: str) -> Markup:
    return element("line", x1=_percent(fraction), x2=_percent(fraction), y1=y1, y2=y2, class_=class_)


def _short(label: str) -> str:
    text = visible(label)
    half = (_LABEL - 1) // 2
    return text if len(text) <= _LABEL else f"{text[:half]}…{text[-half:]}"


def _head(label: str, value: str, y: float) -> list[Markup]:
    return [_text(label, "0", y + 16, "label"), _text(value, "100%", y + 16, "value")]


_Parts = tuple[list[Markup], int, tuple[str, ...], tuple[tuple[str, ...], ...]]


def _bars(figure: Bars) -> _Parts:
    scale = bars_scale(figure)
    zero = scale.fraction(0.0)
    texts = column_texts([bar.value for bar in figure.bars])
    shapes: list[Markup] = []
    for i, (bar, text) in enumerate(zip(figure.bars, texts, strict=True)):
        y = i * _ROW
        shapes += _head(("▸ " if bar.marked else "") + _short(bar.label), text, y)
        shapes.append(_rect(0, 1, y + _BAR_Y, _BAR, "track"))
        shapes.append(_rect(zero, scale.fraction(bar.value), y + _BAR_Y, _BAR, "bar marked" if bar.marked else "bar"))
    rows = tuple((visible(bar.label), text) for bar, text in zip(figure.bars, texts, strict=True))
    return shapes, len(figure.bars) * _ROW, ("bar", visible(figure.unit) or "value"), rows


def _waterfall(figure: Waterfall) -> _Parts:
    scale = waterfall_scale(figure)
    rows, shapes = levels(figure), list[Markup]()
    height = len(rows) * _ROW
    if figure.band is not None:
        low, high = (scale.fraction(end) for end in figure.band)
        shapes += [
            _rect(low, high, 0, height + 4, "band"),
            _vertical(low, 0, height + 4, "edge"),
            _vertical(high, 0, height + 4, "edge"),
        ]
    numbers = []
    for i, row in enumerate(rows):
        y, step = i * _ROW, row.change is not None
        value = number(row.change, signed=True) if row.change is not None else number(row.after)
        start = scale.fraction(row.before if step else scale.low)
        colour = "bar total" if not step else "bar more" if (row.change or 0) >= 0 else "bar less"
        shapes += [
            *_head(_short(row.label), value, y),
            _rect(start, scale.fraction(row.after), y + _BAR_Y, _BAR, colour),
        ]
        if i + 1 < len(rows):
            shapes.append(_vertical(scale.fraction(row.after), y + _BAR_Y + _BAR, y + _ROW + _BAR_Y, "link"))
        numbers.append((visible(row.label), value, number(row.after)))
    notes = [f"bars begin at {number(round(scale.low))}"] if scale.broken else []
    if figure.band is not None:
        span = f"{number(figure.band[0])} to {number(figure.band[1])}"
        numbers.append((visible(figure.band_label) or "target", span, ""))
        notes.insert(0, f"{_short(figure.band_label) or 'target'}: {span}")
    for note in notes:
        height += 20
        shapes.append(_text(note, "100%", height, "note end"))
    return shapes, height + 6, ("step", "change", visible(figure.unit) or "total"), tuple(numbers)


def _intervals(figure: Intervals) -> _Parts:
    scale = intervals_scale(figure)
    ends = column_texts([v for row in figure.intervals for v in (row.value, row.low, row.high)])
    height = len(figure.intervals) * _ROW
    shapes = [_vertical(scale.fraction(figure.reference), 0, height, "edge")]
    numbers = []
    for i, row in enumerate(figure.intervals):
        y = i * _ROW
        value, low, high = ends[3 * i : 3 * i + 3]
        middle = y + _BAR_Y + _BAR / 2
        left, at, right = (scale.fraction(v) for v in (row.low, row.value, row.high))
        shapes += _head(_short(row.label), f"{value} [{low}, {high}]", y)
        shapes.append(element("line", x1=_percent(left), x2=_percent(right), y1=middle, y2=middle, class_="whisker"))
        shapes += [_vertical(end, middle - 5, middle + 5, "whisker") for end in (left, right)]
        shapes.append(element("circle", cx=_percent(at), cy=middle, r=5, class_="dot"))
        numbers.append((visible(row.label), value, low, high))
    for tick in scale.ticks():
        shapes.append(_text(number(tick), _percent(scale.fraction(tick)), height + 18, _tick_class(scale, tick)))
    return shapes, height + 26, ("effect", visible(figure.unit) or "value", "low", "high"), tuple(numbers)


def _tick_class(scale: Scale, tick: float) -> str:
    at = scale.fraction(tick)
    return "tick start" if at < 0.05 else "tick end" if at > 0.95 else "tick"


def _curves(figure: Curves) -> _Parts:
    scales = curves_scales(figure)
    across, up = scales
    top = len(figure.curves) * _LEGEND + 8
    shapes: list[Markup] = []
    for tick in up.ticks():
        y = top + _PLOT * (1 - up.fraction(tick))
        shapes.append(element("line", x1="0", x2="100%", y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        shapes.append(_text(number(tick), "0", y - 4, "tick start"))
    for i, curve in enumerate(figure.curves):
        style = f"line line-{i % _LINES + 1}"
        y = i * _LEGEND
        shapes.append(element("line", x1="0", x2="28", y1=y + 11, y2=y + 11, class_=style))
        shapes.append(_text(_short(curve.label), "36", y + 16, "label"))
        shapes.append(_text(number(curve.y[-1]) if curve.y else "", "100%", y + 16, "value"))
    inner = [_line(curve, scales, f"line-{i % _LINES + 1}") for i, curve in enumerate(figure.curves)]
    plot: dict[str, str | int] = {
        "y": top,
        "width": "100%",
        "height": _PLOT,
        "viewBox": "0 0 1000 1000",
        "preserveAspectRatio": "none",
    }
    shapes.append(element("svg", Markup("").join(inner), **plot))
    for tick in across.ticks():
        shapes.append(_text(number(tick), _percent(across.fraction(tick)), top + _PLOT + 18, _tick_class(across, tick)))
    shapes.append(_text(visible(figure.x_unit), "50%", top + _PLOT + 36, "tick"))
    heads = ("curve", visible(figure.x_unit) or "x", visible(figure.y_unit) or "y", "low", "high")
    return shapes, top + _PLOT + 44, heads, tuple(row for curve in figure.curves for row in _curve_rows(curve))


def _curve_rows(curve: Curve) -> Sequence[tuple[str, ...]]:
    at: Callable[[tuple[float, ...], int], str] = lambda values, i: number(values[i]) if i < len(values) else ""  # noqa: E731
    return [
        (visible(curve.label), number(x), number(y), at(curve.low, i), at(curve.high, i))
        for i, (x, y) in enumerate(zip(curve.x, curve.y, strict=False))
    ]


def _line(curve: Curve, scales: tuple[Scale, Scale], style: str) -> Markup:
    """Draw a curve over its spread, in thousandths of the plot."""
    spread = [*points(curve.x, curve.low, scales), *reversed(points(curve.x, curve.high, scales))]
    shapes = [element("polygon", points=_path(spread), class_=f"spread {style}")] if spread else []
    shapes.append(element("polyline", points=_path(points(curve.x, curve.y, scales)), class_=f"line {style}"))
    return Markup("").join(shapes)


def _path(fractions: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{1000 * x:.1f},{1000 * (1 - y):.1f}" for x, y in fractions)
