"""Counting conventions: what a document may have counted when it says "parameters"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from diagnose.params.gap.layout import CELLS, Counts
from diagnose.values import ParamTable, ReportedNumber

Cell = tuple[str, bool, bool]


@dataclass(frozen=True)
class ParameterConvention:
    """A way to count: the weight of each cell, and the factor to the unit that the document calls "1".

    `measure` counts the same on the table itself, as a check that the cells hold what they say; a convention that
    counts the model as the plain one does is not tried.
    """

    text: str
    weigh: Callable[[Cell], int]
    measure: Callable[[ParamTable], int]
    factor: float = 1.0
    cost: float = 1.0
    source: str = ""

    def total(self, counts: Counts) -> int:
        """Return the elements that the convention counts."""
        return int(counts @ self.weights)

    @property
    def weights(self) -> Counts:
        """Return one weight per cell."""
        return np.array([self.weigh(cell) for cell in CELLS], dtype=np.int64)


def _is_parameter(cell: Cell) -> bool:
    return cell[0] in ("classifier", "norm", "embedding", "other")


def _without(part: str) -> Callable[[Cell], int]:
    return lambda cell: _is_parameter(cell) and cell[0] != part


def _rows(table: ParamTable, kept: Callable[[str, str], bool]) -> int:
    return sum(row.parameters for row in table.rows if kept(row.kind, row.place.stage))


PLAIN = ParameterConvention("all parameters, tied ones once", _is_parameter, lambda table: table.total, cost=0.0)

CONVENTIONS: tuple[ParameterConvention, ...] = (
    PLAIN,
    ParameterConvention("trainable parameters only", lambda c: _is_parameter(c) and c[1], lambda t: t.trainable),
    ParameterConvention(
        "without what the eval forward never reads",
        lambda c: _is_parameter(c) and c[2],
        lambda t: t.total - (t.unused or 0),
        source="torchvision states GoogLeNet's parameters so, without its auxiliary heads",
    ),
    ParameterConvention(
        "without the classifier",
        _without("classifier"),
        lambda t: _rows(t, lambda kind, stage: not (kind == "linear" and stage == "head")),
    ),
    ParameterConvention("without the norms", _without("norm"), lambda t: _rows(t, lambda kind, _: "norm" not in kind)),
    ParameterConvention("without embeddings", _without("embedding"),
                        lambda t: _rows(t, lambda kind, _: kind != "embedding")),
    ParameterConvention(
        "tied parameters counted at every place",
        lambda c: _is_parameter(c) or c[0] == "tied again",
        lambda t: t.total + _tied_again(t),
    ),
    ParameterConvention(
        "with the running statistics of the norms",
        lambda c: _is_parameter(c) or c[0] == "running statistics",
        lambda t: t.total + sum(b.elements for b in t.buffers if b.persistent and b.floating),
    ),
    ParameterConvention(
        "every element of the state dict",
        lambda c: 1,
        lambda t: t.total + _tied_again(t) + sum(b.elements for b in t.buffers if b.persistent),
    ),
    ParameterConvention("M = 2^20", _is_parameter, lambda t: t.total, factor=10**6 / 2**20, cost=1.5),
    ParameterConvention(
        "mebibytes of float32 taken for millions", _is_parameter, lambda t: t.total, factor=4 * 10**6 / 2**20, cost=1.5
    ),
    ParameterConvention(
        "megabytes of float32 taken for millions", _is_parameter, lambda t: t.total, factor=4.0, cost=1.5
    ),
)  # fmt: skip


def _named(text: str) -> ParameterConvention:
    return next(convention for convention in CONVENTIONS if convention.text == text)


SIZES: tuple[ParameterConvention, ...] = (
    PLAIN,
    replace(_named("every element of the state dict"), cost=0.25),
    replace(_named("M = 2^20"), text="megabytes of 2^20 bytes", cost=0.25),
    replace(
        _named("every element of the state dict"),
        text="every element of the state dict, in megabytes of 2^20 bytes",
        factor=10**6 / 2**20,
        cost=0.5,
    ),
    replace(PLAIN, text="float16 in place of float32", factor=0.5, cost=0.75),
    replace(PLAIN, text="float16 in megabytes of 2^20 bytes", factor=0.5 * 10**6 / 2**20, cost=1.0),
)
"""What a size in bytes may be the size of; a reported size is read as the float32 that it holds."""


def _tied_again(table: ParamTable) -> int:
    sizes = {row.path: row.parameters for row in table.rows}
    return sum(sizes[row.tied_to] for row in table.rows if row.tied_to is not None)


def applicable(
    table: ParamTable, counts: Counts, reported: ReportedNumber | None = None
) -> tuple[ParameterConvention, ...]:
    """Return the conventions that count this model differently from the plain one, and that the cells get right.

    Those of a reported size are what a file may hold, in megabytes of 10^6 or 2^20 bytes where it does not say which.
    """
    if reported is not None and reported.of_bytes:
        binary = "i" in reported.text.lower()
        tried = tuple(convention for convention in SIZES if not (binary and "2^20" in convention.text))
    else:
        tried = CONVENTIONS
    chosen = [PLAIN]
    for convention in tried[1:]:
        total = convention.total(counts)
        differs = total != table.total or convention.factor != 1.0
        if differs and total == convention.measure(table):
            chosen.append(convention)
    return tuple(chosen)
