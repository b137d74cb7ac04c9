"""The mask of an attention that no input decides: true everywhere, causal, or a table of what each query may see.

Numbers that are added to the scores, 0 or −∞, a fill of the scores, and truth values are one mask. Where a query sees
nothing at all, the ways to write it differ (NaN, zeros, a mean over all), and no rule applies.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diagnose.diff.canonical.builder import GraphBuilder
from diagnose.diff.ir.graph import Node

HIDDEN = -1e9
"""A number that hides a position if it is added to its score, or put in its place: its exponential is exactly 0."""


def scores_and_mask(builder: GraphBuilder, total: Node) -> tuple[Node, list[int]]:
    """Return the scores of an attention, and its mask where it has one, of what its softmax reads."""
    if total.op == "add" and len(total.inputs) == 2:
        for value, addend in (total.inputs, total.inputs[::-1]):
            if _is_product(builder, value):
                return builder[value], [addend]
    seen = _chosen(builder, total)
    if seen is not None and _is_product(builder, seen[0]):
        seeing = _table(seen[1], builder.shape(seen[0]))
        if seeing is not None:
            return builder[seen[0]], [builder.constant(seeing, like=total, dtype="bool")]
    return total, []


def _is_product(builder: GraphBuilder, value: int) -> bool:
    scores = builder[value]
    inner = builder[scores.inputs[0]] if scores.op == "scale" else scores
    return inner.op == "matmul"


def _chosen(builder: GraphBuilder, node: Node) -> tuple[int, Tensor] | None:
    """Return the scores that a node hides in part, and a constant that is true where it keeps them."""
    if node.op == "masked_fill.Scalar":
        hiding = builder.tensor(node.inputs[1])
        hides = hiding is not None and node.get("value") <= HIDDEN
        return (node.inputs[0], ~hiding.bool()) if hiding is not None and hides else None
    if node.op in ("where.self", "where.ScalarOther", "masked_fill.Tensor"):
        condition, value = (node.inputs[0], node.inputs[1]) if node.op[0] == "w" else (node.inputs[1], node.inputs[0])
        keeping, other = builder.tensor(condition), node.get("other")
        if len(node.inputs) == 3:
            filling = builder.tensor(node.inputs[2])
            other = float(filling.max()) if filling is not None else None
        if keeping is None or not isinstance(other, (int, float)) or other > HIDDEN:
            return None
        return value, keeping.bool() if node.op[0] == "w" else ~keeping.bool()
    return None


def _table(seeing: Tensor, scores: tuple[int, ...]) -> Tensor | None:
    """Return what each query sees as a table (queries, keys), or with the leading axes if it differs along them.

    None where a query sees nothing.
    """
    if len(scores) < 2 or seeing.ndim > len(scores):
        return None
    lead = (1,) * (len(scores) - seeing.ndim) + tuple(seeing.shape)
    whole = seeing.reshape(lead).expand(*lead[:-2], *scores[-2:])
    if not bool(whole.any(-1).all()):
        return None
    flat = whole.reshape(-1, *scores[-2:])
    return flat[0].contiguous() if bool((flat == flat[:1]).all()) else whole.contiguous()


def simpler_mask(builder: GraphBuilder, node: Node) -> int | None:
    """A mask that hides nothing is none, one that hides all later keys is causal, and one of 0 and −∞ is of truths."""
    attributes = dict(node.attributes)
    if not attributes.get("masked") or attributes.get("is_causal") or len(node.inputs) != 4:
        return None
    query, key, value, mask = node.inputs
    given = builder.tensor(mask)
    if given is None or not (given.dtype is torch.bool or bool(((given == 0) | (given <= HIDDEN)).all())):
        return None
    queries, keys = builder.shape(query)[-2], builder.shape(key)[-2]
    table = _table(given if given.dtype is torch.bool else given == 0, (*node.shape[:-2], queries, keys))
    if table is None:
        return None
    if bool(table.all()):
        return builder.make(node.op, (query, key, value), node.shape, like=node,
                            attributes=attributes | {"masked": False})  # fmt: skip
    if queries == keys and torch.equal(table, torch.ones_like(table).tril()):
        return builder.make(node.op, (query, key, value), node.shape, like=node,
                            attributes=attributes | {"masked": False, "is_causal": True})  # fmt: skip
    truths = builder.constant(table, like=node, dtype="bool")
    if truths == mask:
        return None
    return builder.make(node.op, (query, key, value, truths), node.shape, like=node, attributes=attributes)
