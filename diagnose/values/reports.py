"""Reports: what every renderer draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from diagnose.values.findings import Finding, Significance, Skipped

Cell = str | int | float | None
"""A table's cell: integers are drawn with thousands separators, None as an empty cell."""

Tone = Literal["plain", "verdict", "good", "bad", "caution", "hint", "note"]


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph of plain text. The tone colours it; the words alone carry the meaning.

    "verdict" is the answer in one sentence and stands first; "caution" limits what may be concluded; "hint" says
    which command looks deeper; "note" is said in passing. A pair of backticks marks code, here and in a finding's
    message.
    """

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; numbers are right-aligned. `low_priority` columns go first where the width is short.

    The cells of a `verdict` column are the word of a `Significance` or a `Ruling`, drawn with its sign.
    """

    title: str
    numeric: bool = False
    low_priority: bool = False
    verdict: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of raw cells, rows as long as `columns`; `total` is a last row set apart; `marked` rows stand out.

    `links` names for each row the `anchor` of the section that it leads to.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    marked: tuple[int, ...] = ()
    note: str = ""
    links: tuple[str, ...] = ()


DEEPEST = 1_000
"""Deepest row of a tree; Python nests no modules deeper."""


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One aligned row of two module trees: None where a side has nothing there. `depth` indents from 0."""

    depth: int
    a: str | None
    b: str | None
    verdict: Significance | None = None
    note: str = ""
    folded: bool = False

    def __post_init__(self) -> None:
        """Refuse a depth that no tree has: it is drawn as blanks."""
        if not 0 <= self.depth <= DEEPEST:
            raise ValueError(f"a row of a tree has the depth {self.depth}, expected 0 to {DEEPEST}")


@dataclass(frozen=True, slots=True)
class AlignedTree:
    """Two module trees side by side with aligned rows."""

    title: str
    a: str
    b: str
    rows: tuple[TreeRow, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, of `value` in the figure's unit."""

    label: str
    value: float
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart from zero; bars are drawn in the given order."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: the change it makes, signed, in the figure's unit."""

    label: str
    change: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From a start through signed steps; `band` is the target interval, `band_label` its name."""

    title: str
    unit: str
    start_label: str
    start: float
    steps: tuple[Step, ...]
    end_label: str
    band: tuple[float, float] | None = None
    band_label: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of points with an optional spread (lower and upper y at each x)."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over a common axis."""

    title: str
    x_unit: str
    y_unit: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A point with its interval."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Points with intervals on one axis, around a reference value."""

    title: str
    unit: str
    intervals: tuple[Interval, ...]
    reference: float = 0.0


Figure = Bars | Waterfall | Curves | Intervals


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; a folded section opens on demand (HTML) or is left to the other formats.

    `verdict` is the word of a `Significance` or a `Ruling` on the title; `anchor` names the section for links.
    """

    title: str
    items: tuple[Prose | Table | AlignedTree | Figure | Section, ...]
    folded: bool = False
    verdict: str = ""
    anchor: str = ""


Item = Prose | Table | AlignedTree | Figure | Section
"""What stands under a section's heading."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a command has to say, drawn by any renderer.

    `schema` is "diagnose.<command>/<version>"; `environment` names versions and platform; `data` is JSON-able and
    holds the raw numbers, and its keys are only ever added.
    """

    schema: str
    title: str
    environment: Mapping[str, str]
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
