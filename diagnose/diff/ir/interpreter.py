"""Run the nodes of a graph on numbers: the meaning of every operation of the canonical form.

Random operations take the sample in which everything survives: a dropout scales by 1/(1 − p), a Bernoulli draw is 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from diagnose.diff.canonical.builder import base
from diagnose.diff.ir.graph import Node

_DTYPES = {"dtype"}


@dataclass(slots=True)
class Execution:
    """What an execution fills in: the running statistics after each norm, by node id."""

    statistics: dict[int, tuple[Tensor, ...]] = field(default_factory=dict)


def evaluate(node: Node, inputs: Sequence[Tensor], constants: Mapping[str, Tensor], run: Execution) -> Any:
    """Return the value of one node, or a tuple of values, from those of its inputs.

    Raises:
        RuntimeError, TypeError, ValueError, IndexError: torch refuses the operation on these inputs.
    """
    if node.op == "constant":
        return constants[str(node.get("digest"))]
    if base(node.op) in ("batch_norm", "instance_norm", "native_batch_norm"):
        return _norm(node, inputs, run)
    if node.op in OPERATIONS:
        return OPERATIONS[node.op](node, inputs)
    if base(node.op) in SAMPLES:
        return SAMPLES[base(node.op)](node, inputs)
    return _aten(node, inputs)


def _aten(node: Node, inputs: Sequence[Any]) -> Any:
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


def _norm(node: Node, inputs: Sequence[Tensor], run: Execution) -> Any:
    """Run a norm on copies of its running statistics and keep what they become."""
    names = [name for name, _ in node.get("slots")]
    values = [value.detach().clone() if name.startswith("running") else value
              for name, value in zip(names, inputs, strict=True)]  # fmt: skip
    attributes = tuple((k, 0.0 if k == "momentum" and v is None else v) for k, v in node.attributes)
    result = _aten(Node(node.id, node.op, "", attributes, node.inputs, node.shape), values)
    run.statistics[node.id] = tuple(
        value for name, value in zip(names, values, strict=True) if name.startswith("running")
    )
    return result


def _clamp(node: Node, x: Tensor) -> Tensor:
    """Bound x, with the gradient at the bounds that was written."""
    low, high = (0.0, None) if node.op == "relu" else (node.get("min"), node.get("max"))
    if node.get("~gradient") == "0":
        if high is None:
            return torch.relu(x) if low == 0 else torch.clamp(x, min=low)
        infinity = float("inf")
        return torch.nn.functional.hardtanh(x, -infinity if low is None else low, high)
    if node.get("~gradient") == "1/2":
        bound = low if low is not None else high
        limit = torch.full_like(x, float(bound or 0.0))
        return torch.maximum(x, limit) if low is not None else torch.minimum(x, limit)
    return torch.clamp(x, min=low, max=high)


def _sum(values: Sequence[Tensor]) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _product(values: Sequence[Tensor]) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = total * value
    return total


def _write_view(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    result = inputs[0].clone()
    attributes = tuple((key, value) for key, value in node.attributes if key != "view")
    view = _aten(Node(node.id, str(node.get("view")), "", attributes, (), ()), (result,))
    view.copy_(inputs[1])
    return result


def _attention(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    query, key, value, *mask = inputs
    result = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, mask[0] if mask else None, is_causal=node.get("is_causal"), scale=node.get("scale")
    )
    return torch.div(result, 1.0 - node.get("dropout_p"))


def _filled(node: Node, value: float) -> Tensor:
    floating = node.dtype.startswith(("float", "bfloat"))
    return torch.full(node.shape, value, dtype=torch.float64 if floating else getattr(torch, node.dtype))


OPERATIONS: dict[str, Callable[[Node, Sequence[Any]], Any]] = {
    "add": lambda node, x: _sum(x),
    "mul": lambda node, x: _product(x),
    "div": lambda node, x: x[0] / x[1],
    "scale": lambda node, x: x[0] * node.get("factor"),
    "shift": lambda node, x: x[0] + node.get("amount"),
    "power": lambda node, x: x[0] ** node.get("exponent"),
    "relu": lambda node, x: _clamp(node, x[0]),
    "clamp": lambda node, x: _clamp(node, x[0]) if node.get("~gradient") is not None else _aten(node, x),
    "maximum": lambda node, x: torch.maximum(x[0], x[1]),
    "minimum": lambda node, x: torch.minimum(x[0], x[1]),
    "sigmoid": lambda node, x: torch.sigmoid(x[0]),
    "tanh": lambda node, x: torch.tanh(x[0]),
    "erf": lambda node, x: torch.erf(x[0]),
    "exp": lambda node, x: torch.exp(x[0]),
    "log": lambda node, x: torch.log(x[0]),
    "abs": lambda node, x: torch.abs(x[0]),
    "sin": lambda node, x: torch.sin(x[0]),
    "cos": lambda node, x: torch.cos(x[0]),
    "log_sigmoid": lambda node, x: torch.nn.functional.logsigmoid(x[0]),
    "detach": lambda node, x: x[0].detach(),
    "silu": lambda node, x: torch.nn.functional.silu(x[0]),
    "mish": lambda node, x: torch.nn.functional.mish(x[0]),
    "gelu": lambda node, x: torch.nn.functional.gelu(x[0], approximate=node.get("approximate")),
    "hardsigmoid": lambda node, x: torch.nn.functional.hardsigmoid(x[0]),
    "hardswish": lambda node, x: torch.nn.functional.hardswish(x[0]),
    "leaky_relu": lambda node, x: torch.nn.functional.leaky_relu(x[0], node.get("negative_slope")),
    "mean": lambda node, x: x[0].mean(node.get("over")) if node.get("over") is not None else _aten(node, x),
    "sum": lambda node, x: x[0].sum(node.get("over")) if node.get("over") is not None else _aten(node, x),
    "variance": lambda node, x: x[0].var(node.get("over"), correction=0),
    "cat": lambda node, x: torch.cat(list(x), node.get("dim")),
    "slice": lambda node, x: x[0].narrow(node.get("dim"), node.get("start"), node.get("stop") - node.get("start")),
    "rearrange": lambda node, x: x[0].reshape(node.get("split")).permute(node.get("order")).reshape(node.shape),
    "expand": lambda node, x: x[0].expand(node.get("size")),
    "softmax.int": lambda node, x: torch.softmax(x[0], node.get("dim")),
    "scaled_dot_product_attention": _attention,
    "write_view": _write_view,
    "fill": lambda node, x: _filled(node, float(node.get("value"))),
    "getitem": lambda node, x: x[0][node.get("index")],
}
"""The operations whose form is not that of an operator of torch's."""


def _survived(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    rate = float(node.get("p") or 0.0)
    return inputs[0] / (1.0 - rate) if rate < 1.0 else inputs[0] * 0.0


SAMPLES: dict[str, Callable[[Node, Sequence[Any]], Any]] = {
    "dropout": _survived,
    "feature_dropout": _survived,
    "bernoulli": lambda node, x: _filled(node, 1.0),
    "rand": lambda node, x: _filled(node, 0.5),
    "rand_like": lambda node, x: _filled(node, 0.5),
    "uniform": lambda node, x: _filled(node, (float(node.get("from", 0.0)) + float(node.get("to", 1.0))) / 2),
    "randn": lambda node, x: _filled(node, 0.5),
    "randn_like": lambda node, x: _filled(node, 0.5),
    "normal": lambda node, x: _filled(node, 0.5),
    "empty": lambda node, x: _filled(node, 0.0),
    "new_empty": lambda node, x: _filled(node, 0.0),
    "empty_like": lambda node, x: _filled(node, 0.0),
}
"""The sample that every random operation takes; `DropoutKeepsAll` makes a module's random calls take it, too."""
