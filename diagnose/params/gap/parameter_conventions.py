"""Counting conventions: what a document may have counted when it says "parameters"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diagnose.params.gap.layout import CELLS, Counts
from diagnose.values import ParamTable

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


def _tied_again(table: ParamTable) -> int:
    sizes = {row.path: row.parameters for row in table.rows}
    return sum(sizes[row.tied_to] for row in table.rows if row.tied_to is not None)


def applicable(table: ParamTable, counts: Counts) -> tuple[ParameterConvention, ...]:
    """Return the conventions that count this model differently from the plain one, and that the cells get right."""
    chosen = [PLAIN]
    for convention in CONVENTIONS[1:]:
        total = convention.total(counts)
        differs = total != table.total or convention.factor != 1.0
        if differs and total == convention.measure(table):
            chosen.append(convention)
    return tuple(chosen)
