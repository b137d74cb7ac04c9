"""Constants that a network holds among its weights: what neither network changes is compared by value.

A table of positions, a filter bank, the mean and deviation of the input: a transplant would hide that they differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diagnose.diff.proof.distance import distance_between, real_parts, same_constants
from diagnose.diff.weights.initial import NOISE
from diagnose.diff.weights.mapping import WeightMatch
from diagnose.diff.weights.state_kinds import StateKind, constants_of

FEW = 16
"""Numbers below which nothing is said of the distribution that they were drawn from."""


@dataclass(frozen=True, slots=True)
class ConstantDifference:
    """A constant of A and the one of B that stands at its place, with other values.

    `ratio` is what B's are over A's where that is one number, `shift` what B's are above A's; `axis` and `order` say
    that B has A's slices along an axis in another order, `permuted` that it has the same numbers at other places.
    `drawn` says that both look like draws from one distribution, `few` that they are too few numbers to tell; those of
    one layer (a bias beside its weights) are judged together.
    """

    a: str
    b: str
    delta: float
    largest: float
    ratio: float | None = None
    shift: float | None = None
    axis: int | None = None
    order: tuple[int, ...] = ()
    permuted: bool = False
    drawn: bool = False
    parameters: bool = False
    few: bool = False


def constant_differences(
    matches: Iterable[WeightMatch],
    states: tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
    kinds: tuple[dict[str, StateKind], dict[str, StateKind]],
) -> tuple[ConstantDifference, ...]:
    """Compare by value the matched tensors that are constants in both networks."""
    fixed_a, fixed_b = constants_of(kinds[0]), constants_of(kinds[1])
    found: dict[tuple[str, str], ConstantDifference] = {}
    for match in matches:
        if match.a.name in fixed_a and match.b.name in fixed_b:
            a, b = match.a.read(states[0][match.a.name].detach()), match.b.read(states[1][match.b.name].detach())
            names = match.a.name, match.b.name
            frozen = StateKind.FROZEN in (kinds[0][names[0]], kinds[1][names[1]])
            difference = compare_constants(a, b, names, parameters=frozen)
            if difference is not None:
                found.setdefault(names, difference)
    layers = {_owner(difference.a) for difference in found.values() if difference.drawn and difference.parameters}
    return tuple(
        replace(difference, drawn=difference.drawn or (difference.few and _owner(difference.a) in layers))
        for difference in found.values()
    )


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def compare_constants(
    a: Tensor, b: Tensor, names: tuple[str, str], *, parameters: bool = False
) -> ConstantDifference | None:
    """Return how two constants of one shape differ; None where they do not."""
    x, y = real_parts(a), real_parts(b)
    if x.shape != y.shape or not x.numel():
        return None
    if same_constants(x, y):
        return None
    distance = distance_between(x, y).worst(distance_between(y, x))
    axis, order = _reordered(x, y)
    return ConstantDifference(
        *names, distance.delta, distance.largest, _ratio(x, y), _shift(x, y), axis, order,
        permuted=bool(torch.equal(x.flatten().sort().values, y.flatten().sort().values)),
        drawn=_drawn_alike(x, y), parameters=parameters, few=parameters and x.numel() < FEW,
    )  # fmt: skip


def kept_values(
    matches: Iterable[WeightMatch],
    states: tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
    kinds: tuple[dict[str, StateKind], dict[str, StateKind]],
    temporary: tuple[set[str], set[str]],
) -> tuple[set[str], set[str]]:
    """Return the names in A and in B whose values a proof keeps, where it fills all others at random.

    Kept are buffers that nobody changes, frozen tables that differ, and what no checkpoint holds (`temporary`). A
    buffer that holds one number all over waits for a checkpoint (a frozen norm) and is filled, if B's is the same.
    """
    matches = tuple(matches)
    constants = constants_of(kinds[0]), constants_of(kinds[1])
    apart = {(found.a, found.b): found for found in constant_differences(matches, states, kinds)}
    partners = {match.b.name: match.a.name for match in matches}
    back = {match.a.name: match.b.name for match in matches}
    kept: tuple[set[str], set[str]] = set(temporary[0]), set(temporary[1])
    for side, (own, names) in enumerate(zip(kinds, constants, strict=True)):
        for name in names:
            pair = (name, back.get(name, "")) if side == 0 else (partners.get(name, ""), name)
            partner = pair[1 - side]
            difference = apart.get(pair)
            if own[name] is StateKind.FROZEN:
                keep = difference is not None and not difference.drawn
            elif partner and partner not in constants[1 - side]:
                keep = side == 0
            else:
                keep = not partner or difference is not None or not _is_one_number(states[side][name])
            if keep:
                kept[side].add(name)
    return kept


def _is_one_number(tensor: Tensor) -> bool:
    return bool((tensor == tensor.flatten()[:1]).all())


def _ratio(x: Tensor, y: Tensor) -> float | None:
    """Return y / x where it is one number all over."""
    nonzero = x != 0
    if not bool(nonzero.any()) or bool((y[~nonzero] != 0).any()):
        return None
    ratios = y[nonzero] / x[nonzero]
    middle = float(ratios.median())
    return middle if bool(((ratios - middle).abs() <= 1e-5 * abs(middle)).all()) and middle else None


def _shift(x: Tensor, y: Tensor) -> float | None:
    """Return y − x where it is one number all over."""
    apart = y - x
    middle = float(apart.median())
    return middle if bool(((apart - middle).abs() <= 1e-5 * abs(middle)).all()) else None


def _reordered(x: Tensor, y: Tensor) -> tuple[int | None, tuple[int, ...]]:
    """Return the axis along which y has the slices of x in another order, and that order; (None, ()) where it has not.

    The order says for each slice of y which one of x it is.
    """
    for axis in range(x.ndim):
        if x.shape[axis] < 2:
            continue
        slices = [tuple(part.flatten().tolist()) for part in x.unbind(axis)]
        place = {values: index for index, values in enumerate(slices)}
        order = [place.get(tuple(part.flatten().tolist())) for part in y.unbind(axis)]
        if len(place) == len(slices) == len(set(order)) and None not in order:
            return axis, tuple(index for index in order if index is not None)
    return None, ()


def _drawn_alike(x: Tensor, y: Tensor) -> bool:
    """Say whether two tensors look like independent draws from one distribution: equal moments, and not correlated."""
    n = x.numel()
    if n < FEW or bool(torch.equal(x.flatten().sort().values, y.flatten().sort().values)):
        return False
    spread = float(x.std()), float(y.std())
    if min(spread) == 0.0 or not all(map(torch.isfinite, (x.sum(), y.sum()))):
        return False
    error = NOISE / n**0.5
    correlation = float(((x - x.mean()) * (y - y.mean())).mean()) / (spread[0] * spread[1])
    means = abs(float(x.mean() - y.mean())) / max(spread)
    return bool(max(abs(spread[1] / spread[0] - 1.0), abs(correlation), means) < error)
