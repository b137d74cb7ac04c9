"""Rules of the canonical form for what only moves values: reshapes, permutations, slices, concatenations."""

from __future__ import annotations

from diagnose.diff.canonical.axes import (
    Arrangement,
    cut_before,
    fronted,
    normal,
    permuted,
    reshaped,
    rows_in_order,
    with_last,
)
from diagnose.diff.canonical.builder import GraphBuilder, Rule, arrangement_of
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import ROWS

ELEMENTWISE = tuple(row.name for row in ROWS if row.elementwise)


def _reshape(builder: GraphBuilder, node: Node) -> int:
    (value, *_) = node.inputs
    return builder.rearrange(value, reshaped(builder.shape(value), node.shape), like=node)


def _permute(builder: GraphBuilder, node: Node) -> int | None:
    source = builder.shape(node.inputs[0])
    rank = len(source)
    if node.op == "permute":
        order = [dim % rank for dim in node.get("dims")]
    elif node.op in ("t", "numpy_T"):
        order = list(reversed(range(rank)))
    elif node.op in ("transpose.int", "swapaxes", "swapdims", "mT", "adjoint"):
        dim_a, dim_b = node.get("dim0", node.get("axis0", -2)) % rank, node.get("dim1", node.get("axis1", -1)) % rank
        order = list(range(rank))
        order[dim_a], order[dim_b] = dim_b, dim_a
    else:
        moved = [dim % rank for dim in _several(node.get("source"))]
        targets = [dim % rank for dim in _several(node.get("destination"))]
        rest = iter(dim for dim in range(rank) if dim not in moved)
        order = [moved[targets.index(dim)] if dim in targets else next(rest) for dim in range(rank)]
    return builder.rearrange(node.inputs[0], permuted(source, tuple(order)), like=node)


def _several(dims: int | tuple[int, ...]) -> tuple[int, ...]:
    return (dims,) if isinstance(dims, int) else dims


def _channel_shuffle(builder: GraphBuilder, node: Node) -> int:
    n, c, *space = builder.shape(node.inputs[0])
    split = (n, node.get("groups"), c // node.get("groups"), *space)
    order = (0, 2, 1, *range(3, len(split)))
    return builder.rearrange(node.inputs[0], Arrangement(split, order, node.shape), like=node)


def _select(builder: GraphBuilder, node: Node) -> int:
    source = builder.shape(node.inputs[0])
    dim = node.get("dim") % len(source)
    index = node.get("index") % source[dim]
    piece = _sliced(builder, node.inputs[0], dim, (index, index + 1), like=node)
    return builder.rearrange(piece, reshaped(builder.shape(piece), node.shape), like=node)


def _slice(builder: GraphBuilder, node: Node) -> int | None:
    source = builder.shape(node.inputs[0])
    dim = node.get("dim") % len(source)
    if node.op == "narrow":
        start, stop, step = node.get("start") % source[dim], 0, 1
        stop = start + node.get("length")
    else:
        start, stop, _ = slice(node.get("start"), node.get("end")).indices(source[dim])
        step = node.get("step")
    if step != 1:
        return None
    return _sliced(builder, node.inputs[0], dim, (start, stop), like=node)


def _sliced(builder: GraphBuilder, value: int, dim: int, bounds: tuple[int, int], *, like: Node) -> int:
    shape = tuple(bounds[1] - bounds[0] if axis == dim else size for axis, size in enumerate(builder.shape(value)))
    attributes = {"dim": dim, "start": bounds[0], "stop": bounds[1]}
    return builder.make("slice", (value,), shape, like=like, attributes=attributes, dtype=builder[value].dtype)


def _slice_of(builder: GraphBuilder, node: Node) -> int | None:
    """Move a slice towards the leaves: through a slice, an arrangement, a concatenation, a linear layer."""
    source = builder[node.inputs[0]]
    dim, start, stop = node.get("dim"), node.get("start"), node.get("stop")
    if (start, stop) == (0, source.shape[dim]):
        return source.id
    if source.op == "slice" and source.get("dim") == dim:
        offset = source.get("start")
        return _sliced(builder, source.inputs[0], dim, (offset + start, offset + stop), like=node)
    if source.op == "rearrange":
        cut = cut_before(builder.shape(source.inputs[0]), arrangement_of(source), dim, (start, stop))
        if cut is not None:
            piece = _sliced(builder, source.inputs[0], cut.dim, (cut.start, cut.stop), like=node)
            return builder.rearrange(piece, cut.arrangement, like=node)
        if builder[source.inputs[0]].op == "linear":
            return _slice_of_features(builder, node, source)
    if source.op == "cat" and source.get("dim") == dim:
        return _slice_of_cat(builder, node, source)
    if source.op == "linear" and dim == len(source.shape) - 1:
        weight = _sliced(builder, source.inputs[1], 0, (start, stop), like=node)
        bias = [_sliced(builder, value, 0, (start, stop), like=node) for value in source.inputs[2:]]
        return builder.make("linear", (source.inputs[0], weight, *bias), node.shape, like=source,
                         attributes=dict(source.attributes))  # fmt: skip
    return None


def _slice_of_features(builder: GraphBuilder, node: Node, source: Node) -> int | None:
    """Cut features that stand apart out of a linear layer's output: its weight's rows are put side by side first."""
    layer = builder[source.inputs[0]]
    dim, start, stop = node.get("dim"), node.get("start"), node.get("stop")
    front = fronted(layer.shape, arrangement_of(source), dim, (start, stop))
    if front is None:
        return None
    value, *state = layer.inputs
    moved = []
    for rows in state:
        shape = builder.shape(rows)
        rest = range(len(front.order), len(front.order) + len(shape) - 1)
        order = Arrangement((*front.split, *shape[1:]), (*front.order, *rest), shape)
        moved.append(builder.rearrange(rows, order, like=node))
    features = builder.make("linear", (value, *moved), layer.shape, like=layer, attributes=dict(layer.attributes))
    return _sliced(builder, builder.rearrange(features, front.arrangement, like=source), dim, (start, stop), like=node)


def _slice_of_cat(builder: GraphBuilder, node: Node, source: Node) -> int:
    """A slice of a concatenation is a concatenation of slices."""
    dim, position = node.get("dim"), 0
    pieces: list[int] = []
    for piece in source.inputs:
        end = position + builder.shape(piece)[dim]
        low, high = max(node.get("start"), position), min(node.get("stop"), end)
        if low < high:
            pieces.append(_sliced(builder, piece, dim, (low - position, high - position), like=node))
        position = end
    return (
        pieces[0] if len(pieces) == 1 else builder.make("cat", pieces, node.shape, like=node, attributes={"dim": dim})
    )


def _cat(builder: GraphBuilder, node: Node) -> int | None:
    dim = node.get("dim") % len(node.shape)
    pieces: list[int] = []
    for value in node.inputs:
        source = builder[value]
        pieces += source.inputs if source.op == "cat" and source.get("dim") == dim else [value]
    joined = _adjoining(builder, pieces, dim)
    if len(joined) == 1:
        return joined[0]
    if node.get("slots") is None and tuple(joined) == node.inputs and node.get("dim") == dim:
        return None
    return builder.make("cat", joined, node.shape, like=node, attributes={"dim": dim})


def _adjoining(builder: GraphBuilder, pieces: list[int], dim: int) -> list[int]:
    """Join neighbouring slices of one value that adjoin."""
    joined = [pieces[0]]
    for next_piece in pieces[1:]:
        a, b = builder[joined[-1]], builder[next_piece]
        adjoin = a.op == b.op == "slice" and a.inputs == b.inputs and a.get("dim") == b.get("dim") == dim
        if adjoin and a.get("stop") == b.get("start"):
            joined[-1] = _sliced(builder, a.inputs[0], dim, (a.get("start"), b.get("stop")), like=b)
        else:
            joined.append(next_piece)
    return joined


def _stack(builder: GraphBuilder, node: Node) -> int:
    dim = node.get("dim") % len(node.shape)
    single = tuple(1 if axis == dim else size for axis, size in enumerate(node.shape))
    pieces = [builder.rearrange(value, reshaped(builder.shape(value), single), like=node) for value in node.inputs]
    return builder.make("cat", pieces, node.shape, like=node, attributes={"dim": dim})


def _after_unary(builder: GraphBuilder, node: Node) -> int | None:
    """f(arranged x) = arranged f(x), where f treats every element alike."""
    source = builder[node.inputs[0]]
    if source.op != "rearrange" or len(node.inputs) != 1:
        return None
    inner = builder.shape(source.inputs[0])
    value = builder.make(node.op, source.inputs, inner, like=node, attributes=dict(node.attributes))
    return builder.rearrange(value, arrangement_of(source), like=source)


def _after_rowwise(builder: GraphBuilder, node: Node) -> int | None:
    """A layer that acts on the last dim alone lets the other axes be arranged after it."""
    source = builder[node.inputs[0]]
    if source.op != "rearrange" or not node.shape:
        return None
    inner = builder.shape(source.inputs[0])
    if node.op == "layer_norm" and len(node.get("normalized_shape")) != 1:
        return None
    if node.op == "softmax.int" and node.get("dim") % len(node.shape) != len(node.shape) - 1:
        return None
    arrangement = with_last(inner, arrangement_of(source), node.shape[-1]) if inner else None
    if arrangement is None:
        return _rows_in_order(builder, node, source) if node.op == "linear" else None
    attributes = dict(node.attributes)
    if node.op == "softmax.int":
        attributes["dim"] = len(inner) - 1
    value = builder.make(node.op, (source.inputs[0], *node.inputs[1:]), (*inner[:-1], node.shape[-1]), like=node,
                      attributes=attributes)  # fmt: skip
    return builder.rearrange(value, arrangement, like=source)


def _rows_in_order(builder: GraphBuilder, node: Node, source: Node) -> int | None:
    """A linear layer reads its rows in the order of the source; they are brought into another order after it."""
    inner = builder.shape(source.inputs[0])
    rows = rows_in_order(inner, arrangement_of(source))
    if rows is None or rows.before == arrangement_of(source):
        return None
    value = builder.rearrange(source.inputs[0], rows.before, like=source)
    lead = rows.before.shape[:-1]
    attributes = dict(node.attributes)
    result = builder.make(
        "linear", (value, *node.inputs[1:]), (*lead, node.shape[-1]), like=node, attributes=attributes
    )
    back = Arrangement((*rows.atoms, node.shape[-1]), (*rows.order, len(rows.atoms)), node.shape)
    return builder.rearrange(result, normal(back), like=source)


def _after_sum(builder: GraphBuilder, node: Node) -> int | None:
    """An elementwise operation on values arranged alike is arranged after it."""
    sources = [builder[value] for value in node.inputs]
    if len(sources) < 2 or any(source.op != "rearrange" for source in sources):
        return None
    first = sources[0]
    inner = builder.shape(first.inputs[0])
    if any(s.attributes != first.attributes or s.shape != first.shape or builder.shape(s.inputs[0]) != inner
           for s in sources):  # fmt: skip
        return None
    value = builder.make(node.op, [s.inputs[0] for s in sources], inner, like=node, attributes=dict(node.attributes))
    return builder.rearrange(value, arrangement_of(first), like=first)


def _expand(builder: GraphBuilder, node: Node) -> int | None:
    if node.op == "expand_as" or node.get("size") != node.shape:
        return builder.make("expand", node.inputs[:1], node.shape, like=node, attributes={"size": node.shape})
    return node.inputs[0] if builder.shape(node.inputs[0]) == node.shape else None


RULES = (
    Rule("reshape", ("view", "reshape", "flatten.using_ints", "unsqueeze", "squeeze", "squeeze.dim", "squeeze.dims",
                     "unflatten.int", "_unsafe_view", "view_as", "reshape_as", "_reshape_alias"), _reshape,
         silent=True),
    Rule("permute", ("permute", "t", "numpy_T", "transpose.int", "swapaxes", "swapdims", "mT", "adjoint",
                     "movedim.int", "movedim.intlist", "moveaxis.int"), _permute, silent=True),
    Rule("channel shuffle as an arrangement of axes", ("channel_shuffle",), _channel_shuffle),
    Rule("select as a slice", ("select.int",), _select, silent=True),
    Rule("slice", ("slice.Tensor", "narrow"), _slice, silent=True),
    Rule("slice nearest to the leaves", ("slice",), _slice_of, silent=True),
    Rule("concatenation of concatenations", ("cat",), _cat, silent=True),
    Rule("stack as a concatenation", ("stack",), _stack, silent=True),
    Rule("axes arranged after an elementwise operation", ELEMENTWISE, _after_unary, silent=True),
    Rule("axes arranged after a layer on the last dim", ("linear", "layer_norm", "softmax.int"), _after_rowwise,
         silent=True),
    Rule("axes arranged after a sum or product", ("add", "mul", "div", "maximum", "minimum"), _after_sum, silent=True),
    Rule("expand", ("expand", "expand_as"), _expand, silent=True),
)  # fmt: skip
