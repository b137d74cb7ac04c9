"""Figures as lines of text: marks of block characters, each beside its number."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from diagnose.render.numbers import number
from diagnose.render.rows import Mark, Row, band_text, notes, rows
from diagnose.render.scale import Scale, curves_scales, points
from diagnose.render.terminal.terminal_table import GAP, MARGIN, elided, margin
from diagnose.render.text import visible
from diagnose.render.words import first_and_last
from diagnose.values import Curve, Curves, Figure, Waterfall

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
_STYLES = {"plain": "cyan", "marked": "magenta", "more": "green", "less": "red", "total": "cyan", "band": "magenta"}
_WIDEST, _NARROWEST = 48, 12
"""Columns of a plot."""


def figure_lines(figure: Figure, width: int | None) -> list[Text]:
    """Draw a figure within `width` columns; each line states its number, so that the drawing only repeats it."""
    if isinstance(figure, Curves):
        return _curves(figure, width)
    scale, drawn = rows(figure)
    band: tuple[Row, ...] = ()
    if isinstance(figure, Waterfall) and figure.band is not None:
        # Behind the bars, as on the page, a band would hide in their blocks: here it has a row of its own.
        band = (Row(*band_text(figure), (Mark("band", *figure.band),)),)
    columns = _columns([(row.label, row.value) for row in (*drawn, *band)], width)
    lines = []
    for row in (*drawn, *band):
        marks = [mark for mark in row.marks if mark.kind != "link" and (row in band or mark.kind != "band")]
        line = _line(row.label, row.value, _plot(marks, scale, columns[2]), columns)
        lines.append(margin(line, marked=row.marked))
    remarks = notes(figure, scale)[len(band) :]
    return [*lines, *(_remark(remark, columns, width) for remark in remarks)]


def _remark(text: str, columns: tuple[int, int, int], width: int | None) -> Text:
    """Set a remark under the plot, or further left where it is longer than that."""
    start = columns[0] + columns[1] + 2 * len(GAP)
    room = sum(columns) + 2 * len(GAP) if width is None else width - MARGIN
    return margin(" " * max(0, min(start, room - cell_len(text))) + text, "dim")


def _columns(texts: Sequence[tuple[str, str]], width: int | None) -> tuple[int, int, int]:
    """Return how many columns labels, values and plot have; only a terminal makes labels short."""
    labels = max((cell_len(label) for label, _ in texts), default=0)
    values = max((cell_len(value) for _, value in texts), default=0)
    if width is None:
        return labels, values, _WIDEST
    room = width - MARGIN - values - 2 * len(GAP)
    labels = min(labels, max(8, room - _NARROWEST))
    return labels, values, max(0, min(_WIDEST, room - labels))


def _line(label: str, value: str, plot: Text, columns: tuple[int, int, int]) -> Text:
    label = elided(label, columns[0])
    space = " " * (columns[0] - cell_len(label)), " " * (columns[1] - cell_len(value))
    line = Text(f"{label}{space[0]}{GAP}{space[1]}{value}{GAP}").append_text(plot)
    line.rstrip()
    return line


def _plot(marks: Sequence[Mark], scale: Scale, width: int) -> Text:
    """Draw marks over each other, later ones over earlier ones."""
    signs, styles = [" "] * width, [""] * width
    for mark in marks:
        start, end = sorted((scale.fraction(mark.start), scale.fraction(mark.end)))
        if width == 0:
            break
        first, drawn = _signs(mark.kind, start, end, width)
        for i, sign in enumerate(drawn[: width - first], first):
            signs[i], styles[i] = sign, _STYLES.get(mark.kind, "cyan")
    return Text().join(Text(sign, style) for sign, style in zip(signs, styles, strict=True))


def _signs(kind: str, start: float, end: float, width: int) -> tuple[int, str]:
    """Return the column where a mark begins and the characters it is drawn with."""
    first, last = (min(width - 1, int(fraction * width)) for fraction in (start, end))
    match kind:
        case "reference":
            return first, "│"
        case "dot":
            return first, "●"
        case "band" | "whisker":
            return first, "├" + "─" * (last - first - 1) + "┤" if last > first else "┼"
        case _:
            eighths = max(1, round((end * width - first) * 8))
            return first, "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _curves(figure: Curves, width: int | None) -> list[Text]:
    scales = curves_scales(figure)
    texts = [(visible(curve.label), first_and_last(curve)) for curve in figure.curves]
    columns = _columns(texts, width)
    lines = [
        margin(_line(label, said, Text(_sparks(curve, scales, columns[2]), "cyan"), columns))
        for curve, (label, said) in zip(figure.curves, texts, strict=True)
    ]
    key = f"▁ {number(scales[1].low)}  █ {number(scales[1].high)}"
    return [*lines, _remark(key, columns, width)]


def _sparks(curve: Curve, scales: tuple[Scale, Scale], width: int) -> str:
    """Draw a curve as a line of blocks, at most one for each of its points."""
    drawn = points(curve.x, curve.y, scales)
    signs = [" "] * min(width, max(1, len(drawn)))
    for across, up in drawn if width else ():
        signs[min(len(signs) - 1, int(across * len(signs)))] = _SPARKS[min(7, int(up * 8))]
    return "".join(signs).rstrip()
