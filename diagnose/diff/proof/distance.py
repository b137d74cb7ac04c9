"""How far two tensors are apart, and the tolerance that this is held to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two tensors are apart: the largest |Δ|, and the largest |value| of the first one.

    `scale` is the size of the values that the tensors are compared among; an absolute tolerance grows with it.
    """

    delta: float = 0.0
    largest: float = 0.0
    scale: float = 1.0

    @property
    def relative(self) -> float:
        """Return the largest |Δ| over the largest |value|."""
        if not self.delta:
            return 0.0
        return self.delta / self.largest if self.largest else float("inf")

    def worst(self, distance: Distance) -> Distance:
        """Return the larger of two distances of one value, number by number."""
        return Distance(
            max(self.delta, distance.delta), max(self.largest, distance.largest), max(self.scale, distance.scale)
        )


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a distance is held to: |Δ| ≤ atol · max(scale, largest) + rtol · largest."""

    atol: float
    rtol: float

    def holds(self, *distances: Distance) -> bool:
        """Say whether all distances are within the tolerance."""
        return all(
            distance.delta <= self.atol * max(distance.scale, distance.largest) + self.rtol * distance.largest
            for distance in distances
        )


PROOF = Tolerance(1e-9, 1e-6)
"""Two networks in float64 that compute one function in different ways."""


def distance_between(a: Tensor, b: Tensor, *, scale: float = 1.0) -> Distance:
    """Compare two tensors; other shapes, and NaN in one alone, are infinitely far from each other."""
    if a.shape != b.shape:
        return Distance(float("inf"))
    if not a.numel():
        return Distance()
    a, b = real_parts(a), real_parts(b)
    if a.shape != b.shape:
        return Distance(float("inf"))
    same = (a == b) | (a.isnan() & b.isnan())
    delta = float(torch.where(same, 0.0, (a - b).abs()).nan_to_num(float("inf")).max())
    return Distance(delta, float(a.abs().nan_to_num(0.0, 0.0, 0.0).max()), max(1.0, scale))


def real_parts(tensor: Tensor) -> Tensor:
    """Return a tensor in float64, a complex one with its real and imaginary parts along a last axis."""
    tensor = tensor.detach()
    return torch.view_as_real(tensor.resolve_conj().to(torch.complex128)) if tensor.is_complex() else tensor.double()


def distances_between(tensors_a: Iterable[Tensor], tensors_b: Iterable[Tensor]) -> list[Distance]:
    """Compare tensors one by one; where one side has more of them, they are infinitely far from each other."""
    tensors_a, tensors_b = list(tensors_a), list(tensors_b)
    if len(tensors_a) != len(tensors_b):
        return [Distance(float("inf"))]
    return [distance_between(a, b) for a, b in zip(tensors_a, tensors_b, strict=True)]


def largest_delta(distances: Iterable[Distance]) -> float:
    """Return the largest |Δ| among distances, 0 where there are none."""
    return max((distance.delta for distance in distances), default=0.0)


ROUNDING = 2e-6
"""|Δ| over the largest value up to which two constants are the same: what rounding in float32 leaves."""


def same_constants(a: Tensor, b: Tensor) -> bool:
    """Say whether two tensors of values hold the same numbers, but for rounding in float32."""
    if a.shape != b.shape or a.is_meta or b.is_meta:
        return False
    distance = distance_between(a, b).worst(distance_between(b, a))
    return distance.delta <= ROUNDING * distance.largest
