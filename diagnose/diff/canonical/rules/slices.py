"""Rules of the canonical form for slices and concatenations; a slice moves as near to the leaves as it can."""

from __future__ import annotations

from diagnose.diff.canonical.axes import Arrangement, reshaped
from diagnose.diff.canonical.axis_moves import cut_before, fronted
from diagnose.diff.canonical.builder import GraphBuilder, Rule, arrangement_of
from diagnose.diff.ir.graph import Node


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
        return _strided(builder, node, dim, (start, stop, step))
    return _sliced(builder, node.inputs[0], dim, (start, stop), like=node)


def _strided(builder: GraphBuilder, node: Node, dim: int, bounds: tuple[int, int, int]) -> int | None:
    """Every k-th element of an axis is one column of the axis as rows of k."""
    shape = builder.shape(node.inputs[0])
    start, stop, step = bounds
    if shape[dim] % step or start >= step or stop <= shape[dim] - step + start:
        return None
    rows = (*shape[:dim], shape[dim] // step, step, *shape[dim + 1 :])
    value = builder.rearrange(node.inputs[0], reshaped(shape, rows), like=node)
    column = _sliced(builder, value, dim + 1, (start, start + 1), like=node)
    return builder.rearrange(column, reshaped(builder.shape(column), node.shape), like=node)


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
    """Cut features that are not side by side out of a linear layer, whose weight is reordered first."""
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
    """Join slices of one value if one begins where the other ends."""
    joined = [pieces[0]]
    for next_piece in pieces[1:]:
        a, b = builder[joined[-1]], builder[next_piece]
        adjoin = a.op == b.op == "slice" and a.inputs == b.inputs and a.get("dim") == b.get("dim") == dim
        if adjoin and a.get("stop") == b.get("start"):
            joined[-1] = _sliced(builder, a.inputs[0], dim, (a.get("start"), b.get("stop")), like=b)
        else:
            joined.append(next_piece)
    return joined


RULES = (
    Rule("select as a slice", ("select.int",), _select, silent=True),
    Rule("slice", ("slice.Tensor", "narrow"), _slice, silent=True),
    Rule("slice nearest to the leaves", ("slice",), _slice_of, silent=True),
    Rule("concatenation of concatenations", ("cat",), _cat, silent=True),
)
