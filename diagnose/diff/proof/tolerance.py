"""Two runs in float64: copies of networks that compute in it, and what the difference of two tensors is held to."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ATOL, RTOL = 1e-9, 1e-6
"""What two float64 runs are held to: |Δ| ≤ atol · max(1, largest) + rtol · largest value of the tensor."""


@dataclass(slots=True)
class LargestDifference:
    """The largest |Δ| so far, by itself and over its tensor's largest value, and whether all were within tolerance."""

    delta: float = 0.0
    within: bool = True
    relative: float = 0.0

    def see(self, a: Tensor, b: Tensor, scale: float = 0.0) -> None:
        """Compare two tensors; other shapes, and NaN in one alone, are outside any tolerance."""
        if a.shape != b.shape:
            self.delta, self.within, self.relative = float("inf"), False, float("inf")
            return
        if not a.numel():
            return
        a, b = real_parts(a), real_parts(b)
        if a.shape != b.shape:
            self.delta, self.within, self.relative = float("inf"), False, float("inf")
            return
        same = (a == b) | (a.isnan() & b.isnan())
        delta = float(torch.where(same, 0.0, (a - b).abs()).nan_to_num(float("inf")).max())
        largest = float(a.abs().nan_to_num(0.0, 0.0, 0.0).max())
        self.delta = max(self.delta, delta)
        if delta:
            self.relative = max(self.relative, delta / largest if largest else float("inf"))
        self.within &= delta <= ATOL * max(1.0, scale, largest) + RTOL * largest


def in_double(module: nn.Module) -> nn.Module:
    """Return a copy of a module in float64, complex numbers in complex128; hooks on gradients are copied, too."""
    twin: nn.Module = copy.deepcopy(module)
    twin._apply(doubled)  # type: ignore[no-untyped-call]
    for parameter, copied in zip(module.parameters(), twin.parameters(), strict=True):
        if copied.requires_grad and not copied._backward_hooks:
            for hook in (parameter._backward_hooks or {}).values():
                copied.register_hook(hook)  # type: ignore[no-untyped-call]
    return twin


def doubled(tensor: Tensor) -> Tensor:
    """Return a tensor in float64 or complex128; whole numbers and truth values stay what they are."""
    if tensor.is_complex():
        return tensor.to(torch.complex128)
    return tensor.double() if tensor.is_floating_point() else tensor


def real_parts(tensor: Tensor) -> Tensor:
    """Return a tensor in float64, a complex one with its real and imaginary parts along a last axis."""
    tensor = tensor.detach()
    return torch.view_as_real(tensor.resolve_conj().to(torch.complex128)) if tensor.is_complex() else tensor.double()
