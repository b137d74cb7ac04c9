"""What a comparison says of other sizes of the input: a size may enter the computation as a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from diagnose.diff.proof.distance import PROOF, distances_between
from diagnose.diff.proof.random_weights import ProofArithmetic, samples
from diagnose.diff.proof.transplant import Transplant, outputs, restored_state
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec, SizeOutcome, SizeTrial

MOST = 1 << 18
"""Elements of an input up to which twice its size is tried, too."""


def try_sizes(prepared: Transplant, inputs: Sequence[InputSpec]) -> tuple[SizeTrial, ...]:
    """Run both networks with A's weights in B, in eval mode, at larger sizes; one that neither accepts is left out."""
    trials = []
    for larger in larger_sizes(inputs):
        outcome = _tried(prepared, larger)
        if outcome is not None:
            trials.append(SizeTrial(tuple(map(str, larger)), outcome))
    return tuple(trials)


def larger_sizes(inputs: Sequence[InputSpec]) -> list[tuple[InputSpec, ...]]:
    """Return inputs of larger sizes: each axis behind the second a bit larger, or twice as large, and the second one.

    The second axis is a length in (N, L) and (N, L, D) alone; a network of another layout refuses it.
    """
    several = [_grown(inputs, 1, 3)]
    if max((prod(spec.shape) for spec in inputs), default=0) <= MOST:
        several.append(_grown(inputs, 2, 0))
    several.append(tuple(replace(spec, shape=_longer(spec.shape)) for spec in inputs))
    return [larger for larger in dict.fromkeys(several) if larger != tuple(inputs)]


def _grown(inputs: Sequence[InputSpec], factor: int, more: int) -> tuple[InputSpec, ...]:
    return tuple(
        replace(spec, shape=(*spec.shape[:2], *(factor * size + more for size in spec.shape[2:]))) for spec in inputs
    )


def _longer(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], shape[1] + 3, *shape[2:]) if len(shape) in (2, 3) else shape


def _tried(prepared: Transplant, inputs: Sequence[InputSpec]) -> SizeOutcome | None:
    tensors = samples(inputs, torch.Generator().manual_seed(23), prepared.dtype)
    pairs = prepared.results.get(False) or next(iter(prepared.results.values()))
    found: list[list[Tensor] | None] = []
    for module, places in ((prepared.a, pairs.a), (prepared.b, pairs.b)):
        kept = in_mode(module, training=False), restored_state(module)
        try:
            with torch.no_grad(), kept[0], kept[1], ProofArithmetic():  # type: ignore[no-untyped-call]
                found.append(outputs(module, tensors, places))
        except Exception:  # any network may refuse another size, in any way
            found.append(None)
    a, b = found
    if a is None or b is None:
        return None if a is b else (SizeOutcome.A_ALONE if b is None else SizeOutcome.B_ALONE)
    return SizeOutcome.EQUAL if PROOF.holds(*distances_between(a, b)) else SizeOutcome.APART
