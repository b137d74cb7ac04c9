"""Rules of the canonical form for activations, fused or spelled out.

relu, clamp_min(0), maximum(x, 0) and threshold share one form: their values are equal everywhere, their gradients
everywhere but at exactly 0 (0, 1, ½, 0). Which one was written stays in the attribute "~gradient".
"""

from __future__ import annotations

from math import isclose, pi, sqrt

from diagnose.diff.canonical.builder import GraphBuilder, Rule
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
        return _bounded(builder, node, 0.0, 6.0, "0")
    if node.op == "hardtanh":
        return _bounded(builder, node, float(node.get("min_val")), float(node.get("max_val")), "0")
    if node.op == "threshold":
        return _bounded(builder, node, 0, None, "0") if node.get("threshold") == node.get("value") == 0 else None
    low = node.get("min") if node.op != "clamp_max" else None
    high = node.get("max") if node.op != "clamp_min" else None
    return _bounded(builder, node, None if low is None else float(low), None if high is None else float(high), "1")


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
                bound = float(numbers.pop())
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
    if comparison not in (">", "≥") or condition.inputs[0] != value:
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


def _gated(builder: GraphBuilder, node: Node) -> int | None:
    """The gates x · sigmoid(x), x · hardsigmoid(x), x · tanh(softplus(x)), x · (x > 0): silu, hardswish, mish, relu."""
    if len(node.inputs) != 2:
        return None
    fused = {"sigmoid": "silu", "hardsigmoid": "hardswish"}
    for value, gate_id in (node.inputs, node.inputs[::-1]):
        gate = builder[gate_id]
        if gate.op == "gt.Scalar" and gate.inputs == (value,) and gate.get("other") == 0:
            alone = Node(-1, node.op, node.module_path, (), (value,), node.shape, node.dtype, "", node.source)
            return _bounded(builder, alone, 0, None, "0")
        if gate.op in fused and gate.inputs == (value,):
            return builder.make(fused[gate.op], (value,), node.shape, like=node)
        if (
            gate.op == "tanh"
            and builder[gate.inputs[0]].op == "softplus"
            and builder[gate.inputs[0]].inputs == (value,)
        ):
            soft = builder[gate.inputs[0]]
            if soft.get("beta") == 1 and soft.get("threshold") == 20:
                return builder.make("mish", (value,), node.shape, like=node)
    return None


def _is_hard_gate(builder: GraphBuilder, node: Node) -> int | None:
    """Return x where the node is clamp(x + 3, 0, 6)."""
    if node.op != "clamp" or (node.get("min"), node.get("max")) != (0, 6):
        return None
    shift = builder[node.inputs[0]]
    return shift.inputs[0] if shift.op == "shift" and shift.get("amount") == 3 else None


def _sixth(builder: GraphBuilder, node: Node) -> int | None:
    """clamp(x + 3, 0, 6) / 6 is hardsigmoid; x · clamp(x + 3, 0, 6) / 6 is hardswish."""
    if not isclose(node.get("factor"), 1 / 6):
        return None
    source = builder[node.inputs[0]]
    value = _is_hard_gate(builder, source)
    if value is not None:
        return builder.make("hardsigmoid", (value,), node.shape, like=node)
    if source.op == "mul" and len(source.inputs) == 2:
        for value, factor in (source.inputs, source.inputs[::-1]):
            if _is_hard_gate(builder, builder[factor]) == value:
                return builder.make("hardswish", (value,), node.shape, like=node)
    return None


def _gelu(builder: GraphBuilder, node: Node) -> int | None:
    """½ x (1 + erf(x/√2)) is gelu; ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) its tanh approximation."""
    product = builder[node.inputs[0]]
    if not isclose(node.get("factor"), 0.5) or product.op != "mul" or len(product.inputs) != 2:
        return None
    for value, factor in (product.inputs, product.inputs[::-1]):
        shift = builder[factor]
        if shift.op != "shift" or shift.get("amount") != 1:
            continue
        curve = builder[shift.inputs[0]]
        inner = builder[curve.inputs[0]] if curve.inputs else curve
        if curve.op == "erf" and _is_scaled(inner, value, 1 / sqrt(2)):
            return builder.make("gelu", (value,), node.shape, like=node, attributes={"approximate": "none"})
        if curve.op == "tanh" and inner.op == "scale" and isclose(inner.get("factor"), sqrt(2 / pi), rel_tol=1e-9):
            total = builder[inner.inputs[0]]
            if (
                total.op == "add"
                and value in total.inputs
                and any(_cubed(builder, term, value) for term in total.inputs)
            ):
                return builder.make("gelu", (value,), node.shape, like=node, attributes={"approximate": "tanh"})
    return None


def _cubed(builder: GraphBuilder, term: int, value: int) -> bool:
    scale = builder[term]
    if scale.op != "scale" or not isclose(scale.get("factor"), 0.044715, rel_tol=1e-9):
        return False
    cube = builder[scale.inputs[0]]
    if cube.op == "mul" and value in cube.inputs:
        return any(_power_of(builder[factor], value, 2.0) for factor in cube.inputs)
    return _power_of(cube, value, 3.0)


def _power_of(node: Node, value: int, exponent: float) -> bool:
    return node.op == "power" and node.inputs == (value,) and bool(node.get("exponent") == exponent)


def _is_scaled(node: Node, value: int, factor: float) -> bool:
    return node.op == "scale" and node.inputs == (value,) and isclose(node.get("factor"), factor, rel_tol=1e-9)


_KEPT = ("approximate", "negative_slope")


def _plain(builder: GraphBuilder, node: Node) -> int | None:
    """An activation is known by its name and its one attribute."""
    if not node.attributes or set(dict(node.attributes)) - {"slots", *_KEPT}:
        return None
    kept = {name: value for name, value in node.attributes if name in _KEPT}
    if dict(node.attributes) == kept:
        return None
    return builder.make(node.op, node.inputs, node.shape, like=node, attributes=kept)


def _sigmoid(builder: GraphBuilder, node: Node) -> int | None:
    """A sigmoid written as 1 / (1 + exp(−x))."""
    shift = builder[node.inputs[0]]
    if node.get("exponent") != -1.0 or shift.op != "shift" or shift.get("amount") != 1:
        return None
    exponential = builder[shift.inputs[0]]
    inner = builder[exponential.inputs[0]] if exponential.op == "exp" else None
    if inner is None or inner.op != "scale" or inner.get("factor") != -1.0:
        return None
    return builder.make("sigmoid", inner.inputs, node.shape, like=node)


RULES = (
    Rule("relu or clamp", ("relu", "relu6", "hardtanh", "threshold", "clamp", "clamp_min", "clamp_max"), _clamp,
         silent=True),
    Rule("maximum with a number", ("maximum", "minimum"), _extremum),
    Rule("an activation written with where", ("where.self", "where.ScalarOther"), _where),
    Rule("an activation written as a gate", ("mul",), _gated),
    Rule("a hard gate spelled out", ("scale",), _sixth),
    Rule("gelu spelled out", ("scale",), _gelu),
    Rule("sigmoid spelled out", ("power",), _sigmoid),
    Rule("an activation's name", ("silu", "gelu", "sigmoid", "tanh", "erf", "exp", "log", "hardsigmoid", "hardswish",
                                  "mish", "leaky_relu", "abs", "log_sigmoid", "sin", "cos", "detach", "maximum",
                                  "minimum"), _plain,
         silent=True),
)  # fmt: skip
