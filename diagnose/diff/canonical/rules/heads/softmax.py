"""Rules of the canonical form for softmax, log-softmax, gated linear units and leaky relu, fused or spelled out."""

from __future__ import annotations

from diagnose.diff.canonical.builder import GraphBuilder, Rule, arrangement_of
from diagnose.diff.canonical.rules.norm import without_unit_axes
from diagnose.diff.ir.graph import Node


def _quotient(builder: GraphBuilder, node: Node) -> int | None:
    """exp(x) / Σ exp(x) is softmax, also where the largest x is subtracted first."""
    exponential, total = node.inputs[0], without_unit_axes(builder, node.inputs[1])
    over = total.get("over")
    if total.op != "sum" or total.inputs != (exponential,) or over is None or len(over) != 1:
        return None
    power = builder[exponential]
    arranged = power if power.op == "rearrange" else None
    power = power if arranged is None else builder[power.inputs[0]]
    if power.op != "exp":
        return None
    value = power.inputs[0]
    if arranged is not None:
        value = builder.rearrange(value, arrangement_of(arranged), like=arranged)
    shifted = _less(builder, builder[value], "amax", over[0])
    value = value if shifted is None else shifted
    return builder.make("softmax.int", (value,), node.shape, like=node, attributes={"dim": over[0]})


def _less(builder: GraphBuilder, total: Node, reduction: str, dim: int) -> int | None:
    """Return x where a sum is x minus a reduction of x over one dim."""
    if total.op != "add" or len(total.inputs) != 2:
        return None
    for value, addend in (total.inputs, total.inputs[::-1]):
        negative = without_unit_axes(builder, addend)
        if negative.op != "scale" or negative.get("factor") != -1.0:
            continue
        reduced = without_unit_axes(builder, negative.inputs[0])
        dims = reduced.get("dim")
        rank = len(builder.shape(value))
        if reduced.op == reduction and reduced.inputs == (value,) and dims and {axis % rank for axis in dims} == {dim}:
            return value
    return None


def _logarithm(builder: GraphBuilder, node: Node) -> int | None:
    """log(softmax(x)) is log-softmax."""
    source = builder[node.inputs[0]]
    if source.op != "softmax.int":
        return None
    return builder.make("log_softmax.int", source.inputs, node.shape, like=node, attributes=dict(source.attributes))


def _difference(builder: GraphBuilder, node: Node) -> int | None:
    """Log-softmax is x − log Σ exp(x)."""
    for dim in range(len(node.shape)):
        value = _less(builder, node, "logsumexp", dim)
        if value is not None:
            return builder.make("log_softmax.int", (value,), node.shape, like=node, attributes={"dim": dim})
    return None


def _log_softmax(builder: GraphBuilder, node: Node) -> int | None:
    """Log-softmax has one form: its dim is counted from the front."""
    attributes = {"dim": node.get("dim") % len(node.shape)}
    if node.get("dtype") not in (None, node.dtype) or dict(node.attributes) == attributes:
        return None
    return builder.make("log_softmax.int", node.inputs, node.shape, like=node, attributes=attributes)


def _glu(builder: GraphBuilder, node: Node) -> int:
    """The first half of the channels times the sigmoid of the second."""
    dim = node.get("dim") % len(node.shape)
    half = node.shape[dim]
    first, second = (
        builder.make("slice", node.inputs, node.shape, like=node,
                  attributes={"dim": dim, "start": start, "stop": start + half})
        for start in (0, half)
    )  # fmt: skip
    return builder.make(
        "mul", (first, builder.make("sigmoid", (second,), node.shape, like=node)), node.shape, like=node
    )


def _larger(builder: GraphBuilder, node: Node) -> int | None:
    """max(x, a · x) with 0 < a < 1 is a leaky relu."""
    for value, operand in (node.inputs, node.inputs[::-1]):
        scale = builder[operand]
        if scale.op == "scale" and scale.inputs == (value,) and 0 < scale.get("factor") < 1:
            attributes = {"negative_slope": scale.get("factor")}
            return builder.make("leaky_relu", (value,), node.shape, like=node, attributes=attributes)
    return None


RULES = (
    Rule("softmax spelled out", ("div",), _quotient),
    Rule("log-softmax", ("log_softmax.int", "_log_softmax"), _log_softmax, silent=True),
    Rule("the logarithm of softmax", ("log",), _logarithm),
    Rule("x less the logarithm of a sum of exponentials", ("add",), _difference),
    Rule("a gated linear unit", ("glu",), _glu, silent=True),
    Rule("a leaky relu as a maximum", ("maximum",), _larger),
)
