"""The ways in which weights of A could be some of B's: whole tensors, arranged or cut where their shapes ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, permutations, product
from math import prod

from diagnose.diff.canonical.axes import Arrangement, normal
from diagnose.diff.ir.graph import Node
from diagnose.diff.weights.mapping import WeightMatch, WeightView

ATTEMPTS = 240
"""Correspondences that are tried at most for one group of weights."""

CUTS = 4
"""Pieces at most that one weight is cut into to match several of the other network."""


@dataclass(frozen=True, slots=True)
class UnpairedWeight:
    """A weight without a partner, as a graph reads it."""

    part: WeightView
    shape: tuple[int, ...]
    slot: str


def correspondences(
    free_a: Sequence[UnpairedWeight], free_b: Sequence[UnpairedWeight]
) -> Iterator[tuple[WeightMatch, ...]]:
    """Yield the ways in which A's weights could be B's: each of B's is one of A's, arranged, or pieces are.

    Those under which weights keep their order and their axes come first.
    """
    for ones in _cut(free_a, free_b):
        for others in _cut(free_b, ones):
            yield from _bijections(ones, others)


def _bijections(ones: Sequence[UnpairedWeight], others: Sequence[UnpairedWeight]) -> Iterator[tuple[WeightMatch, ...]]:
    if len(ones) != len(others):
        return
    by_numel: dict[int, tuple[list[UnpairedWeight], list[UnpairedWeight]]] = {}
    for side, members in enumerate((ones, others)):
        for weight in members:
            by_numel.setdefault(prod(weight.shape), ([], []))[side].append(weight)
    if any(len(left) != len(right) for left, right in by_numel.values()):
        return
    orders = [
        [tuple(zip(chosen, right, strict=True)) for chosen in islice(permutations(left), ATTEMPTS + 1)]
        for left, right in by_numel.values()
    ]
    for chosen in product(*orders):
        rows = [row for rows in chosen for row in rows]
        ways = [arrangements(weight_a.shape, weight_b.shape) for weight_a, weight_b in rows]
        for way in product(*ways):
            yield tuple(
                WeightMatch(_arranged(weight_a, arrangement), weight_b.part)
                for (weight_a, weight_b), arrangement in zip(rows, way, strict=True)
            )


def _arranged(weight: UnpairedWeight, arrangement: Arrangement) -> WeightView:
    if arrangement.shape == weight.shape and len(arrangement.order) <= 1:
        return weight.part
    attributes = (("order", arrangement.order), ("split", arrangement.split))
    view = Node(-1, "rearrange", "", attributes, (), arrangement.shape, "", "", "")
    return WeightView(weight.part.name, (*weight.part.views, view))


def arrangements(shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> list[Arrangement]:
    """Return the ways to arrange the axes of a weight of one shape as another: permuted and merged, or cut so.

    The plain reshape comes first; none where the shapes do not hold equally many elements.
    """
    if prod(shape_a) != prod(shape_b):
        return []
    kept_one, kept_other = ([size for size in shape if size > 1] for shape in (shape_a, shape_b))
    found: dict[Arrangement, None] = {normal(Arrangement(shape_a, tuple(range(len(shape_a))), shape_b)): None}
    for order in permutations(range(len(kept_one))):
        if _merges([kept_one[axis] for axis in order], kept_other):
            found[normal(Arrangement(tuple(kept_one), order, shape_b))] = None
    for order in permutations(range(len(kept_other))):
        split = tuple(kept_other[axis] for axis in order)
        if _merges(split, kept_one):
            found[normal(Arrangement(split, tuple(order.index(axis) for axis in range(len(order))), shape_b))] = None
    return list(found)


def _merges(fine: Sequence[int], coarse: Sequence[int]) -> bool:
    """Say whether merging neighbours of `fine` gives `coarse`."""
    position = 0
    for size in coarse:
        running = 1
        while running < size and position < len(fine):
            running *= fine[position]
            position += 1
        if running != size:
            return False
    return position == len(fine)


def _cut(wholes: Sequence[UnpairedWeight], pieces: Sequence[UnpairedWeight]) -> Iterator[list[UnpairedWeight]]:
    """Yield `wholes` with a weight that has no partner of its length cut into pieces of the other side's shapes."""
    numels = {prod(weight.shape) for weight in pieces}
    odd = next((index for index, weight in enumerate(wholes) if prod(weight.shape) not in numels), None)
    if odd is None:
        yield list(wholes)
        return
    whole = wholes[odd]
    for dim, size in enumerate(whole.shape):
        rest = whole.shape[:dim], whole.shape[dim + 1 :]
        same = [
            weight.shape[dim]
            for weight in pieces
            if len(weight.shape) > dim and (weight.shape[:dim], weight.shape[dim + 1 :]) == rest
        ]
        for count in range(2, CUTS + 1):
            for sizes in dict.fromkeys(combinations(same, count)):
                if sum(sizes) == size:
                    cut = _slices(whole, dim, sizes)
                    yield from _cut([*wholes[:odd], *cut, *wholes[odd + 1 :]], pieces)
    yield list(wholes)


def _slices(whole: UnpairedWeight, dim: int, sizes: Sequence[int]) -> list[UnpairedWeight]:
    found, start = [], 0
    for size in sizes:
        shape = tuple(size if axis == dim else length for axis, length in enumerate(whole.shape))
        attributes = (("dim", dim), ("start", start), ("stop", start + size))
        view = Node(-1, "slice", "", attributes, (), shape, "", "", "")
        found.append(UnpairedWeight(WeightView(whole.part.name, (*whole.part.views, view)), shape, whole.slot))
        start += size
    return found
