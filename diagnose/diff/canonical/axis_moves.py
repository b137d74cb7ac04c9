"""Let an arrangement of axes change places with a slice of its result, or with a layer on the last dim."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from diagnose.diff.canonical.axes import Arrangement, Shape, groups, normal, refined


@dataclass(frozen=True, slots=True)
class Cut:
    """A slice that was moved before an arrangement: `dim` of the source is cut first, then arranged."""

    dim: int
    start: int
    stop: int
    arrangement: Arrangement


def cut_before(source: Shape, arrangement: Arrangement, dim: int, bounds: tuple[int, int]) -> Cut | None:
    """Move a slice of dim `dim` of the result before the arrangement; None if it is no slice of the source."""
    start, stop = bounds
    fine = refined(arrangement, source=source, result=arrangement.shape)
    if fine is None:
        return None
    results, sources = groups(fine.atoms, arrangement.shape), groups(fine.split, source)
    if results is None or sources is None or not results[dim]:
        return None
    inner = prod(fine.atoms[index] for index in results[dim][1:])
    atom = fine.order[results[dim][0]]
    axis = next(index for index, members in enumerate(sources) if atom in members)
    if start % inner or stop % inner or sources[axis][0] != atom:
        return None
    below = prod(fine.split[index] for index in sources[axis][1:])
    low, high = start // inner, stop // inner
    split = tuple(high - low if index == atom else size for index, size in enumerate(fine.split))
    shape = tuple(stop - start if index == dim else size for index, size in enumerate(arrangement.shape))
    return Cut(axis, low * below, high * below, normal(Arrangement(split, fine.order, shape)))


@dataclass(frozen=True, slots=True)
class FrontArrangement:
    """How the last dim of a source is cut into `split` and put into `order`, and the arrangement that then remains."""

    split: Shape
    order: tuple[int, ...]
    arrangement: Arrangement


def fronted(source: Shape, arrangement: Arrangement, dim: int, bounds: tuple[int, int]) -> FrontArrangement | None:
    """Reorder the last dim of the source so that a slice of dim `dim` of the result is a slice of the source.

    The slice takes one of several pieces of equal size: for example the queries, where each head has its own q, k and v
    side by side. None if the pieces are not in the last dim of the source, or are at its front already.
    """
    start, stop = bounds
    length, size = stop - start, arrangement.shape[dim]
    if size % length or start % length:
        return None
    cut = (*arrangement.shape[:dim], size // length, length, *arrangement.shape[dim + 1 :])
    fine = refined(arrangement, source=source, result=cut)
    results = groups(fine.atoms, cut) if fine is not None else None
    sources = groups(fine.split, source) if fine is not None else None
    if fine is None or results is None or sources is None:
        return None
    pieces, last = [fine.order[index] for index in results[dim]], sources[-1]
    if not pieces or not set(pieces) <= set(last) or last[: len(pieces)] == pieces:
        return None
    features = [*pieces, *(atom for atom in last if atom not in pieces)]
    atoms = [*(atom for atom in range(len(fine.split)) if atom not in last), *features]
    left = Arrangement(
        tuple(fine.split[atom] for atom in atoms), tuple(atoms.index(atom) for atom in fine.order), arrangement.shape
    )
    if cut_before(source, left, dim, bounds) is None:
        return None
    order = tuple(last.index(atom) for atom in features)
    return FrontArrangement(tuple(fine.split[atom] for atom in last), order, normal(left))


def with_last(source: Shape, arrangement: Arrangement, size: int) -> Arrangement | None:
    """Return the same arrangement for a tensor whose last dim has another size; None unless that dim stays last."""
    fine = refined(arrangement, source=source, result=arrangement.shape)
    if fine is None or source[-1] != arrangement.shape[-1] or source[-1] == 1:
        return None
    results, sources = groups(fine.atoms, arrangement.shape), groups(fine.split, source)
    if results is None or sources is None or [fine.order[index] for index in results[-1]] != sources[-1]:
        return None
    last = set(sources[-1])
    keep = [index for index in range(len(fine.split)) if index not in last]
    split = (*(fine.split[index] for index in keep), size)
    order = (*(keep.index(index) for index in fine.order if index not in last), len(keep))
    return normal(Arrangement(split, order, (*arrangement.shape[:-1], size)))


@dataclass(frozen=True, slots=True)
class Rows:
    """An arrangement that keeps the leading atoms in the order of the source, and the order that they should have."""

    before: Arrangement
    atoms: Shape
    order: tuple[int, ...]


def rows_in_order(source: Shape, arrangement: Arrangement) -> Rows | None:
    """Return the arrangement with the same last dim that keeps the leading atoms in the order of the source."""
    fine = refined(arrangement, source=source, result=arrangement.shape)
    results = groups(fine.atoms, arrangement.shape) if fine is not None else None
    if fine is None or results is None:
        return None
    last = [fine.order[index] for index in results[-1]]
    lead = [index for index in fine.order if index not in last]
    ordered = sorted(lead)
    merged: list[list[int]] = []
    for index in ordered:
        if merged and merged[-1][-1] + 1 == index:
            merged[-1].append(index)
        else:
            merged.append([index])
    shape = (*(prod(fine.split[index] for index in run) for run in merged), arrangement.shape[-1])
    before = normal(Arrangement(fine.split, (*ordered, *last), shape))
    return Rows(before, tuple(fine.split[index] for index in ordered), tuple(ordered.index(index) for index in lead))
