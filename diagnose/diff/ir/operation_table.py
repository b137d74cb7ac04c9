"""Say what each operation is, in one row of one table.

The names are those of torch's operators, "conv2d" or "gt.Scalar", and of the canonical form, "scale" or "rearrange".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.nn import functional as F

from diagnose.diff.ir import kernels
from diagnose.diff.ir.graph import Node

Run = Callable[[Node, Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operation is; one that has no row has none of these properties."""

    name: str
    run: Run | None = None
    """How a node of it is computed from its inputs; None calls the operator of torch's that has its name."""
    word: str = ""
    """What findings call it, where that is not its name."""
    overloads: bool = False
    """The row holds for all overloads of the operator, as "bernoulli" for "bernoulli.float"."""

    is_leaf: bool = False
    is_weight: bool = False
    """A leaf that a checkpoint holds."""
    is_fixed: bool = False
    """A leaf whose value the network has: a weight or a constant."""
    is_view: bool = False
    """It only moves the elements of its input: a weight that is read through it is still a weight."""
    commutative: bool = False
    """The order of its inputs means nothing."""
    elementwise: bool = False
    """It treats every element of its one input alike, so that axes may be arranged before or after it."""
    passed_over: bool = False
    """It is often inserted or left out between two layers, whose connection is still recognised."""
    is_layer: bool = False
    """It maps features to features by a weight of its own; two of them in a row make a block."""
    is_norm: bool = False
    keeps_statistics: bool = False
    """A norm that updates running statistics, which are among its inputs."""
    pooled_dims: int = 0
    """The last dims that a pooling pools."""
    is_adaptive: bool = False
    """A pooling that is given the size of its result."""
    comparison: str = ""
    """The sign of a comparison of two values."""

    draws: bool = False
    """It draws random numbers: two of them are never the same value."""
    is_uniform: bool = False
    """It draws from 0 to 1, unless an attribute says otherwise."""
    is_dropout: bool = False
    """It drops at the rate p where its attribute `train` says so, and else hands its input on."""
    drops: Callable[[float], float] | None = None
    """The share of the numbers drawn that are 0, from the attribute p, where p says all about it."""
    draws_maps: bool = False
    """It draws one number for each map, not for each element."""
    sample: float | None = None
    """The number that stands for every number drawn where an execution is to have no randomness: nothing is dropped."""


def _called(function: Callable[..., Any]) -> Run:
    """Return how a function of the inputs alone runs."""
    return lambda node, inputs: function(*inputs)


def _layer(name: str) -> Operation:
    return Operation(name, overloads=True, is_layer=True)


def _norm(name: str, *, keeps_statistics: bool = False) -> Operation:
    return Operation(name, overloads=True, is_norm=True, keeps_statistics=keeps_statistics)


def _pointwise(name: str, run: Run | None = None, *, passed_over: bool = False) -> Operation:
    return Operation(name, run, elementwise=True, passed_over=passed_over)


def _activation(name: str, run: Run | None = None) -> Operation:
    return _pointwise(name, run, passed_over=True)


def _draw(name: str, sample: float | None = None, **properties: Any) -> Operation:
    return Operation(name, overloads=True, draws=True, sample=sample, **properties)


def _unfilled(name: str) -> Operation:
    """Return the row of a tensor without content: it holds zeros."""
    return Operation(name, overloads=True, sample=0.0)


ROWS = (
    Operation("input", is_leaf=True),
    Operation("parameter", is_leaf=True, is_weight=True, is_fixed=True),
    Operation("buffer", is_leaf=True, is_weight=True, is_fixed=True),
    Operation("constant", is_leaf=True, is_fixed=True),
    # Sums, products and scalars.
    Operation("add", kernels.add_all, word="sum", commutative=True),
    Operation("mul", kernels.multiply_all, word="product", commutative=True),
    Operation("maximum", _called(torch.maximum), commutative=True),
    Operation("minimum", _called(torch.minimum), commutative=True),
    Operation("div", lambda node, x: x[0] / x[1]),
    _activation("scale", lambda node, x: x[0] * node.get("factor")),
    _activation("shift", lambda node, x: x[0] + node.get("amount")),
    _pointwise("power", lambda node, x: x[0] ** node.get("exponent")),
    *(Operation(name, overloads=True, comparison=sign)
      for name, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))),
    # One value in, one out, element by element.
    _activation("relu", kernels.clamp),
    _activation("clamp", kernels.clamp),
    _activation("silu", _called(F.silu)),
    _activation("gelu", lambda node, x: F.gelu(x[0], approximate=node.get("approximate"))),
    _activation("sigmoid", _called(torch.sigmoid)),
    _activation("tanh", _called(torch.tanh)),
    _activation("hardswish", _called(F.hardswish)),
    _activation("hardsigmoid", _called(F.hardsigmoid)),
    _activation("leaky_relu", lambda node, x: F.leaky_relu(x[0], node.get("negative_slope"))),
    _activation("mish", _called(F.mish)),
    _activation("elu"),
    _activation("softplus"),
    _activation("detach", lambda node, x: x[0].detach()),
    Operation("prelu", passed_over=True),
    _pointwise("log_sigmoid", _called(F.logsigmoid)),
    _pointwise("erf", _called(torch.erf)),
    _pointwise("exp", _called(torch.exp)),
    _pointwise("log", _called(torch.log)),
    _pointwise("abs", _called(torch.abs)),
    _pointwise("sin", _called(torch.sin)),
    _pointwise("cos", _called(torch.cos)),
    # What moves or gathers elements.
    Operation("slice", kernels.cut, is_view=True),
    Operation("rearrange", kernels.arrange, is_view=True),
    Operation("cat", lambda node, x: torch.cat(list(x), node.get("dim"))),
    Operation("expand", lambda node, x: x[0].expand(node.get("size"))),
    Operation("write_view", kernels.write_view),
    Operation("getitem", lambda node, x: x[0][node.get("index")]),
    Operation("fill", lambda node, x: kernels.filled(node, float(node.get("value")))),
    Operation("mean", kernels.reduce_over),
    Operation("sum", kernels.reduce_over),
    Operation("variance", lambda node, x: x[0].var(node.get("over"), correction=0)),
    Operation("softmax.int", lambda node, x: torch.softmax(x[0], node.get("dim"))),
    Operation("log_softmax.int", lambda node, x: torch.log_softmax(x[0], node.get("dim"))),
    Operation("scaled_dot_product_attention", kernels.attend),
    # Layers and norms.
    *map(_layer, ("linear", "bilinear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
                  "conv_transpose3d", "conv_tbc", "convolution", "embedding", "embedding_bag", "lstm", "lstm_cell",
                  "gru", "gru_cell")),
    *map(_norm, ("layer_norm", "native_layer_norm", "group_norm", "native_group_norm", "rms_norm",
                 "_fused_rms_norm", "_native_batch_norm_legit")),
    *(_norm(name, keeps_statistics=True)
      for name in ("batch_norm", "native_batch_norm", "cudnn_batch_norm", "instance_norm")),
    *(Operation(f"{kind}_pool{dims}d", pooled_dims=dims) for kind in ("avg", "max") for dims in (1, 2, 3)),
    *(Operation(f"adaptive_avg_pool{dims}d", pooled_dims=dims, is_adaptive=True) for dims in (1, 2, 3)),
    # Random numbers.
    _draw("dropout", run=kernels.keep_all, is_dropout=True, drops=lambda p: p, passed_over=True),
    _draw("feature_dropout", run=kernels.keep_all, is_dropout=True, drops=lambda p: p, draws_maps=True,
          passed_over=True),
    _draw("alpha_dropout", is_dropout=True),
    _draw("feature_alpha_dropout", is_dropout=True),
    *map(_draw, ("native_dropout", "randint", "randperm", "rrelu", "multinomial", "exponential")),
    _draw("bernoulli", 1.0, drops=lambda p: 1.0 - p),
    _draw("rand", 0.5, is_uniform=True),
    _draw("rand_like", 0.5, is_uniform=True),
    _draw("uniform", 0.5, run=kernels.middle, is_uniform=True),
    _draw("randn", 0.5),
    _draw("randn_like", 0.5),
    _draw("normal", 0.5),
    *map(_unfilled, ("empty", "new_empty", "empty_like")),
)  # fmt: skip

OPERATIONS = {row.name: row for row in ROWS}


@cache
def operation(op: str) -> Operation:
    """Return the row of an operation; one that has none has no property."""
    row = OPERATIONS.get(op)
    if row is None:
        row = OPERATIONS.get(base(op))
        row = row if row is not None and row.overloads else None
    return row or Operation(op)


def base(op: str) -> str:
    """Return an operation's name without its overload."""
    return op.partition(".")[0]
