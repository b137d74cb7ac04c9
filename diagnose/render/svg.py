"""Figures as inline SVG: lengths in percent and text in pixels, so that one drawing is legible on phone and desk.

Figures made of rows are drawn twice, labels beside the bars and labels above them; the style shows one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from diagnose.render.numbers import number
from diagnose.render.rows import Mark, Row, notes, rows
from diagnose.render.scale import Scale, curves_scales, points
from diagnose.render.text import shortened, visible
from diagnose.render.words import Words, words
from diagnose.values import Curve, Curves, Figure

_PLOT, _LEGEND, _NOTE = 220, 24, 46
"""Pixels of a plot and of a line of its legend; letters of a note, which a phone holds on one line."""

_LINES = 5
"""Colours and dashes of curves; the sixth curve begins again."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the parts of a row stand: heights in pixels, the plot and the value's right end in fractions.

    `letters` is how many characters label and value may have together.
    """

    class_: str
    row: int
    baseline: int
    middle: int
    strip: tuple[int, int]
    plot: tuple[float, float]
    value: float
    letters: int

    def at(self, fraction: float) -> str:
        """Return a fraction of the plot as a percentage of the figure."""
        return f"{100 * (self.plot[0] + fraction * (self.plot[1] - self.plot[0])):.2f}%"


_NARROW = _Layout("narrow", row=48, baseline=16, middle=31, strip=(22, 18), plot=(0.02, 0.98), value=1.0, letters=42)
_LETTER = 0.0088
"""The part of a wide figure that one letter of a label takes."""


def _wide(rows: Sequence[Row]) -> _Layout:
    """Return the layout of words beside bars, the plot as wide as the words leave it."""
    letters = max((len(row.label) + len(row.value) + 5 for row in rows), default=0)
    value = min(0.55, max(0.2, letters * _LETTER))
    return _Layout(
        "wide", row=32, baseline=21, middle=16, strip=(0, 32), plot=(value + 0.03, 0.985), value=value, letters=58
    )


_THICK = 12


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure drawn: its SVG, and its numbers, which say the same in words."""

    svg: Markup
    words: Words


def drawing(figure: Figure, name: str) -> Drawing:
    """Draw a figure; its ids on the page begin with `name`."""
    said = words(figure)
    if isinstance(figure, Curves):
        shapes, height = _curves(figure)
        return Drawing(_framed(shapes, height, "curves", visible(figure.title), said, name), said)
    drawn = []
    for layout in (_wide(rows(figure)[1]), _NARROW):
        shapes, height = _rows(figure, layout)
        drawn.append(_framed(shapes, height, layout.class_, visible(figure.title), said, f"{name}-{layout.class_}"))
    return Drawing(Markup("\n").join(drawn), said)


def element(tag: str, content: str = "", **attributes: str | float) -> Markup:
    """Write one element, everything in it escaped; an underscore in an attribute is a hyphen, `class_` is class."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    written = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in pairs)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, escape(content))


def _framed(shapes: Sequence[Markup], height: float, class_: str, title: str, said: Words, name: str) -> Markup:
    named = element("title", title or said.heads[-1], id=f"{name}-title")
    described = element("desc", said.sentence, id=f"{name}-desc")
    return element(
        "svg",
        Markup("").join([named, described, *shapes]),
        class_=class_,
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
        width="100%",
        height=height,
    )


def _text(words: str, x: str, y: float, class_: str) -> Markup:
    return element("text", words, x=x, y=y, class_=class_)


def _vertical(x: str, y: float, height: float, class_: str) -> Markup:
    return element("line", x1=x, x2=x, y1=y, y2=y + height, class_=class_)


def _rows(figure: Figure, layout: _Layout) -> tuple[list[Markup], float]:
    """Draw rows of label, value and marks; words come last, so that no line crosses them."""
    scale, drawn = rows(figure)
    shapes: list[Markup] = []
    texts: list[Markup] = []
    for i, row in enumerate(drawn):
        top = i * layout.row
        for mark in row.marks:
            shapes += _mark(mark, scale, top, layout)
        texts += _texts(row, top + layout.baseline, layout)
    height = len(drawn) * layout.row
    for note in notes(figure, scale):
        height += 20
        texts.append(_text(shortened(note, _NOTE), layout.at(1), height, "note end"))
    return shapes + texts, height + 8


def _texts(row: Row, y: float, layout: _Layout) -> list[Markup]:
    value = row.short or row.value if layout.class_ == "narrow" else row.value
    room = max(10, layout.letters - len(value))
    label = ("▸ " if row.marked else "") + row.label
    return [_text(shortened(label, room), "0", y, "label"), _text(value, f"{100 * layout.value:g}%", y, "value")]


def _mark(mark: Mark, scale: Scale, top: int, layout: _Layout) -> list[Markup]:
    """Draw one mark of a row; a bar is never thinner than the eye can find."""
    start, end = sorted((scale.fraction(mark.start), scale.fraction(mark.end)))
    middle = top + layout.middle
    y, height = top + layout.strip[0], layout.strip[1]
    match mark.kind:
        case "dot":
            return [element("circle", cx=layout.at(end), cy=middle, r=5, class_="dot")]
        case "reference":
            return [_vertical(layout.at(end), y, height, "edge")]
        case "link":
            return [_vertical(layout.at(end), middle, layout.row, "link")]
        case "whisker":
            line = element("line", x1=layout.at(start), x2=layout.at(end), y1=middle, y2=middle, class_="whisker")
            return [line, *(_vertical(layout.at(at), middle - 5, 10, "whisker") for at in (start, end))]
        case "band":
            edges = [_vertical(layout.at(at), y, height, "edge") for at in (start, end)]
            return [_rect(start, end, y, height, "band", layout), *edges]
        case _:
            return [_rect(start, max(end, start + 0.004), middle - _THICK / 2, _THICK, f"bar {mark.kind}", layout)]


def _rect(start: float, end: float, y: float, height: float, class_: str, layout: _Layout) -> Markup:
    width = f"{100 * (end - start) * (layout.plot[1] - layout.plot[0]):.2f}%"
    return element("rect", x=layout.at(start), y=y, width=width, height=height, class_=class_)


def _curves(figure: Curves) -> tuple[list[Markup], float]:
    across, up = scales = curves_scales(figure)
    top = len(figure.curves) * _LEGEND + 12
    shapes: list[Markup] = []
    texts = [_text(shortened(visible(figure.x_unit), _NOTE), "50%", top + _PLOT + 38, "tick")]
    for tick in up.ticks():
        y = round(top + _PLOT * (1 - up.fraction(tick)), 1)
        shapes.append(element("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"))
        texts.append(_text(number(tick), "0", y - 4, "tick start"))
    for tick in across.ticks():
        at = across.fraction(tick)
        side = "tick start" if at < 0.05 else "tick end" if at > 0.95 else "tick"
        texts.append(_text(number(tick), f"{100 * at:.2f}%", top + _PLOT + 18, side))
    for i, curve in enumerate(figure.curves):
        y, label = i * _LEGEND, visible(curve.label)
        shapes.append(element("line", x1=0, x2=28, y1=y + 11, y2=y + 11, class_=f"line line-{i % _LINES + 1}"))
        texts.append(_text(shortened(label, 30), "36", y + 16, "label"))
        texts.append(_text(number(curve.y[-1]) if curve.y else "", "100%", y + 16, "value"))
    inner = Markup("").join(_line(curve, scales, f"line-{i % _LINES + 1}") for i, curve in enumerate(figure.curves))
    frame = {"viewBox": "0 0 1000 1000", "preserveAspectRatio": "none"}
    plot = element("svg", inner, y=top, width="100%", height=_PLOT, **frame)
    return [*shapes, plot, *texts], top + _PLOT + 46


def _line(curve: Curve, scales: tuple[Scale, Scale], style: str) -> Markup:
    """Draw a curve over its spread, in thousandths of the plot."""
    spread = [*points(curve.x, curve.low, scales), *reversed(points(curve.x, curve.high, scales))]
    shapes = [element("polygon", points=_path(spread), class_=f"spread {style}")] if spread else []
    shapes.append(element("polyline", points=_path(points(curve.x, curve.y, scales)), class_=f"line {style}"))
    return Markup("").join(shapes)


def _path(fractions: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{1000 * x:.1f},{1000 * (1 - y):.1f}" for x, y in fractions)
