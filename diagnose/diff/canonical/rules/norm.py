"""Rules of the canonical form for norms: (x − mean) / √(var + eps), with the weight and bias that follow.

The mean and the variance are taken over the last dims of the value, or over the channels of a map and then the axes
are arranged around the norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose

from diagnose.diff.canonical.axes import channels_first, channels_last, reshaped
from diagnose.diff.canonical.builder import GraphBuilder, Rule, arrangement_of, slots
from diagnose.diff.canonical.rules.arithmetic import dims_of, is_weight, reduced
from diagnose.diff.ir.graph import Node

CENTRED, UNCENTRED = "layer_norm", "rms_norm"


@dataclass(frozen=True, slots=True)
class _Spread:
    """The root of a mean of squares: of which value, over which dims, with which eps."""

    value: int
    over: tuple[int, ...]
    eps: float
    centred: bool


def _variance(builder: GraphBuilder, node: Node) -> int | None:
    """The biased variance has one form, whatever call computes it."""
    unbiased = node.get("unbiased", True) if node.get("correction") is None else node.get("correction") != 0
    if node.get("over") is not None or unbiased:
        return None
    return reduced(builder, node, "variance", dims_of(builder, node))


def _normalised(builder: GraphBuilder, node: Node) -> int | None:
    """The product x · (mean(x²) + eps)^−½ is RMS norm; of a centred x, layer norm."""
    if len(node.inputs) != 2:
        return None
    orders = (node.inputs,) if node.op == "div" else (node.inputs, node.inputs[::-1])
    for value, root in orders:
        spread = _spread(builder, root, 0.5 if node.op == "div" else -0.5)
        if spread is None:
            continue
        centre = _centre(builder, value, spread.over)
        if spread.centred and centre == spread.value:
            return _norm(builder, node, CENTRED, spread.value, spread)
        if not spread.centred and value == spread.value:
            op, source = (UNCENTRED, value) if centre is None else (CENTRED, centre)
            return _norm(builder, node, op, source, spread)
    return None


def _spread(builder: GraphBuilder, root: int, exponent: float) -> _Spread | None:
    """Return what √(mean(d²) + eps) is computed from; axes of size 1 may have been added on the way."""
    power = without_unit_axes(builder, root)
    if power.op != "power" or not isclose(power.get("exponent"), exponent):
        return None
    shift = without_unit_axes(builder, power.inputs[0])
    eps, inner = 0.0, shift
    if shift.op == "shift":
        eps, inner = shift.get("amount"), without_unit_axes(builder, shift.inputs[0])
    if inner.op == "variance":
        return _Spread(inner.inputs[0], inner.get("over"), eps, centred=True)
    if inner.op != "mean" or inner.get("over") is None:
        return None
    square = builder[inner.inputs[0]]
    if square.op == "rearrange" and _is_square(builder[square.inputs[0]]):  # axes were arranged after the square
        value = builder.rearrange(builder[square.inputs[0]].inputs[0], arrangement_of(square), like=square)
        return _Spread(value, inner.get("over"), eps, centred=False)
    return _Spread(square.inputs[0], inner.get("over"), eps, centred=False) if _is_square(square) else None


def _is_square(node: Node) -> bool:
    return node.op == "power" and bool(node.get("exponent") == 2.0)


def without_unit_axes(builder: GraphBuilder, value: int) -> Node:
    """Return a value without the axes of size 1 that were put into it."""
    node = builder[value]
    if node.op != "rearrange":
        return node
    inner = builder[node.inputs[0]]
    sizes = [[size for size in shape if size > 1] for shape in (node.shape, inner.shape)]
    in_order = node.get("order") == tuple(range(len(node.get("order"))))
    return inner if in_order and sizes[0] == sizes[1] else node


def _centre(builder: GraphBuilder, value: int, over: tuple[int, ...]) -> int | None:
    """Return x where the value is x − mean(x)."""
    total = builder[value]
    if total.op != "add" or len(total.inputs) != 2:
        return None
    for centred, addend in (total.inputs, total.inputs[::-1]):
        mean = without_unit_axes(builder, addend)
        if mean.op == "scale" and mean.get("factor") == -1.0:
            mean = without_unit_axes(builder, mean.inputs[0])
            if mean.op == "mean" and mean.inputs == (centred,) and mean.get("over") == over:
                return centred
    return None


def _norm(builder: GraphBuilder, node: Node, op: str, value: int, spread: _Spread) -> int | None:
    shape = builder.shape(value)
    rank = len(shape)
    first = rank - len(spread.over)
    if spread.over == tuple(range(first, rank)):
        return builder.make(op, (value,), shape, like=node, attributes=_attributes(shape[first:], spread.eps))
    if spread.over != (1,):
        return None
    last = builder.rearrange(value, channels_last(shape), like=node)
    result = builder.make(op, (last,), builder.shape(last), like=node, attributes=_attributes(shape[1:2], spread.eps))
    return builder.rearrange(result, channels_first(builder.shape(last)), like=node)


def _attributes(normalized: tuple[int, ...], eps: float, *weights: str) -> dict[str, object]:
    return {"normalized_shape": normalized, "eps": eps, "slots": slots("input", *weights)}


def _affine(builder: GraphBuilder, node: Node) -> int | None:
    """A weight multiplied to a norm's result is the norm's weight; one that is added after that is its bias."""
    if len(node.inputs) != 2:
        return None
    for value, operand in (node.inputs, node.inputs[::-1]):
        source = builder[value]
        norm = builder[source.inputs[0]] if source.op == "rearrange" else source
        if norm.op not in (CENTRED, UNCENTRED) or not is_weight(builder, operand) or source.shape != node.shape:
            continue
        names = [name for name, _ in norm.get("slots")]
        wanted = ["input"] if node.op == "mul" else ["input", "weight"]
        per = _per_element(builder, operand, norm, source)
        if names != wanted or per is None:
            continue
        attributes = _attributes(norm.get("normalized_shape"), norm.get("eps"), *wanted[1:],
                                 "weight" if node.op == "mul" else "bias")  # fmt: skip
        result = builder.make(norm.op, (*norm.inputs, per), norm.shape, like=norm, attributes=attributes)
        return result if source is norm else builder.rearrange(result, arrangement_of(source), like=source)
    return None


def _per_element(builder: GraphBuilder, weight: int, norm: Node, seen: Node) -> int | None:
    """Return the weight in the norm's shape; None unless each normalised element gets one number of it."""
    normalized = norm.get("normalized_shape")
    shape = builder.shape(weight)
    trimmed = shape[next((axis for axis, size in enumerate(shape) if size > 1), len(shape) - 1) :]
    if seen is norm:
        return builder.rearrange(weight, reshaped(shape, normalized), like=norm) if trimmed == normalized else None
    channels = len(normalized) == 1 and seen.shape[1] == normalized[0]
    moved = arrangement_of(seen) == channels_first(norm.shape)
    wanted = (normalized[0], *(1 for _ in seen.shape[2:])) if channels and moved else None
    return builder.rearrange(weight, reshaped(shape, normalized), like=norm) if trimmed == wanted else None


def _spelled(builder: GraphBuilder, node: Node) -> int | None:
    """The attributes of a norm are written out, its default eps as well."""
    names = [name for name, _ in node.get("slots") or ()]
    if "normalized_shape" not in dict(node.attributes) or set(names) - {"input", "weight", "bias"}:
        return None
    eps = node.get("eps")
    if eps is None and node.dtype != "float32":
        return None
    eps = 2.0**-23 if eps is None else eps
    attributes = _attributes(tuple(node.get("normalized_shape")), eps, *names[1:])
    if dict(node.attributes) == attributes:
        return None
    return builder.make(node.op, node.inputs, node.shape, like=node, attributes=attributes)


RULES = (
    Rule("the biased variance", ("var.correction", "var.dim", "var"), _variance, silent=True),
    Rule("a norm spelled out", ("mul", "div"), _normalised),
    Rule("a norm's attributes", (CENTRED, UNCENTRED), _spelled, silent=True),
    Rule("a norm's weight and bias applied apart", ("mul", "add"), _affine),
)  # fmt: skip
