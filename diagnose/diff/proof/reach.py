"""Inputs of other kinds than the proof's: large, small, zero, of one sign, which may take another path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from diagnose.diff.proof.distance import PROOF, distances_between, largest_delta
from diagnose.diff.proof.random_weights import ProofArithmetic, samples
from diagnose.diff.proof.transplant import Transplant, restored_state
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec

KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "a hundred times as large": lambda x: 100.0 * x,
    "ten thousand times as large": lambda x: 1e4 * x,
    "a thousandth as large": lambda x: 1e-3 * x,
    "zeros": torch.zeros_like,
    "positive": torch.abs,
    "negative": lambda x: -x.abs(),
    "far above zero": lambda x: x + 10.0,
    "far below zero": lambda x: x - 10.0,
}
"""What is made of random inputs; whole numbers and truth values stay."""


def first_apart(prepared: Transplant, inputs: Sequence[InputSpec]) -> tuple[str, float] | None:
    """Return the first kind of inputs on which the two networks are apart, in eval mode, and by how much."""
    for kind, tensors in _inputs(prepared, inputs):
        modes = in_mode(prepared.a, training=False), in_mode(prepared.b, training=False)
        states = restored_state(prepared.a), restored_state(prepared.b)
        try:
            with torch.no_grad(), modes[0], modes[1], states[0], states[1], ProofArithmetic():  # type: ignore[no-untyped-call]
                distances = distances_between(*prepared.run(tensors, training=False))
        except Exception:  # any network may refuse any input, in any way
            continue
        if not PROOF.holds(*distances):
            return kind, largest_delta(distances)
    return None


def _inputs(prepared: Transplant, inputs: Sequence[InputSpec]) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    plain = samples(inputs, torch.Generator().manual_seed(29), prepared.dtype)
    for kind, change in KINDS.items():
        yield kind, tuple(change(tensor) if tensor.is_floating_point() else tensor for tensor in plain)
