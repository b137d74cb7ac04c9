"""Rules of the canonical form for tensors that hold one number: a sum, product or choice with one is simpler."""

from __future__ import annotations

from diagnose.diff.canonical.builder import GraphBuilder, Rule
from diagnose.diff.canonical.rules.arithmetic import broadcast, scaled
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base


def _with_number(builder: GraphBuilder, node: Node) -> int | None:
    """A product with a tensor of one number is a product with the number, and a sum likewise."""
    for place, value in enumerate(node.inputs):
        filled, rest = builder[value], node.inputs[:place] + node.inputs[place + 1 :]
        if filled.op != "fill" or not rest or not node.dtype.startswith(("float", "bfloat")):
            continue
        whole = rest[0] if len(rest) == 1 else builder.make(node.op, rest, node.shape, like=node)
        if builder.shape(whole) != node.shape or builder[whole].dtype != node.dtype:
            continue
        if node.op == "mul":
            return scaled(builder, whole, filled.get("value"), node)
        return builder.make("shift", (whole,), node.shape, like=node, attributes={"amount": filled.get("value")})
    return None


def _gathered(builder: GraphBuilder, node: Node) -> int | None:
    """The constants among the operands of a sum or product are one constant."""
    fixed = [value for value in node.inputs if builder.tensor(value) is not None]
    rest = [value for value in node.inputs if value not in fixed]
    if len(fixed) < 2 or not rest:
        return None
    shape = broadcast([builder.shape(value) for value in fixed])
    return builder.make(node.op, (*rest, builder.make(node.op, fixed, shape, like=node)), node.shape, like=node)


def _never_filled(builder: GraphBuilder, node: Node) -> int | None:
    """Filling by a mask that is false everywhere fills nothing."""
    value, mask = node.inputs[:2]
    source = builder[mask]
    never = source.op == "fill" and source.get("value") == 0
    return value if never and builder.shape(value) == node.shape else None


def _chosen_always(builder: GraphBuilder, node: Node) -> int | None:
    """A choice by a mask that is the same everywhere is the value that it chooses."""
    condition, *values = node.inputs
    source = builder[condition]
    if source.op != "fill" or (base(node.op) == "where" and len(values) != 2):
        return None
    chosen = values[0] if source.get("value") else values[1]
    same = builder.shape(chosen) == node.shape and builder[chosen].dtype == node.dtype
    return chosen if same else None


RULES = (
    Rule("constants of a sum or product", ("mul", "add"), _gathered, silent=True),
    Rule("a sum or product with a tensor of one number", ("mul", "add"), _with_number, silent=True),
    Rule("a mask that fills nothing", ("masked_fill.Scalar", "masked_fill.Tensor"), _never_filled),
    Rule("a choice that is always the same", ("where.self",), _chosen_always),
)
