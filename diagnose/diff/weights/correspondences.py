"""The ways in which weights of A could be some of B's: whole tensors, arranged or cut where their shapes ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, permutations, product
from math import prod

from diagnose.diff.canonical.axes import Arrangement, normal
from diagnose.diff.ir.graph import Node
from diagnose.diff.weights.mapping import Move, Part

ATTEMPTS = 240
"""Correspondences that are tried at most for one group of weights."""

CUTS = 4
"""Pieces at most that one weight is cut into to match several of the other network."""


@dataclass(frozen=True, slots=True)
class Free:
    """A weight without a partner, as a graph reads it."""

    part: Part
    shape: tuple[int, ...]
    slot: str


def correspondences(free_a: Sequence[Free], free_b: Sequence[Free]) -> Iterator[tuple[Move, ...]]:
    """Yield the ways in which A's weights could be B's: each of B's is one of A's, arranged, or pieces are.

    Those under which weights keep their order and their axes come first.
    """
    for ones in _cut(free_a, free_b):
        for others in _cut(free_b, ones):
            yield from _bijections(ones, others)


def _bijections(ones: Sequence[Free], others: Sequence[Free]) -> Iterator[tuple[Move, ...]]:
    if len(ones) != len(others):
        return
    by_numel: dict[int, tuple[list[Free], list[Free]]] = {}
    for side, members in enumerate((ones, others)):
        for each in members:
            by_numel.setdefault(prod(each.shape), ([], []))[side].append(each)
    if any(len(left) != len(right) for left, right in by_numel.values()):
        return
    orders = [
        [tuple(zip(chosen, right, strict=True)) for chosen in islice(permutations(left), ATTEMPTS + 1)]
        for left, right in by_numel.values()
    ]
    for chosen in product(*orders):
        rows = [row for rows in chosen for row in rows]
        ways = [arrangements(one.shape, other.shape) for one, other in rows]
        for way in product(*ways):
            yield tuple(
                Move(_arranged(one, arrangement), other.part)
                for (one, other), arrangement in zip(rows, way, strict=True)
            )


def _arranged(one: Free, arrangement: Arrangement) -> Part:
    if arrangement.shape == one.shape and len(arrangement.order) <= 1:
        return one.part
    attributes = (("order", arrangement.order), ("split", arrangement.split))
    view = Node(-1, "rearrange", "", attributes, (), arrangement.shape, "", "", "")
    return Part(one.part.name, (*one.part.views, view))


def arrangements(one: tuple[int, ...], other: tuple[int, ...]) -> list[Arrangement]:
    """Return the ways to arrange the axes of a weight of one shape as another: permuted and merged, or cut so.

    The plain reshape comes first; none where the shapes do not hold equally many elements.
    """
    if prod(one) != prod(other):
        return []
    kept_one, kept_other = ([size for size in shape if size > 1] for shape in (one, other))
    found: dict[Arrangement, None] = {normal(Arrangement(one, tuple(range(len(one))), other)): None}
    for order in permutations(range(len(kept_one))):
        if _merges([kept_one[axis] for axis in order], kept_other):
            found[normal(Arrangement(tuple(kept_one), order, other))] = None
    for order in permutations(range(len(kept_other))):
        split = tuple(kept_other[axis] for axis in order)
        if _merges(split, kept_one):
            found[normal(Arrangement(split, tuple(order.index(axis) for axis in range(len(order))), other))] = None
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


def _cut(wholes: Sequence[Free], pieces: Sequence[Free]) -> Iterator[list[Free]]:
    """Yield `wholes` with a weight that has no partner of its length cut into pieces of the other side's shapes."""
    numels = {prod(each.shape) for each in pieces}
    odd = next((index for index, each in enumerate(wholes) if prod(each.shape) not in numels), None)
    if odd is None:
        yield list(wholes)
        return
    whole = wholes[odd]
    for dim, size in enumerate(whole.shape):
        rest = whole.shape[:dim], whole.shape[dim + 1 :]
        same = [
            each.shape[dim]
            for each in pieces
            if len(each.shape) > dim and (each.shape[:dim], each.shape[dim + 1 :]) == rest
        ]
        for count in range(2, CUTS + 1):
            for sizes in dict.fromkeys(combinations(same, count)):
                if sum(sizes) == size:
                    cut = _slices(whole, dim, sizes)
                    yield from _cut([*wholes[:odd], *cut, *wholes[odd + 1 :]], pieces)
    yield list(wholes)


def _slices(whole: Free, dim: int, sizes: Sequence[int]) -> list[Free]:
    found, start = [], 0
    for size in sizes:
        shape = tuple(size if axis == dim else length for axis, length in enumerate(whole.shape))
        attributes = (("dim", dim), ("start", start), ("stop", start + size))
        view = Node(-1, "slice", "", attributes, (), shape, "", "", "")
        found.append(Free(Part(whole.part.name, (*whole.part.views, view)), shape, whole.slot))
        start += size
    return found
