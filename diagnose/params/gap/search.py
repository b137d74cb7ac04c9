"""The search for the edits that close a parameter gap: every set of edits up to a cost, cheapest first.

A set that contains a smaller set which already fits is not listed. What is listed was counted once more as a whole,
edit by edit, so that edits which touch the same layer are right, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.layout import Layout
from diagnose.params.gap.parameter_conventions import PLAIN, ParameterConvention
from diagnose.params.gap.search_space import SearchSpace
from diagnose.values import ReportedNumber


@dataclass(frozen=True)
class Solution:
    """A set of edits under a convention that gives the reported number."""

    edits: tuple[Edit, ...]
    convention: ParameterConvention
    total: int
    fits: tuple[str, ...]

    @property
    def cost(self) -> float:
        """Return the plausibility cost of the edits and the convention."""
        return sum(edit.cost for edit in self.edits) + self.convention.cost

    @property
    def value(self) -> float:
        """Return the count in the convention's unit."""
        return self.total * self.convention.factor

    @property
    def facets(self) -> frozenset[str]:
        """Return what of the network it changes, "convention" among it where it counts otherwise."""
        counted = {"convention"} if self.convention is not PLAIN else set()
        return frozenset(edit.facet for edit in self.edits) | counted

    @property
    def published(self) -> bool:
        """Return whether published code has every part of it."""
        parts = [edit.source for edit in self.edits]
        return all([*parts, self.convention.source] if self.convention is not PLAIN else parts)


def search(space: SearchSpace, reported: ReportedNumber, *, most_cost: float = np.inf) -> list[Solution]:
    """Return every minimal set of edits up to `most_cost` whose count satisfies a reading, the likeliest first."""
    low, high = reported.widest
    fitting = np.flatnonzero((space.values >= low) & (space.values <= high) & (space.sets.costs <= most_cost))
    listed = (
        _counted(space.layout, space.edits(row), space.conventions[space.sets.convention[row]], reported)
        for row in fitting.tolist()
    )
    solved = (
        _counted(space.layout, (edit,), PLAIN, reported)
        for number in space.free
        if number.cost <= most_cost
        for edit in number.solved(low, high)
    )
    counted = chain(listed, solved)
    return sorted(_minimal([solution for solution in counted if solution is not None]), key=likeliest_first)


def likeliest_first(solution: Solution) -> tuple[float, bool, int, int]:
    """Order by fewest and most plausible edits, then published code, then the readings satisfied."""
    return (solution.cost, not solution.published, -len(solution.fits), solution.total)


def _counted(
    layout: Layout, edits: Sequence[Edit], convention: ParameterConvention, reported: ReportedNumber
) -> Solution | None:
    """Count a set of edits as a whole; return None where it does not satisfy a reading after all."""
    edited: Layout | None = layout
    for edit in edits:
        edited = edit.apply(edited) if edited is not None else None
    if edited is None:
        return None
    total = convention.total(edited.counts())
    fits = reported.readings(total * convention.factor)
    return Solution(tuple(edits), convention, total, fits) if fits else None


def _minimal(solutions: list[Solution]) -> Iterator[Solution]:
    """Yield the solutions that contain no other one under the same convention or the plain one."""
    kept: set[tuple[str, frozenset[object]]] = set()
    for solution in sorted(solutions, key=lambda solution: (len(solution.edits), solution.convention.cost)):
        keys = frozenset(edit.key for edit in solution.edits)
        smaller = (
            (convention, frozenset(subset))
            for size in range(len(keys) + 1)
            for subset in combinations(keys, size)
            for convention in {PLAIN.text, solution.convention.text}
        )
        if not any(part in kept for part in smaller):
            kept.add((solution.convention.text, keys))
            yield solution
