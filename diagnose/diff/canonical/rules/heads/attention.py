"""Rules of the canonical form for attention: softmax(q kᵀ · s + mask) v, fused or spelled out."""

from __future__ import annotations

from math import sqrt

from diagnose.diff.canonical.axes import permuted
from diagnose.diff.canonical.builder import GraphBuilder, Rule, arrangement_of
from diagnose.diff.canonical.rules.heads.masks import scores_and_mask, simpler_mask
from diagnose.diff.ir.graph import Node


def _explicit(builder: GraphBuilder, node: Node) -> int | None:
    """The scale is written out: it is 1/√d if none is given."""
    attributes = dict(node.attributes)
    masked = len(node.inputs) > 3
    wanted = {"scale": attributes.get("scale") or 1 / sqrt(builder.shape(node.inputs[0])[-1]),
              "dropout_p": float(attributes.get("dropout_p") or 0.0), "is_causal": bool(attributes.get("is_causal")),
              "masked": masked}  # fmt: skip
    if attributes.get("enable_gqa") or attributes == wanted:
        return None
    return builder.make("scaled_dot_product_attention", node.inputs, node.shape, like=node, attributes=wanted)


def _softmax(builder: GraphBuilder, node: Node) -> int | None:
    """Softmax has one form: its dim is counted from the front."""
    rank = len(node.shape)
    if node.get("dtype") not in (None, node.dtype) or node.get("half_to_float"):
        return None
    attributes = {"dim": node.get("dim") % rank}
    if dict(node.attributes) == attributes:
        return None
    return builder.make("softmax.int", node.inputs, node.shape, like=node, attributes=attributes)


def _matmul(builder: GraphBuilder, node: Node) -> int | None:
    """A scalar factor of an operand is a factor of the product."""
    factor = 1.0
    values: list[int] = []
    for value in node.inputs:
        source = builder[value]
        if source.op == "rearrange" and builder[source.inputs[0]].op == "scale":
            scale = builder[source.inputs[0]]
            factor *= scale.get("factor")
            values.append(builder.rearrange(scale.inputs[0], arrangement_of(source), like=source))
        elif source.op == "scale":
            factor *= source.get("factor")
            values.append(source.inputs[0])
        else:
            values.append(value)
    if tuple(values) == node.inputs:
        return None
    product = builder.make("matmul", values, node.shape, like=node, attributes=dict(node.attributes))
    return builder.make("scale", (product,), node.shape, like=node, attributes={"factor": factor})


def _attention(builder: GraphBuilder, node: Node) -> int | None:
    """matmul(dropout(softmax(scale(matmul(q, kᵀ)))), v) is scaled dot-product attention."""
    weights, value = builder[node.inputs[0]], node.inputs[1]
    rate = 0.0
    if weights.op == "dropout":
        rate, weights = float(weights.get("p")), builder[weights.inputs[0]]
    if weights.op != "softmax.int" or weights.get("dim") != len(weights.shape) - 1:
        return None
    scores, mask = scores_and_mask(builder, builder[weights.inputs[0]])
    factor = 1.0
    if scores.op == "scale":
        factor, scores = scores.get("factor"), builder[scores.inputs[0]]
    if scores.op != "matmul":
        return None
    query, turned = scores.inputs
    rank = len(builder.shape(turned))
    key = builder.rearrange(turned, permuted(builder.shape(turned), (*range(rank - 2), rank - 1, rank - 2)), like=node)
    if len({builder.shape(tensor)[:-2] for tensor in (query, key, value)}) != 1:
        return None
    attributes = {"scale": factor, "dropout_p": rate, "is_causal": False, "masked": bool(mask)}
    return builder.make("scaled_dot_product_attention", (query, key, value, *mask), node.shape, like=node,
                     attributes=attributes)  # fmt: skip


RULES = (
    Rule("attention's scale", ("scaled_dot_product_attention",), _explicit, silent=True),
    Rule("a constant mask of attention", ("scaled_dot_product_attention",), simpler_mask),
    Rule("softmax", ("softmax.int", "_softmax"), _softmax, silent=True),
    Rule("a factor is drawn out of a matrix product", ("matmul",), _matmul, silent=True),
    Rule("attention spelled out", ("matmul",), _attention),
)  # fmt: skip
