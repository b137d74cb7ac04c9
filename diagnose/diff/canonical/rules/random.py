"""Rules of the canonical form for random masks: a dropout, or a mask that is 1 with probability p, however drawn.

A draw becomes part of its reader only where nothing else reads it: one mask on two values is not two masks.
"""

from __future__ import annotations

from diagnose.diff.canonical.builder import GraphBuilder, Rule, slots
from diagnose.diff.canonical.rules.arithmetic import scaled
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base, operation


def _filled(builder: GraphBuilder, node: Node) -> int | None:
    """A tensor that holds one number has one form."""
    kind = base(node.op).removesuffix("_like").removeprefix("new_")
    value = {"zeros": 0.0, "ones": 1.0}.get(kind, node.get("fill_value", node.get("value")))
    if not isinstance(value, (int, float)):
        return None
    return builder.make("fill", (), node.shape, like=node, attributes={"value": float(value)})


def _masked(builder: GraphBuilder, like: Node, keep: float, *, dtype: str | None = None) -> int:
    return builder.make("bernoulli", (), like.shape, like=like, attributes={"p": keep}, dtype=dtype)


def _masking(builder: GraphBuilder, node: Node, value: int, mask: int, keep: float) -> int:
    """Return the product of a value and a mask; the mask takes the type of the node."""
    numbers = _masked(builder, builder[mask], keep, dtype=node.dtype)
    builder.read_once.add(numbers)
    return builder.make("mul", (value, numbers), node.shape, like=node)


def _mask(builder: GraphBuilder, node: Node) -> int | None:
    """A mask has one form: filled into an empty tensor, drawn from a tensor of one p, or ⌊p + u⌋ with a uniform u."""
    if node.op == "bernoulli.float":
        return _masked(builder, node, node.get("p"))
    source = builder[node.inputs[0]] if node.inputs else node
    if node.op == "bernoulli" and source.op == "fill":
        return _masked(builder, node, source.get("value"))
    if node.op == "floor" and source.op == "shift" and 0 < source.get("amount") < 1:
        drawn = source.inputs[0]
        if _is_uniform(builder, drawn):
            return _masked(builder, node, source.get("amount"))
    return None


def _compared(builder: GraphBuilder, node: Node) -> int | None:
    """A uniform u gives u < p with probability p, and u > p with 1 − p."""
    bound = node.get("other")
    if not isinstance(bound, (int, float)) or not 0 <= bound <= 1 or not _is_uniform(builder, node.inputs[0]):
        return None
    return _masked(builder, node, float(bound) if operation(node.op).comparison in ("<", "≤") else 1.0 - bound)


def _is_uniform(builder: GraphBuilder, value: int) -> bool:
    node = builder[value]
    whole = (node.get("from", 0.0), node.get("to", 1.0)) == (0.0, 1.0)
    return operation(node.op).is_uniform and whole and value in builder.read_once


def _is_mask(builder: GraphBuilder, value: int) -> bool:
    node = builder[value]
    return node.op == "bernoulli" and not node.inputs and value in builder.read_once


def _converted(builder: GraphBuilder, node: Node) -> int | None:
    """A mask of booleans that is converted to numbers is a mask of numbers."""
    source = node.inputs[0]
    if not _is_mask(builder, source) or builder[source].dtype != "bool":
        return None
    return _masked(builder, node, builder[source].get("p"))


def _opposite(builder: GraphBuilder, node: Node) -> int | None:
    """1 − m is a mask of the opposite probability."""
    source = builder[node.inputs[0]]
    if (
        node.get("amount") != 1
        or source.op != "scale"
        or source.get("factor") != -1
        or source.id not in builder.read_once
    ):
        return None
    return (
        _masked(builder, node, 1.0 - builder[source.inputs[0]].get("p"))
        if _is_mask(builder, source.inputs[0])
        else None
    )


def _chosen(builder: GraphBuilder, node: Node) -> int | None:
    """A choice between a value and 0 by a mask is the product of the value and the mask."""
    condition, *rest = node.inputs if base(node.op) == "where" else node.inputs[::-1]
    if not _is_mask(builder, condition) or not rest or builder.shape(rest[0]) != node.shape:
        return None
    keep = builder[condition].get("p")
    zero = builder[rest[1]].get("value") if len(rest) > 1 and builder[rest[1]].op == "fill" else None
    if base(node.op) == "masked_fill":
        zero, keep = node.get("value"), 1.0 - keep
    elif node.op == "where.ScalarOther":
        zero = node.get("other")
    if zero != 0:
        return None
    return _masking(builder, node, rest[0], condition, keep)


def _dropped(builder: GraphBuilder, node: Node) -> int | None:
    """The product x · m with a mask m of x's own shape is dropout without its factor 1 / (1 − p)."""
    for place, value in enumerate(node.inputs):
        others = node.inputs[:place] + node.inputs[place + 1 :]
        if not _is_mask(builder, value) or not others:
            continue
        mask = builder[value]
        kept = others[0] if len(others) == 1 else builder.make("mul", others, node.shape, like=node)
        if mask.dtype == "bool":
            return _masking(builder, node, kept, value, mask.get("p"))
        if mask.shape != node.shape or builder.shape(kept) != node.shape or not mask.get("p"):
            continue
        attributes = {"p": 1.0 - mask.get("p"), "train": True, "slots": slots("input")}
        value = builder.make("dropout", (kept,), node.shape, like=node, attributes=attributes)
        return scaled(builder, value, mask.get("p"), node)
    return None


def _features(builder: GraphBuilder, node: Node) -> int | None:
    """Dropout of whole maps is the product with a mask of one number for each map."""
    rate = node.get("p")
    if not node.get("train") or not 0 < rate < 1:
        return None
    shape = (*node.shape[:2], *(1 for _ in node.shape[2:]))
    mask = builder.make("bernoulli", (), shape, like=node, attributes={"p": 1.0 - rate})
    product = builder.make("mul", (node.inputs[0], mask), node.shape, like=node)
    return scaled(builder, product, 1.0 / (1.0 - rate), node)


def _dropout(builder: GraphBuilder, node: Node) -> int | None:
    """A factor is drawn out of a dropout, and a dropout of ones is a mask."""
    source, rate = builder[node.inputs[0]], node.get("p")
    if not node.get("train") or not 0 < rate < 1:
        return None
    if source.op == "scale":
        inner = builder.make("dropout", source.inputs, node.shape, like=node, attributes=dict(node.attributes))
        return scaled(builder, inner, source.get("factor"), source)
    if source.op == "fill" and source.get("value") == 1:
        return scaled(builder, _masked(builder, node, 1.0 - rate), 1.0 / (1.0 - rate), node)
    return None


RULES = (
    Rule("a tensor of one number", ("full", "full_like", "new_full", "zeros", "zeros_like", "new_zeros", "ones",
                                    "ones_like", "new_ones", "fill.Scalar"), _filled, silent=True),
    Rule("a random mask", ("bernoulli", "bernoulli.float", "floor"), _mask, silent=True),
    Rule("a random mask by comparison", ("lt.Scalar", "le.Scalar", "gt.Scalar", "ge.Scalar"), _compared, silent=True),
    Rule("a random mask as numbers", ("to.dtype", "_to_copy", "float", "type_as", "to.other"), _converted,
         silent=True),
    Rule("the opposite of a random mask", ("shift",), _opposite, silent=True),
    Rule("a random mask by choice", ("where.self", "where.ScalarOther", "masked_fill.Scalar"), _chosen, silent=True),
    Rule("dropout spelled out", ("mul",), _dropped),
    Rule("dropout of whole maps", ("feature_dropout",), _features, silent=True),
    Rule("a factor of a dropout", ("dropout",), _dropout, silent=True),
)  # fmt: skip
