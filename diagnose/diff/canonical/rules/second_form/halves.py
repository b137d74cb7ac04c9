"""Rules of the canonical form for values that are joined of two halves along the last axis, as rotary positions are.

What treats every element by itself is done on each half, and the halves are joined last: x · cos + (−x₂, x₁) · sin and
(x₁ · cos − x₂ · sin, x₂ · cos + x₁ · sin) are one form.
"""

from __future__ import annotations

from diagnose.diff.canonical.axis_moves import with_last
from diagnose.diff.canonical.builder import GraphBuilder, Rule, arrangement_of
from diagnose.diff.ir.graph import Node


def _halves(builder: GraphBuilder, value: int) -> tuple[int, ...] | None:
    """Return the two pieces of equal size that a value is joined of along its last axis."""
    node = builder[value]
    if node.op != "cat" or node.get("dim") != len(node.shape) - 1 or len(node.inputs) != 2:
        return None
    same = builder.shape(node.inputs[0]) == builder.shape(node.inputs[1])
    return node.inputs if same else None


def _half(builder: GraphBuilder, value: int, index: int, size: int, like: Node) -> int:
    """Return one half of a value along its last axis; what is one element wide there stays whole."""
    node = builder[value]
    if not node.shape or node.shape[-1] == 1:
        return value
    joined = _halves(builder, value)
    if joined is not None:
        return joined[index]
    shape = (*node.shape[:-1], size)
    if node.op in ("mul", "add", "scale"):
        parts = [_half(builder, operand, index, size, like) for operand in node.inputs]
        return builder.make(node.op, parts, shape, like=node, attributes=dict(node.attributes))
    attributes = {"dim": len(shape) - 1, "start": index * size, "stop": (index + 1) * size}
    return builder.make("slice", (value,), shape, like=like, attributes=attributes, dtype=node.dtype)


def _joined_last(builder: GraphBuilder, node: Node) -> int | None:
    """A sum or product with a value that is joined of two halves is joined of two sums or products."""
    joined = next((value for value in node.inputs if _halves(builder, value)), None)
    if joined is None or builder.shape(joined)[-1] != node.shape[-1] or len(node.inputs) < 2:
        return None
    size = node.shape[-1] // 2
    shape = (*node.shape[:-1], size)
    halves = [
        builder.make(node.op, [_half(builder, value, index, size, node) for value in node.inputs], shape, like=node)
        for index in (0, 1)
    ]
    return builder.make("cat", halves, node.shape, like=node, attributes={"dim": len(shape) - 1})


def _one_by_one(builder: GraphBuilder, node: Node) -> int | None:
    """A function of each element of two halves is joined of two functions."""
    joined = _halves(builder, node.inputs[0])
    if joined is None:
        return None
    pieces = [builder.make(node.op, (piece,), builder.shape(piece), like=node, attributes=dict(node.attributes))
              for piece in joined]  # fmt: skip
    return builder.make("cat", pieces, node.shape, like=node, attributes={"dim": len(node.shape) - 1})


def _arranged(builder: GraphBuilder, node: Node) -> int | None:
    """Axes before the last one may be arranged in each half."""
    source = builder[node.inputs[0]]
    joined = _halves(builder, source.id)
    if joined is None:
        return None
    size = builder.shape(joined[0])[-1]
    arrangement = with_last(source.shape, arrangement_of(node), size)
    if arrangement is None:
        return None
    pieces = [builder.rearrange(piece, arrangement, like=node) for piece in joined]
    return builder.make("cat", pieces, node.shape, like=node, attributes={"dim": len(node.shape) - 1})


RULES = (
    Rule("a sum or product of two halves", ("add", "mul"), _joined_last, silent=True),
    Rule("a function of two halves", ("sin", "cos", "scale"), _one_by_one, silent=True),
    Rule("axes arranged in two halves", ("rearrange",), _arranged, silent=True),
)
