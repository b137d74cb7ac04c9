"""Rules of the canonical form for reshapes and permutations, and for what may change places with them."""

from __future__ import annotations

from diagnose.diff.canonical.axes import Arrangement, composed, normal, permuted, reshaped
from diagnose.diff.canonical.axis_moves import rows_in_order, with_last
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


def _stack(builder: GraphBuilder, node: Node) -> int:
    dim = node.get("dim") % len(node.shape)
    single = tuple(1 if axis == dim else size for axis, size in enumerate(node.shape))
    pieces = [builder.rearrange(value, reshaped(builder.shape(value), single), like=node) for value in node.inputs]
    return builder.make("cat", pieces, node.shape, like=node, attributes={"dim": dim})


def _arranged_twice(builder: GraphBuilder, node: Node) -> int | None:
    """Two arrangements in a row are one, also where rules brought them together."""
    source = builder[node.inputs[0]]
    if source.op != "rearrange" or composed(arrangement_of(source), arrangement_of(node)) is None:
        return None
    return builder.rearrange(node.inputs[0], arrangement_of(node), like=node)


def _after_unary(builder: GraphBuilder, node: Node) -> int | None:
    """f(arranged x) = arranged f(x), where f treats every element alike."""
    source = builder[node.inputs[0]]
    if source.op != "rearrange" or len(node.inputs) != 1:
        return None
    inner = builder.shape(source.inputs[0])
    value = builder.make(node.op, source.inputs, inner, like=node, attributes=dict(node.attributes))
    return builder.rearrange(value, arrangement_of(source), like=source)


def _after_rowwise(builder: GraphBuilder, node: Node) -> int | None:
    """The axes before the last one may be arranged after a layer that works on the last one alone."""
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
    """A linear layer reads its rows in the order of the source, and the rows are reordered after it."""
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
    """A sum or product of values that are arranged in one way is arranged after it."""
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
    if node.op == "expand_as" or dict(node.attributes) != {"size": node.shape}:
        return builder.make("expand", node.inputs[:1], node.shape, like=node, attributes={"size": node.shape})
    return node.inputs[0] if builder.shape(node.inputs[0]) == node.shape else None


RULES = (
    Rule("reshape", ("view", "reshape", "flatten.using_ints", "unsqueeze", "squeeze", "squeeze.dim", "squeeze.dims",
                     "unflatten.int", "_unsafe_view", "view_as", "reshape_as", "_reshape_alias"), _reshape,
         silent=True),
    Rule("permute", ("permute", "t", "numpy_T", "transpose.int", "swapaxes", "swapdims", "mT", "adjoint",
                     "movedim.int", "movedim.intlist", "moveaxis.int"), _permute, silent=True),
    Rule("an arrangement of an arrangement", ("rearrange",), _arranged_twice, silent=True),
    Rule("channel shuffle as an arrangement of axes", ("channel_shuffle",), _channel_shuffle),
    Rule("stack as a concatenation", ("stack",), _stack, silent=True),
    Rule("axes arranged after an elementwise operation", ELEMENTWISE, _after_unary, silent=True),
    Rule("axes arranged after a layer on the last dim", ("linear", "layer_norm", "softmax.int"), _after_rowwise,
         silent=True),
    Rule("axes arranged after a sum or product", ("add", "mul", "div", "maximum", "minimum"), _after_sum, silent=True),
    Rule("expand", ("expand", "expand_as"), _expand, silent=True),
)  # fmt: skip
