"""The algebra of axes: any chain of reshapes and permutations is one *arrangement* of atomic axes.

An arrangement reads a tensor as `split` (its flat order cut into atoms), permutes the atoms by `order` and merges them
into `shape`: `x.reshape(split).permute(order).reshape(shape)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How a tensor's axes are cut, permuted and merged."""

    split: Shape
    order: tuple[int, ...]
    shape: Shape

    @property
    def atoms(self) -> Shape:
        """The atoms in the order of the result."""
        return tuple(self.split[index] for index in self.order)


def refinement(shape_a: Shape, shape_b: Shape) -> Shape | None:
    """Return the fewest factors into which the sizes of both shapes can be cut, in order; None if there are none."""
    boundaries = sorted({*_suffixes(shape_a), *_suffixes(shape_b)})
    factors: list[int] = []
    previous = 1
    for boundary in boundaries:
        if boundary % previous:
            return None
        factors.append(boundary // previous)
        previous = boundary
    return tuple(reversed(factors))


def _suffixes(factors: Shape) -> list[int]:
    products, running = [], 1
    for factor in reversed(factors):
        running *= factor
        products.append(running)
    return [product for product in products if product > 1]


def groups(factors: Shape, sizes: Shape) -> list[list[int]] | None:
    """Return for each of `sizes` the indices of the consecutive `factors`, all above 1, whose product it is."""
    result: list[list[int]] = []
    position = 0
    for size in sizes:
        members: list[int] = []
        while prod(factors[index] for index in members) < size:
            if position == len(factors):
                return None
            members.append(position)
            position += 1
        if prod(factors[index] for index in members) != size:
            return None
        result.append(members)
    return result if position == len(factors) else None


def refined(arrangement: Arrangement, source: Shape | None = None, result: Shape | None = None) -> Arrangement | None:
    """Cut the atoms so that each dim of `source`, and of `result`, is made of whole atoms; None if impossible."""
    split, order = arrangement.split, arrangement.order
    if source is not None:
        factors = refinement(split, source)
        parts = None if factors is None else groups(factors, tuple(size for size in split if size > 1))
        if factors is None or parts is None:
            return None
        by_atom = iter(parts)
        pieces = [next(by_atom) if size > 1 else [] for size in split]
        split, order = factors, tuple(piece for index in order for piece in pieces[index])
    if result is not None:
        atoms = tuple(split[index] for index in order)
        factors = refinement(atoms, result)
        parts = None if factors is None else groups(factors, tuple(size for size in atoms if size > 1))
        if factors is None or parts is None:
            return None
        by_atom = iter(parts)
        cut = {index: tuple(factors[part] for part in next(by_atom)) for index in order if split[index] > 1}
        starts: dict[int, int] = {}
        new_split: list[int] = []
        for index, size in enumerate(split):
            starts[index] = len(new_split)
            new_split += list(cut[index]) if size > 1 else []
        order = tuple(
            starts[index] + offset for index in order if split[index] > 1 for offset in range(len(cut[index]))
        )
        split = tuple(new_split)
    return Arrangement(split, order, arrangement.shape)


def normal(arrangement: Arrangement) -> Arrangement:
    """Drop atoms of size 1 and merge atoms that stay neighbours, so that equal arrangements are equal values."""
    kept = [index for index in arrangement.order if arrangement.split[index] > 1]
    runs: list[list[int]] = []
    sized = [index for index, size in enumerate(arrangement.split) if size > 1]
    following = dict(pairwise(sized))
    for index in kept:
        if runs and following.get(runs[-1][-1]) == index:
            runs[-1].append(index)
        else:
            runs.append([index])
    by_source = sorted(range(len(runs)), key=lambda run: runs[run][0])
    split = tuple(prod(arrangement.split[index] for index in runs[run]) for run in by_source)
    order = tuple(by_source.index(run) for run in range(len(runs)))
    return Arrangement(split, order, arrangement.shape)


def composed(first: Arrangement, second: Arrangement) -> Arrangement | None:
    """Return the arrangement that does `first` and then `second`; None if their atoms do not fit together."""
    inner = refined(first, result=second.split)
    two = refined(second, source=first.atoms)
    if inner is None or two is None or inner.atoms != two.split:
        return None
    return normal(Arrangement(inner.split, tuple(inner.order[index] for index in two.order), second.shape))


def reshaped(source: Shape, shape: Shape) -> Arrangement:
    """Return the arrangement of a plain reshape."""
    return normal(Arrangement(source, tuple(range(len(source))), shape))


def permuted(source: Shape, order: tuple[int, ...]) -> Arrangement:
    """Return the arrangement of a permutation of axes."""
    return normal(Arrangement(source, order, tuple(source[index] for index in order)))


def channels_last(source: Shape) -> Arrangement:
    """Return the arrangement (N, C, …) → (N, …, C)."""
    return permuted(source, (0, *range(2, len(source)), 1))


def channels_first(source: Shape) -> Arrangement:
    """Return the arrangement (N, …, C) → (N, C, …)."""
    return permuted(source, (0, len(source) - 1, *range(1, len(source) - 1)))
