"""Copies of networks and tensors that compute in float64, and operators called in it."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree


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


_WIDER = {torch.float32: torch.float64, torch.complex64: torch.complex128}


def call_in_double(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an operator of torch's on float64 and for float64, where it is called on or for float32; complex likewise.

    A tensor that it writes into, and one of half precision, stay as they are: rounding to fewer digits is part of what
    a network computes.
    """
    if any(argument.alias_info is not None and argument.alias_info.is_write for argument in func._schema.arguments):
        return func(*args, **kwargs)
    args, kwargs = pytree.tree_map(_widened, (args, kwargs))
    result = func(*args, **kwargs)
    if not any(_is_narrow(leaf) for leaf in pytree.tree_leaves(result)):
        return result
    accepts = any(argument.name == "dtype" for argument in func._schema.arguments)
    if accepts and isinstance(result, Tensor) and kwargs.get("dtype") is None:
        result = func(*args, **{**kwargs, "dtype": _WIDER[result.dtype]})  # float32 by default, as a range of numbers
    return pytree.tree_map(_widened, result)


def _is_narrow(value: object) -> bool:
    return isinstance(value, Tensor) and value.dtype in _WIDER


def _widened(value: Any) -> Any:
    if isinstance(value, torch.dtype):
        return _WIDER.get(value, value)
    return doubled(value) if _is_narrow(value) else value
