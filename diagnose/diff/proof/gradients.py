"""Weights whose gradients differ although the outputs are equal: what differs in training alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from diagnose.diff.proof.distance import PROOF, distance_between, distances_between
from diagnose.diff.proof.random_weights import samples, state_of
from diagnose.diff.proof.transplant import Transplant, gradient_of, restored_state, step
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec


@dataclass(frozen=True, slots=True)
class GradientDifference:
    """A matched weight whose gradient differs: the largest |Δ|, and what B's is over A's where that is one number."""

    a: str
    b: str
    delta: float
    ratio: float | None


def gradient_differences(
    prepared: Transplant, inputs: Sequence[InputSpec], *, seed: int = 0
) -> tuple[GradientDifference, ...]:
    """Return the weights whose gradients differ; nothing where the outputs in train mode do, or cannot be run."""
    tensors = samples(inputs, torch.Generator().manual_seed(seed + 1), prepared.dtype)
    modes = in_mode(prepared.a, training=True), in_mode(prepared.b, training=True)
    states = restored_state(prepared.a), restored_state(prepared.b)
    with modes[0], modes[1], states[0], states[1]:
        try:
            outputs = distances_between(*step(prepared, tensors, 0))
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError):
            return ()
        return _differing(prepared) if PROOF.holds(*outputs) else ()


def _differing(prepared: Transplant) -> tuple[GradientDifference, ...]:
    state_a, state_b = state_of(prepared.a), state_of(prepared.b)
    scale = max((float(t.grad.abs().max()) for t in state_a.values() if t.grad is not None), default=0.0)
    found: dict[tuple[str, str], GradientDifference] = {}
    for match in prepared.moved:
        left, right = state_a[match.a.name], state_b[match.b.name]
        if left.requires_grad and right.requires_grad:
            a, b = match.a.read(gradient_of(left)), match.b.read(gradient_of(right))
            distance = distance_between(a, b, scale=scale)
            if not PROOF.holds(distance):
                names = match.a.name, match.b.name
                found.setdefault(names, GradientDifference(*names, distance.delta, _ratio(a, b)))
    return tuple(found.values())


def _ratio(a: torch.Tensor, b: torch.Tensor) -> float | None:
    """Return b / a where it is one number all over."""
    if a.shape != b.shape or not float(a.norm()):
        return None
    ratio = float((a * b).sum() / (a * a).sum())
    return ratio if float((b - ratio * a).norm()) <= 1e-6 * float(a.norm()) else None
