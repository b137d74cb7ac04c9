"""Every set of edits up to a cost, counted under every convention, as arrays that a search can ask again and again.

Structural edits (blocks, widths, growth) change what all others cost, so each makes a base of its own. On each base
the others are additive: their changes are counted once, and every pair and triple is a sum of integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.edits.families import FAMILIES, STRUCTURES, edits_of, free_numbers
from diagnose.params.gap.layout import Counts, LayerGroup, Layout
from diagnose.params.gap.parameter_conventions import ParameterConvention
from diagnose.values import Skipped

_MOST_TOGETHER = 3
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EditSets:
    """Sets of edits, one per row: the index of the structural edit (-1: none), those of up to three local edits (-1
    where there are fewer), the index of the convention, the total under it, and the cost.
    """

    structure: _Ints
    members: _Ints
    convention: _Ints
    totals: _Ints
    costs: _Floats

    def __len__(self) -> int:
        return len(self.totals)


class SearchSpace:
    """The sets of edits of a layout up to a cost; `skipped` says which families of edits do not apply."""

    def __init__(self, layout: Layout, conventions: Sequence[ParameterConvention], *, most_cost: float = 3.0) -> None:
        self.layout = layout
        self.conventions = tuple(conventions)
        self.skipped: list[Skipped] = []
        self.local = edits_of(FAMILIES, layout, self.skipped)
        self.structural = edits_of(STRUCTURES, layout, self.skipped)
        self.free = free_numbers(layout)
        self.sets = _joined(list(self._bases(most_cost)))
        factors = np.array([convention.factor for convention in self.conventions])
        self.values: _Floats = self.sets.totals * factors[self.sets.convention]
        """The total of each set in its convention's unit."""

    def edits(self, row: int) -> tuple[Edit, ...]:
        """Return the edits of one set, the structural one first."""
        structure = int(self.sets.structure[row])
        fixed = () if structure < 0 else (self.structural[structure],)
        return (*fixed, *(self.local[i] for i in self.sets.members[row] if i >= 0))

    def has_facet(self, facets: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Return which sets change one of the facets; "convention" is the facet of every convention but the first."""
        local = np.array([*(edit.facet in facets for edit in self.local), False])  # the last is that of index -1
        structural = np.array([*(edit.facet in facets for edit in self.structural), False])
        changed = structural[self.sets.structure] | local[self.sets.members].any(axis=1)
        return changed | (self.sets.convention > 0) if "convention" in facets else changed

    def _bases(self, most_cost: float) -> Iterator[EditSets]:
        changes_of = _Changes()
        costs = np.array([edit.cost for edit in self.local])
        families = np.unique([edit.family for edit in self.local], return_inverse=True)[1]
        for number, structure in [(-1, None), *enumerate(self.structural)]:
            spent = structure.cost if structure else 0.0
            base = self.layout if structure is None else structure.apply(self.layout) if spent <= most_cost else None
            if base is None:
                continue
            counts = base.counts()
            changes = np.array([
                changes_of.of(edit, base) if edit.cost <= most_cost - spent else np.zeros_like(counts)
                for edit in self.local
            ]).reshape(-1, len(counts))  # fmt: skip
            for index, convention in enumerate(self.conventions):
                left = most_cost - spent - convention.cost
                if left >= 0:
                    members, sums, sum_costs = _sums(changes @ convention.weights, costs, families, left)
                    yield EditSets(
                        np.full(len(sums), number),
                        members,
                        np.full(len(sums), index),
                        convention.total(counts) + sums,
                        spent + convention.cost + sum_costs,
                    )


def _joined(parts: Sequence[EditSets]) -> EditSets:
    fields = ("structure", "members", "convention", "totals", "costs")
    return EditSets(*(np.concatenate([getattr(part, field) for part in parts]) for field in fields))


class _Changes:
    """The change of counts that a local edit makes to a group, counted once per pair."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Counts | None] = {}
        self._kept: list[LayerGroup] = []  # a group must outlive its id

    def of(self, edit: Edit, layout: Layout) -> Counts:
        assert edit.change is not None
        total = np.zeros_like(layout.groups[0].unit)
        for group in layout.groups:
            key = (id(edit), id(group.layers))
            if key not in self._known:
                changed = edit.change(group)
                self._kept.append(group)
                self._known[key] = None if changed is group else changed.unit - group.unit
            change = self._known[key]
            if change is not None:
                total += group.count * change
        return total


def _sums(steps: _Ints, costs: _Floats, families: _Ints, left: float) -> tuple[_Ints, _Ints, _Floats]:
    """Return the sets of up to three steps of different families within a cost: members, sum and cost of each.

    A step that changes nothing joins no set.
    """
    useful = np.flatnonzero((steps != 0) & (costs <= left))
    members = np.full((1, 0), -1)
    levels = [np.full((1, _MOST_TOGETHER), -1)]
    for size in range(1, _MOST_TOGETHER + 1):
        last = members[:, -1] if size > 1 else np.full(len(members), -1)
        spent = costs[members].sum(axis=1)
        fits = (useful > last[:, None]) & (costs[useful] + spent[:, None] <= left)
        for column in members.T:
            fits &= families[useful] != families[column][:, None]
        rows, picks = np.nonzero(fits)
        members = np.column_stack([members[rows], useful[picks]])
        levels.append(np.pad(members, ((0, 0), (0, _MOST_TOGETHER - size)), constant_values=-1))
    chosen = np.concatenate(levels)
    padded_steps, padded_costs = np.append(steps, 0), np.append(costs, 0.0)  # index -1 adds nothing
    return chosen, padded_steps[chosen].sum(axis=1), padded_costs[chosen].sum(axis=1)
