"""Results that need no kernel: a norm returns what it is given, in shape, type and layout.

PyTorch's own meta kernel of a batch norm runs some eighty Python functions to find that out, which is most of the time
of counting a residual network.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def known_result(name: str, args: Any) -> Tensor | None:
    """Return the result of an operator on the meta device, or None where its kernel must be asked.

    Operands that do not fit are left to the kernel, which refuses them.
    """
    if name == "aten::batch_norm":
        per_channel = [tensor for tensor in args[1:5] if tensor is not None]
        shape = tuple(args[0].shape[1:2])
    elif name == "aten::layer_norm":
        per_channel = [tensor for tensor in args[2:4] if tensor is not None]
        shape = tuple(args[1])
        if tuple(args[0].shape[-len(shape) :]) != shape:
            return None
    else:
        return None
    given: Tensor = args[0]
    fitting = given.is_meta and given.is_floating_point() and given.is_contiguous()
    if not fitting or any(tuple(tensor.shape) != shape or tensor.dtype != given.dtype for tensor in per_channel):
        return None
    return torch.empty_like(given)
