"""Compute the operations of the table that a single function of torch's does not compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from diagnose.diff.ir.graph import Node

_DTYPES = {"dtype"}


def call_aten(node: Node, inputs: Sequence[Any]) -> Any:
    """Call the operator of torch's that a node is named after, its attributes as arguments."""
    name, _, overload = node.op.partition(".")
    operator = getattr(getattr(torch.ops.aten, name), overload or "default")
    accepted = {argument.name for argument in operator._schema.arguments}
    arguments = _tensors(node.get("slots") or (), inputs)
    for key, value in node.attributes:
        if key in accepted and key != "slots":
            arguments[key] = getattr(torch, value) if key in _DTYPES and isinstance(value, str) else value
    if "cudnn_enabled" in accepted:
        arguments["cudnn_enabled"] = False
    for argument in operator._schema.arguments:
        if "Optional" in str(argument.type) and not argument.has_default_value():
            arguments.setdefault(argument.name, None)
    return operator(**arguments)


def _tensors(slots: Sequence[tuple[str, str]], inputs: Sequence[Any]) -> dict[str, Any]:
    remaining = iter(inputs)
    arguments: dict[str, Any] = {}
    for name, pattern in slots:
        if pattern.startswith("["):
            arguments[name] = [next(remaining) if mark == "t" else None for mark in pattern[1:-1]]
        else:
            arguments[name] = next(remaining)
    return arguments


def clamp(node: Node, inputs: Sequence[Tensor]) -> Any:
    """Bound x; the gradient at the bounds is that of the call that was written."""
    x, gradient = inputs[0], node.get("~gradient")
    low, high = (0, None) if node.op == "relu" else (node.get("min"), node.get("max"))
    if gradient is None and node.op == "clamp":
        return call_aten(node, inputs)  # the bounds may be tensors
    if not x.is_floating_point():
        return torch.clamp(x, low, high)
    if gradient == "0":
        if high is None:
            return torch.relu(x) if low == 0 else torch.clamp(x, min=low)
        infinity = float("inf")
        return torch.nn.functional.hardtanh(x, -infinity if low is None else low, high)
    if gradient == "1/2":
        bound = low if low is not None else high
        limit = torch.full_like(x, float(bound or 0.0))
        return torch.maximum(x, limit) if low is not None else torch.minimum(x, limit)
    return torch.clamp(x, min=low, max=high)


def add_all(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Add any number of values."""
    total = inputs[0]
    for value in inputs[1:]:
        total = total + value
    return total


def multiply_all(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Multiply any number of values."""
    total = inputs[0]
    for value in inputs[1:]:
        total = total * value
    return total


def reduce_over(node: Node, inputs: Sequence[Tensor]) -> Any:
    """Take the mean or sum over the dims `over`; without `over`, call torch's own operator."""
    over = node.get("over")
    if over is None:
        return call_aten(node, inputs)
    return inputs[0].mean(over) if node.op == "mean" else inputs[0].sum(over)


def cut(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Cut the elements from `start` to `stop` out of one dim."""
    return inputs[0].narrow(node.get("dim"), node.get("start"), node.get("stop") - node.get("start"))


def arrange(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Cut the axes of a value, permute them, and merge them."""
    return inputs[0].reshape(node.get("split")).permute(node.get("order")).reshape(node.shape)


def write_view(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Return a value with another one written into a view of it."""
    result = inputs[0].clone()
    attributes = tuple((key, value) for key, value in node.attributes if key != "view")
    view = call_aten(Node(node.id, str(node.get("view")), "", attributes, (), ()), (result,))
    view.copy_(inputs[1])
    return result


def attend(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Compute scaled dot-product attention; its dropout keeps everything."""
    query, key, value, *masks = inputs
    mask = masks[0] if masks else None
    if mask is not None and mask.dim() < 2:  # one of the keys alone, whose first dims are gone
        mask = mask.reshape(1, -1)
    result = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, mask, is_causal=node.get("is_causal"), scale=node.get("scale")
    )
    return torch.div(result, 1.0 - node.get("dropout_p"))


def filled(node: Node, value: float) -> Tensor:
    """Return a tensor of a node's shape that holds one number."""
    floating = node.dtype.startswith(("float", "bfloat"))
    return torch.full(node.shape, value, dtype=torch.float64 if floating else getattr(torch, node.dtype))


def keep_all(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Compute a dropout that drops nothing, and scales by 1 / (1 − p)."""
    rate = float(node.get("p") or 0.0)
    return inputs[0] / (1.0 - rate) if rate < 1.0 else inputs[0] * 0.0


def middle(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Fill a tensor with the middle of the interval that a uniform draw is from."""
    return filled(node, (float(node.get("from", 0.0)) + float(node.get("to", 1.0))) / 2)
