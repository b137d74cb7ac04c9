"""The degree of a network as a polynomial of its input: restricted to a line x₀ + t·d, in float64, eval mode.

    g(t) = f(x₀ + t·d)

A map that is a polynomial of degree n in its input is one of degree at most n in t, and of exactly n for almost every
direction d. A block's degree is fitted and tested at held-out points; a whole network's would need a fit of too high a
degree, so it is read off the growth log₂(‖g(2t)‖ / ‖g(t)‖), which tends to n.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

HIGHEST = 4
"""Highest degree that is fitted."""

NODES, HELD_OUT = HIGHEST + 1, 3
"""Points that are fitted, and points between them at which the fit is tested."""

PROJECTED = 32
"""Random linear combinations that stand for a larger output: they have its degree, for almost every draw."""

FITS = 1e-9
"""Largest residual at the held-out points, relative to the largest value there, of a polynomial of the degree."""

MISSES = 1e-6
"""Smallest such residual of what is no polynomial of the degree; between the two nothing is concluded."""

STEADY = 0.05
"""How close to a whole number the growth rate must come, and stay over the last two doublings."""

DOUBLINGS = 60

Line = Callable[[float], Tensor]
"""t ↦ g(t), any shape, float64."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The smallest degree that fits at held-out points, None where none up to `HIGHEST` does.

    `residuals` holds the relative residual of each degree from 0 on. `decided` is False where one lies between
    `FITS` and `MISSES`, or g is zero.
    """

    degree: int | None
    residuals: tuple[float, ...]
    decided: bool


@dataclass(frozen=True, slots=True)
class Growth:
    """How g grows: the rate at each t, up to the last before it overflows; `degree` is None where it is not steady."""

    rates: tuple[tuple[float, float], ...]
    degree: int | None


def fit(line: Line) -> Fit:
    """Fit polynomials of rising degree at Chebyshev nodes of [-1, 1] and test them between these."""
    nodes = torch.cos(math.pi * (torch.arange(NODES, dtype=torch.float64) + 0.5) / NODES)
    held_out = torch.linspace(-0.8, 0.75, HELD_OUT, dtype=torch.float64)
    values, expected = _combined(line, nodes), _combined(line, held_out)
    scale = float(expected.abs().max())
    if not math.isfinite(scale) or scale == 0 or not bool(values.isfinite().all()):
        return Fit(None, (), decided=False)
    residuals: list[float] = []
    for degree in range(HIGHEST + 1):
        coefficients = torch.linalg.lstsq(_basis(nodes, degree), values).solution
        residuals.append(float((_basis(held_out, degree) @ coefficients - expected).abs().max()) / scale)
        if residuals[-1] <= FITS:
            return Fit(degree, tuple(residuals), decided=all(residual >= MISSES for residual in residuals[:-1]))
    return Fit(None, tuple(residuals), decided=min(residuals) >= MISSES)


def _combined(line: Line, points: Tensor) -> Tensor:
    """Return g at the points, (len(points), outputs), a large output combined to `PROJECTED` numbers."""
    values = torch.stack([line(float(t)).reshape(-1) for t in points])
    if values.shape[1] <= PROJECTED:
        return values
    generator = torch.Generator().manual_seed(0)
    return values @ torch.randn(values.shape[1], PROJECTED, generator=generator, dtype=torch.float64)


def _basis(points: Tensor, degree: int) -> Tensor:
    """Return the Chebyshev polynomials T₀ … T_degree at the points, (len(points), degree + 1)."""
    return torch.cos(torch.arange(degree + 1, dtype=torch.float64) * torch.arccos(points)[:, None])


def growth(line: Line) -> Growth:
    """Double t until g overflows, and return the growth rates with the degree that they tend to.

    The rate at t errs by a/t + O(1/t²), so twice the rate at 2t less that at t errs by O(1/t²) alone.
    """
    rates: list[tuple[float, float]] = []
    before = _norm(line, 1.0)
    for doubling in range(DOUBLINGS):
        t = 2.0**doubling
        after = _norm(line, 2 * t)
        if not (math.isfinite(before) and math.isfinite(after)) or before <= 0 or after <= 0:
            break
        rates.append((t, math.log2(after) - math.log2(before)))
        before = after
    return Growth(tuple(rates), _steady([rate for _, rate in rates]))


def _norm(line: Line, t: float) -> float:
    """Return ‖g(t)‖; scaled by the largest value first, as its square would overflow long before."""
    value = line(t)
    largest = float(value.abs().max())
    if not math.isfinite(largest) or largest == 0:
        return largest
    return largest * float(torch.linalg.vector_norm(value / largest))


def _steady(rates: list[float]) -> int | None:
    """Return the whole number that the extrapolated rates reach, None where they reach none."""
    better = [2 * late - early for early, late in pairwise(rates)]
    if len(better) < 2:
        return None
    whole = round(better[-1])
    return whole if all(abs(rate - whole) <= STEADY for rate in better[-2:]) else None
