"""Rules of the canonical form for products under other names, as einsum, and for fused sums and products."""

from __future__ import annotations

from dataclasses import replace

from diagnose.diff.canonical.axes import permuted, reshaped
from diagnose.diff.canonical.builder import GraphBuilder, Rule, numel, slots
from diagnose.diff.canonical.rules.arithmetic import is_weight, reduced, scaled
from diagnose.diff.canonical.rules.norm import without_unit_axes
from diagnose.diff.ir.graph import Node


def _einsum(builder: GraphBuilder, node: Node) -> int | None:
    """An einsum of two tensors is a matrix product, or with a weight a linear layer, between arrangements."""
    left, arrow, out = str(node.get("equation")).replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow or len(terms) != 2 or "." in left or any(len(set(term)) != len(term) for term in (*terms, out)):
        return None
    operand_a, operand_b = zip(terms, node.inputs, strict=True)
    if is_weight(builder, operand_a[1]) and not is_weight(builder, operand_b[1]):
        operand_a, operand_b = operand_b, operand_a
    both = [name for name in operand_a[0] if name in operand_b[0]]
    batch, contracted = [n for n in both if n in out], [n for n in both if n not in out]
    rows, columns = [n for n in operand_a[0] if n not in both], [n for n in operand_b[0] if n not in both]
    if not contracted or set(out) != {*batch, *rows, *columns}:
        return None
    sizes = {
        name: size
        for term, value in (operand_a, operand_b)
        for name, size in zip(term, builder.shape(value), strict=True)
    }
    if is_weight(builder, operand_b[1]) and not batch:
        value = _arranged(builder, node, operand_a, rows, contracted, sizes)
        weight = _arranged(builder, node, operand_b, columns, contracted, sizes, merged=True)
        shape = (*(sizes[name] for name in rows), numel(tuple(sizes[name] for name in columns)))
        result = builder.make(
            "linear", (value, weight), shape, like=node, attributes={"slots": slots("input", "weight")}
        )
    else:
        value = _arranged(builder, node, operand_a, (*batch, *rows), contracted, sizes, lead=len(batch))
        turned = _arranged(builder, node, operand_b, (*batch, *contracted), columns, sizes, lead=len(batch))
        shape = (*builder.shape(value)[:-1], builder.shape(turned)[-1])
        result = builder.make("matmul", (value, turned), shape, like=node, attributes={"slots": slots("self", "other")})
    names = [*batch, *rows, *columns]
    whole = tuple(sizes[name] for name in names)
    result = builder.rearrange(result, reshaped(builder.shape(result), whole), like=node)
    return builder.rearrange(result, permuted(whole, tuple(names.index(name) for name in out)), like=node)


def _arranged(
    builder: GraphBuilder, node: Node, term: tuple[str, int], first: object, last: object, sizes: dict[str, int],
    lead: int | None = None, *, merged: bool = False,
) -> int:  # fmt: skip
    """Bring a tensor's axes into the order `first` and then `last`, and merge the `last` ones.

    If `lead` is given, so many of the `first` axes stay apart and the others are merged; `merged` merges all of them.
    """
    heads, tails = list(first), list(last)  # type: ignore[call-overload]
    names, value = term
    value = builder.rearrange(
        value, permuted(builder.shape(value), tuple(names.index(n) for n in (*heads, *tails))), like=node
    )
    lengths = [sizes[name] for name in heads]
    if merged:
        lengths = [numel(tuple(lengths))]
    elif lead is not None:
        lengths = [*lengths[:lead], numel(tuple(lengths[lead:]))]
    shape = (*lengths, numel(tuple(sizes[name] for name in tails)))
    return builder.rearrange(value, reshaped(builder.shape(value), shape), like=node)


def _addcmul(builder: GraphBuilder, node: Node) -> int | None:
    """The sum a + c · (b ⊙ d)."""
    base, *factors = node.inputs
    if len(factors) != 2 or not node.dtype.startswith("float"):
        return None
    product = builder.make("mul", factors, node.shape, like=node)
    return builder.make(
        "add", (base, scaled(builder, product, float(node.get("value", 1)), node)), node.shape, like=node
    )


def _lerp(builder: GraphBuilder, node: Node) -> int | None:
    """(1 − w) · a + w · b."""
    weight = node.get("weight")
    if not isinstance(weight, (int, float)) or any(builder.shape(value) != node.shape for value in node.inputs):
        return None
    start, end = node.inputs
    parts = scaled(builder, start, 1.0 - weight, node), scaled(builder, end, float(weight), node)
    return builder.make("add", parts, node.shape, like=node)


def _baddbmm(builder: GraphBuilder, node: Node) -> int | None:
    """α · (a @ b), where β is 0."""
    if node.get("beta") != 0:
        return None
    product = builder.make(
        "matmul", node.inputs[1:], node.shape, like=node, attributes={"slots": slots("self", "other")}
    )
    return scaled(builder, product, float(node.get("alpha", 1)), node)


def _weight_first(builder: GraphBuilder, node: Node) -> int | None:
    """W @ x, with a weight W, is a linear layer over the axis before the last."""
    weight, value = node.inputs
    shape = builder.shape(value)
    if not is_weight(builder, weight) or is_weight(builder, value) or len(builder.shape(weight)) != 2 or len(shape) < 2:
        return None
    order = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
    last = builder.rearrange(value, permuted(shape, order), like=node)
    result = builder.make("linear", (last, weight), (*builder.shape(last)[:-1], builder.shape(weight)[0]), like=node,
                       attributes={"slots": slots("input", "weight")})  # fmt: skip
    return builder.rearrange(result, permuted(builder.shape(result), order), like=node)


def _sum_of_stack(builder: GraphBuilder, node: Node) -> int | None:
    """The sum over the axis of a stack is the sum of the values that were stacked; their mean likewise."""
    source = builder[node.inputs[0]]
    dim = source.get("dim")
    if source.op != "cat" or node.get("over") != (dim,) or source.shape[dim] != len(source.inputs):
        return None
    parts = [builder.rearrange(value, reshaped(builder.shape(value), node.shape), like=node) for value in source.inputs]
    total = builder.make("add", parts, node.shape, like=node)
    return total if node.op == "sum" else scaled(builder, total, 1.0 / len(parts), node)


def _mean_of_means(builder: GraphBuilder, node: Node) -> int | None:
    """A mean of a mean is a mean over the dims of both, and a sum of a sum likewise."""
    outer, over = builder[node.inputs[0]], node.get("over")
    source = without_unit_axes(builder, outer.id)
    if over is None or source.op != node.op or source.get("over") is None:
        return None
    if source is not outer:
        kept = [dim for dim, size in enumerate(outer.shape) if size > 1]
        if 1 in source.shape or not set(over) <= set(kept):
            return None
        over = tuple(kept.index(dim) for dim in over)
    rank = len(builder.shape(source.inputs[0]))
    left = [dim for dim in range(rank) if dim not in source.get("over")]
    whole = tuple(sorted((*source.get("over"), *(left[dim] for dim in over))))
    return reduced(builder, replace(node, inputs=source.inputs), node.op, whole)


def _shuffled(builder: GraphBuilder, node: Node) -> int | None:
    """Pixel shuffle and its inverse only arrange axes."""
    n, c, h, w = builder.shape(node.inputs[0])
    if node.op == "pixel_shuffle":
        r = node.get("upscale_factor")
        split, order = (n, c // r**2, r, r, h, w), (0, 1, 4, 2, 5, 3)
    else:
        r = node.get("downscale_factor")
        split, order = (n, c, h // r, r, w // r, r), (0, 1, 3, 5, 2, 4)
    value = builder.rearrange(node.inputs[0], reshaped((n, c, h, w), split), like=node)
    value = builder.rearrange(value, permuted(split, order), like=node)
    return builder.rearrange(value, reshaped(builder.shape(value), node.shape), like=node)


RULES = (
    Rule("einsum as a matrix product", ("einsum",), _einsum),
    Rule("a sum with a product", ("addcmul",), _addcmul, silent=True),
    Rule("a weighted mean", ("lerp.Scalar",), _lerp, silent=True),
    Rule("a scaled matrix product", ("baddbmm",), _baddbmm, silent=True),
    Rule("a weight times a value as a linear layer", ("matmul",), _weight_first),
    Rule("a sum of a stack", ("sum", "mean"), _sum_of_stack, silent=True),
    Rule("a mean of means", ("sum", "mean"), _mean_of_means, silent=True),
    Rule("pixel shuffle as an arrangement of axes", ("pixel_shuffle", "pixel_unshuffle"), _shuffled, silent=True),
)  # fmt: skip
