"""Copies of networks and tensors that compute in float64."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


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
