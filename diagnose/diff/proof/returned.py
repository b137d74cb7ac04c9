"""What else two networks return: numbers and texts that no graph holds, and outputs that changed their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diagnose.diff.capture.results import Results, run
from diagnose.diff.proof.distance import PROOF, distance_between
from diagnose.diff.proof.random_weights import ProofArithmetic, samples
from diagnose.diff.proof.transplant import Transplant, restored_state
from diagnose.networks.process_state import attributes_kept, in_mode
from diagnose.values import InputSpec

MOST = 12
"""Outputs of a network up to which each is held to each of the other's."""


@dataclass(frozen=True, slots=True)
class ReturnedValue:
    """A number or text that the two networks return at one place; None where one returns nothing there.

    `fixed` says that each network returned the same for different inputs.
    """

    place: str
    a: object
    b: object
    fixed: bool


@dataclass(frozen=True, slots=True)
class ReturnedOutputs:
    """The values that differ, and the outputs of A that are, by numbers, another output of B than their partner."""

    values: tuple[ReturnedValue, ...] = ()
    exchanged: tuple[tuple[str, str], ...] = ()


def compare_returned(
    prepared: Transplant, inputs: Sequence[InputSpec], *, seed: int, training: bool
) -> ReturnedOutputs:
    """Compare, with A's weights in B, what the two networks return besides the outputs that the proof compares."""
    generator = torch.Generator().manual_seed(seed + 3)
    drawn = [samples(inputs, generator, prepared.dtype) for _ in range(2)]
    try:
        results = [[_results(module, tensors, training) for tensors in drawn] for module in (prepared.a, prepared.b)]
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError):
        return ReturnedOutputs()  # the proof says what does not run
    pairs = prepared.results[training]
    exchanged = _exchanged(results[0][0], results[1][0], pairs.a, pairs.b)
    return ReturnedOutputs(_unequal(*results), exchanged)


def _results(module: torch.nn.Module, tensors: tuple[Tensor, ...], training: bool) -> Results:
    kept = in_mode(module, training=training), restored_state(module), attributes_kept(module)
    with torch.no_grad(), kept[0], kept[1], kept[2], ProofArithmetic():  # type: ignore[no-untyped-call]
        return run(module, tuple(tensor.clone() for tensor in tensors))


def _unequal(a: Sequence[Results], b: Sequence[Results]) -> tuple[ReturnedValue, ...]:
    """Return the values that differ on any of the inputs, each once."""
    places = dict.fromkeys(place for results in (*a, *b) for place in results.values)
    found = []
    for place in places:
        own, their = [results.values.get(place) for results in a], [results.values.get(place) for results in b]
        apart = next(((x, y) for x, y in zip(own, their, strict=True) if not _equal(x, y)), None)
        if apart is not None:
            fixed = all(_equal(values[0], value) for values in (own, their) for value in values)
            found.append(ReturnedValue(place, *apart, fixed))
    return tuple(found)


def _equal(a: object, b: object) -> bool:
    """Say whether two values are equal, numbers within the tolerance of the proof."""
    numbers = (bool, int, float, complex)
    if isinstance(a, numbers) and isinstance(b, numbers):
        numbers_ab = (torch.tensor(number, dtype=torch.complex128) for number in (a, b))
        return PROOF.holds(distance_between(*numbers_ab))
    return type(a) is type(b) and bool(a == b)


def _exchanged(a: Results, b: Results, places_a: Sequence[str], places_b: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the outputs of A that equal another output of B and not the one at their place."""
    if len(places_a) > MOST:
        return ()
    found = []
    for place_a, partner in zip(places_a, places_b, strict=True):
        if place_a not in a.tensors or partner not in b.tensors or _alike(a.tensors[place_a], b.tensors[partner]):
            continue
        twin = next((place for place in places_b if _alike(a.tensors[place_a], b.tensors.get(place))), None)
        if twin is not None:
            found.append((place_a, twin))
    return tuple(found)


def _alike(a: Tensor, b: Tensor | None) -> bool:
    if b is None or a.numel() < 2 or bool((a == a.flatten()[0]).all()):
        return False  # one number in all places says nothing of where it comes from
    return PROOF.holds(distance_between(a, b))
