"""Rules of the canonical form for activations, fused or spelled out.

relu, clamp_min(0), maximum(x, 0) and threshold share one form: their values are equal everywhere, their gradients
everywhere but at exactly 0 (0, 1, ½, 0). Which one was written stays in the attribute "~gradient".
"""

from __future__ import annotations

from math import pi, sqrt

from diagnose.diff.canonical.builder import GraphBuilder, Rule
from diagnose.diff.canonical.patterns import X, call, formula_rule
from diagnose.diff.canonical.rules.arithmetic import scalar_of
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import operation


def _bounded(builder: GraphBuilder, node: Node, low: float | None, high: float | None, gradient: str) -> int:
    """Return relu or clamp, with the gradient at the bounds as a remark."""
    attributes: dict[str, object] = {"~gradient": gradient}
    if low == 0 and high is None:
        return builder.make("relu", node.inputs[:1], node.shape, like=node, attributes=attributes)
    attributes |= {"min": low, "max": high}
    return builder.make("clamp", node.inputs[:1], node.shape, like=node, attributes=attributes)


def _clamp(builder: GraphBuilder, node: Node) -> int | None:
    if node.get("~gradient") is not None or any(name in dict(node.get("slots") or ()) for name in ("min", "max")):
        return None
    if node.op == "relu":
        return _bounded(builder, node, 0, None, "0")
    if node.op == "relu6":
        return _bounded(builder, node, _number(node, 0), _number(node, 6), "0")
    if node.op == "hardtanh":
        return _bounded(builder, node, _number(node, node.get("min_val")), _number(node, node.get("max_val")), "0")
    if node.op == "threshold":
        return _bounded(builder, node, 0, None, "0") if node.get("threshold") == node.get("value") == 0 else None
    low = node.get("min") if node.op != "clamp_max" else None
    high = node.get("max") if node.op != "clamp_min" else None
    return _bounded(builder, node, _number(node, low), _number(node, high), "1")


def _number(node: Node, bound: float | None) -> float | None:
    """Return a bound as a float where the result is one: a whole number that is clamped stays whole."""
    return bound if bound is None or not node.dtype.startswith(("float", "bfloat")) else float(bound)


def _extremum(builder: GraphBuilder, node: Node) -> int | None:
    """maximum(x, 0) is relu, and minimum(x, c) is a clamp."""
    for value, bound_id in (node.inputs, node.inputs[::-1]):
        constant = builder[bound_id]
        if constant.op in ("constant", "fill"):
            values = constant.get("values", constant.get("value"))
            numbers = set(values) if isinstance(values, tuple) else {values}
            if (
                len(numbers) == 1
                and isinstance(next(iter(numbers)), (int, float))
                and builder.shape(value) == node.shape
            ):
                bound = _number(node, numbers.pop())
                alone = Node(-1, node.op, node.module_path, (), (value,), node.shape, node.dtype, "", node.source)
                low, high = (bound, None) if node.op == "maximum" else (None, bound)
                return _bounded(builder, alone, low, high, "1/2")
    return None


def _where(builder: GraphBuilder, node: Node) -> int | None:
    """where(x > 0, x, a·x) is a leaky relu; a = 0 makes it relu."""
    if len(node.inputs) not in (2, 3):
        return None
    condition = builder[node.inputs[0]]
    value = node.inputs[1]
    comparison = operation(condition.op).comparison
    if comparison not in (">", "≥") or condition.inputs[0] != value or builder.shape(value) != node.shape:
        return None
    if scalar_of(builder, condition, 1, "other") != 0:
        return None
    alone = Node(-1, node.op, node.module_path, (), (value,), node.shape, node.dtype, "", node.source)
    gradient = "0" if comparison == ">" else "1"
    number = scalar_of(builder, node, 2, "other")
    if number == 0 or (len(node.inputs) == 3 and _is_zero(builder[node.inputs[2]])):
        return _bounded(builder, alone, 0, None, gradient)
    otherwise = builder[node.inputs[2]] if len(node.inputs) == 3 else None
    if otherwise is not None and otherwise.op == "scale" and otherwise.inputs == (value,) and comparison == ">":
        attributes = {"negative_slope": otherwise.get("factor")}
        return builder.make("leaky_relu", (value,), node.shape, like=node, attributes=attributes)
    return None


def _is_zero(node: Node) -> bool:
    if node.op == "constant" and isinstance(node.get("values"), tuple):
        return all(value == 0 for value in node.get("values"))
    return node.op in ("zeros", "zeros_like", "new_zeros") or (node.op == "fill" and node.get("value") == 0)


_KEPT = ("approximate", "negative_slope")


def _plain(builder: GraphBuilder, node: Node) -> int | None:
    """An activation is known by its name and its one attribute."""
    if not node.attributes or set(dict(node.attributes)) - {"slots", *_KEPT}:
        return None
    kept = {name: value for name, value in node.attributes if name in _KEPT}
    if dict(node.attributes) == kept:
        return None
    return builder.make(node.op, node.inputs, node.shape, like=node, attributes=kept)


GATE = call("clamp", X + 3, min=0, max=6)
CUBES = X**3, X * X**2
SUMS = (*((X + cube * 0.044715) * sqrt(2 / pi) for cube in CUBES),
        *(X * sqrt(2 / pi) + cube * (0.044715 * sqrt(2 / pi)) for cube in CUBES),
        X * (X**2 * 0.044715 + 1) * sqrt(2 / pi))  # fmt: skip
"""What the tanh of an approximate GELU reads, its factors in place or drawn out."""
RELU = call("relu", X, **{"~gradient": "0"})

RULES = (
    Rule("relu or clamp", ("relu", "relu6", "hardtanh", "threshold", "clamp", "clamp_min", "clamp_max"), _clamp,
         silent=True),
    Rule("maximum with a number", ("maximum", "minimum"), _extremum),
    Rule("an activation written with where", ("where.self", "where.ScalarOther"), _where),
    formula_rule("an activation written as a gate",
                 (X * (X > 0), RELU),
                 (X * call("sigmoid", X), call("silu", X)),
                 (X * call("hardsigmoid", X), call("hardswish", X)),
                 (X * call("tanh", call("softplus", X, beta=1, threshold=20)), call("mish", X))),
    formula_rule("a hard gate spelled out",
                 (GATE / 6, call("hardsigmoid", X)),
                 (X * GATE / 6, call("hardswish", X))),
    formula_rule("gelu spelled out",
                 (X * (call("erf", X / sqrt(2)) + 1) / 2, call("gelu", X, approximate="none")),
                 *((X * (call("tanh", total) + 1) / 2, call("gelu", X, approximate="tanh")) for total in SUMS)),
    formula_rule("sigmoid spelled out", (1 / (call("exp", -X) + 1), call("sigmoid", X))),
    Rule("an activation's name", ("silu", "gelu", "sigmoid", "tanh", "erf", "exp", "log", "hardsigmoid", "hardswish",
                                  "mish", "leaky_relu", "abs", "log_sigmoid", "sin", "cos", "detach", "maximum",
                                  "minimum"), _plain,
         silent=True),
)  # fmt: skip
