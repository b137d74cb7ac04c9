"""The search for the edits that close a parameter gap: every set of edits up to a cost, cheapest first.

Structural edits (blocks, widths, growth) change what all others cost, so each makes a network of its own. On each of
these the others are additive: their changes are counted once, and every pair and triple is a sum of integers. A set
that contains a smaller set which already fits is not listed. What is listed was counted once more as a whole, edit by
edit, so that edits which touch the same layer are right, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from diagnose.params.gap.edits import blocks as block_edits
from diagnose.params.gap.edits import ends as end_edits
from diagnose.params.gap.edits import structure as structure_edits
from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.layout import Counts, LayerGroup, Layout
from diagnose.params.gap.parameter_conventions import PLAIN, ParameterConvention
from diagnose.values import ReportedNumber, Skipped

FAMILIES: dict[str, Callable[[Layout], list[Edit] | str]] = {
    "layers added per block": block_edits.extra_layers,
    "layers left out per block": block_edits.fewer_layers,
    "shortcut type": block_edits.shortcuts,
    "norms": block_edits.norms,
    "biases": block_edits.biases,
    "q/k/v bias": block_edits.qkv_bias,
    "groups": block_edits.groups,
    "squeeze-and-excitation": block_edits.squeeze_and_excitation,
    "stem": end_edits.stem,
    "number of classes": end_edits.classes,
    "classifier and head": end_edits.head,
    "vocabulary": end_edits.vocabulary,
    "tied embeddings": end_edits.tying,
    "position embeddings": end_edits.positions,
}
STRUCTURES: dict[str, Callable[[Layout], list[Edit] | str]] = {
    "blocks per stage": structure_edits.depths,
    "widths": structure_edits.widths,
    "dense blocks": structure_edits.dense,
}


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
    def published(self) -> bool:
        """Return whether published code has every part of it."""
        parts = [edit.source for edit in self.edits]
        return all([*parts, self.convention.source] if self.convention is not PLAIN else parts)


@dataclass
class Search:
    """What a search found, how many candidates it visited, and what it could not try."""

    solutions: list[Solution] = field(default_factory=list)
    visited: int = 0
    skipped: list[Skipped] = field(default_factory=list)


def search(
    layout: Layout,
    reported: ReportedNumber,
    conventions: Sequence[ParameterConvention] = (PLAIN,),
    *,
    most_cost: float = 3.0,
) -> Search:
    """Return every minimal set of edits up to `most_cost` whose count satisfies a reading, the likeliest first."""
    found = Search()
    local = _edits(FAMILIES, layout, found.skipped)
    structural = _edits(STRUCTURES, layout, found.skipped)
    deltas = _Deltas()
    for structure in (None, *structural):
        base = layout if structure is None else structure.apply(layout)
        spent = structure.cost if structure else 0.0
        if base is None or spent > most_cost:
            continue
        fixed = () if structure is None else (structure,)
        counts = base.counts()
        affordable = [edit for edit in local if edit.cost <= most_cost - spent]
        changes = np.array([deltas.of(edit, base) for edit in affordable]).reshape(-1, len(counts))
        _search_base(found, layout, fixed, affordable, counts, changes, reported, conventions, most_cost)
    found.solutions = sorted(_minimal(found.solutions), key=likeliest_first)
    return found


def likeliest_first(solution: Solution) -> tuple[float, bool, int, int]:
    """Order by fewest and most plausible edits, then published code, then the readings satisfied."""
    return (solution.cost, not solution.published, -len(solution.fits), solution.total)


def _edits(
    families: dict[str, Callable[[Layout], list[Edit] | str]], layout: Layout, skipped: list[Skipped]
) -> list[Edit]:
    edits: list[Edit] = []
    for name, family in families.items():
        made = family(layout)
        if isinstance(made, str):
            skipped.append(Skipped(f"edits of the {name}", made))
        else:
            edits.extend(made)
    return edits


def edits_by_key(layout: Layout) -> dict[tuple[str, tuple[tuple[str, object], ...]], Edit]:
    """Return every edit of a layout by its key, to make the edit of one network on another."""
    skipped: list[Skipped] = []
    return {edit.key: edit for edit in (*_edits(FAMILIES, layout, skipped), *_edits(STRUCTURES, layout, skipped))}


class _Deltas:
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


def _search_base(
    found: Search, layout: Layout, fixed: tuple[Edit, ...], local: list[Edit], counts: Counts,
    changes: npt.NDArray[np.int64], reported: ReportedNumber,
    conventions: Sequence[ParameterConvention], most_cost: float,
) -> None:  # fmt: skip
    """Add the hits of one base: under each convention, no edit, single edits, pairs and triples."""
    spent = sum(edit.cost for edit in fixed)
    for convention in conventions:
        left = most_cost - spent - convention.cost
        if left < 0:
            continue
        start = convention.total(counts)
        steps = changes @ convention.weights
        costs = np.array([edit.cost for edit in local])
        low, high = (bound / convention.factor for bound in _hull(reported))
        for chosen, visited in _sums(steps, costs, left, low - start, high - start):
            found.visited += visited
            for members in chosen:
                edits = (*fixed, *(local[i] for i in members))
                solution = _counted(layout, edits, convention, reported) if _compatible(edits) else None
                if solution is not None:
                    found.solutions.append(solution)


def _hull(reported: ReportedNumber) -> tuple[int, int]:
    return min(reported.rounded[0], reported.truncated[0]), max(reported.rounded[1], reported.truncated[1])


def _sums(
    steps: npt.NDArray[np.int64], costs: npt.NDArray[np.float64], left: float, low: float, high: float
) -> Iterator[tuple[list[tuple[int, ...]], int]]:
    """Yield the index sets whose steps add up to between `low` and `high` within the cost, and how many were visited.

    An edit that changes nothing under the convention joins no set.
    """
    yield ([()] if low <= 0 <= high else []), 1
    useful = np.flatnonzero((steps != 0) & (costs <= left))
    s, c = steps[useful], costs[useful]
    yield [(int(useful[i]),) for i in np.flatnonzero((s >= low) & (s <= high))], len(useful)
    order = np.arange(len(useful))
    pairs = (order[:, None] < order) & (c[:, None] + c <= left)
    sums = s[:, None] + s
    fitting = np.argwhere(pairs & (sums >= low) & (sums <= high))
    yield [tuple(int(useful[i]) for i in pair) for pair in fitting], int(pairs.sum())
    for i in range(len(useful)):
        triples = pairs & (order[:, None] > i) & (c[:, None] + c + c[i] <= left)
        if not triples.any():
            continue
        total = sums + s[i]
        fitting = np.argwhere(triples & (total >= low) & (total <= high))
        yield [(int(useful[i]), *(int(useful[j]) for j in pair)) for pair in fitting], int(triples.sum())


def _compatible(edits: Sequence[Edit]) -> bool:
    families = [edit.family for edit in edits]
    return len(set(families)) == len(families)


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
    """Yield the hits that contain no other hit under the same convention or the plain one."""
    kept: set[tuple[str, frozenset[object]]] = set()
    for solution in sorted(solutions, key=lambda candidate: (len(candidate.edits), candidate.convention.cost)):
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
