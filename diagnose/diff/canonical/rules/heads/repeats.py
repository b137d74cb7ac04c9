"""Rules of the canonical form for values that are repeated: the keys and values that several queries share."""

from __future__ import annotations

from diagnose.diff.canonical.axes import reshaped
from diagnose.diff.canonical.builder import GraphBuilder, Rule
from diagnose.diff.ir.graph import Node


def repeated(builder: GraphBuilder, value: int, dim: int, times: int, *, like: Node) -> int:
    """Return a value with each of its slices along an axis repeated, side by side."""
    shape = builder.shape(value)
    single, several = (*shape[: dim + 1], 1, *shape[dim + 1 :]), (*shape[: dim + 1], times, *shape[dim + 1 :])
    merged = (*shape[:dim], shape[dim] * times, *shape[dim + 1 :])
    apart = builder.rearrange(value, reshaped(shape, single), like=like)
    spread = builder.make("expand", (apart,), several, like=like, attributes={"size": several},
                          dtype=builder[value].dtype)  # fmt: skip
    return builder.rearrange(spread, reshaped(several, merged), like=like)


def _interleaved(builder: GraphBuilder, node: Node) -> int | None:
    """Each slice repeated, side by side, is an expansion that is merged."""
    times, dim = node.get("repeats"), node.get("dim")
    if not isinstance(times, int) or dim is None or len(node.inputs) != 1:
        return None
    return repeated(builder, node.inputs[0], dim % len(node.shape), times, like=node)


def _tiled(builder: GraphBuilder, node: Node) -> int | None:
    """The whole repeated along its axes is an expansion by an axis before each."""
    shape, times = builder.shape(node.inputs[0]), node.get("repeats")
    if times is None or len(times) < len(shape):
        return None
    padded = (*(1 for _ in range(len(times) - len(shape))), *shape)
    pairs = list(zip(times, padded, strict=True))
    single = tuple(size for count, length in pairs for size in ((1, length) if count > 1 else (length,)))
    several = tuple(size for count, length in pairs for size in ((count, length) if count > 1 else (length,)))
    apart = builder.rearrange(node.inputs[0], reshaped(shape, single), like=node)
    spread = builder.make("expand", (apart,), several, like=node, attributes={"size": several})
    return builder.rearrange(spread, reshaped(several, node.shape), like=node)


def _grouped_queries(builder: GraphBuilder, node: Node) -> int | None:
    """Attention in which several heads of queries share one of keys and values repeats these."""
    if not node.get("enable_gqa"):
        return None
    query, key, value, *mask = node.inputs
    heads = [builder.shape(part)[-3] for part in (query, key, value)]
    if heads[0] % heads[1] or heads[1] != heads[2]:
        return None
    dim, times = len(node.shape) - 3, heads[0] // heads[1]
    spread = [part if times == 1 else repeated(builder, part, dim, times, like=node) for part in (key, value)]
    attributes = dict(node.attributes) | {"enable_gqa": False}
    return builder.make(node.op, (query, *spread, *mask), node.shape, like=node, attributes=attributes)


def _without_unit_axes(builder: GraphBuilder, node: Node) -> int | None:
    """Axes of size 1 have no part in an expansion."""
    source = builder.shape(node.inputs[0])
    kept = [axis for axis, size in enumerate(node.shape) if size > 1]
    if not kept or len(kept) == len(node.shape) or len(source) != len(node.shape):
        return None
    inner, outer = (tuple(shape[axis] for axis in kept) for shape in (source, node.shape))
    squeezed = builder.rearrange(node.inputs[0], reshaped(source, inner), like=node)
    spread = builder.make("expand", (squeezed,), outer, like=node, attributes={"size": outer})
    return builder.rearrange(spread, reshaped(outer, node.shape), like=node)


RULES = (
    Rule("unit axes of an expansion", ("expand",), _without_unit_axes, silent=True),
    Rule("slices repeated side by side", ("repeat_interleave.self_int",), _interleaved),
    Rule("a value repeated as a whole", ("repeat", "tile"), _tiled),
    Rule("heads of queries that share keys and values", ("scaled_dot_product_attention",), _grouped_queries),
)
