"""Rules of the canonical form for sums, products, scalars, powers and reductions."""

from __future__ import annotations

from math import isclose

from diagnose.diff.canonical.axes import reshaped
from diagnose.diff.canonical.builder import GraphBuilder, Rule, arrangement_of, numel
from diagnose.diff.canonical.patterns import X, Y, formula_rule
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base, operation

_FLOATS = ("float32", "float64", "float16", "bfloat16")


def scalar_of(builder: GraphBuilder, node: Node, position: int, name: str) -> float | None:
    """Return the value of an operand that is a number, an attribute or a constant of one element; else None."""
    value = node.get(name)
    if isinstance(value, (int, float)):
        return float(value)
    if position >= len(node.inputs):
        return None
    leaf = builder[node.inputs[position]]
    values = leaf.get("values")
    if leaf.op == "constant" and leaf.shape == () and isinstance(values, tuple):
        return float(values[0])
    if leaf.op == "fill":  # as many numbers as the result has, or fewer
        return float(leaf.get("value"))
    return None


def _floating(builder: GraphBuilder, node: Node) -> bool:
    """Say whether an operation works on floats of one type, and on masks."""
    kinds = {builder[value].dtype for value in node.inputs}
    return node.dtype in _FLOATS and node.dtype in kinds and kinds <= {node.dtype, "bool"}


def scaled(builder: GraphBuilder, value: int, factor: float, like: Node) -> int:
    """Return a value times a number, at the place of the node `like`."""
    return builder.make("scale", (value,), builder.shape(value), like=like, attributes={"factor": factor})


def _shifted(builder: GraphBuilder, value: int, amount: float, like: Node) -> int:
    return builder.make("shift", (value,), builder.shape(value), like=like, attributes={"amount": amount})


def _operands(builder: GraphBuilder, node: Node) -> tuple[tuple[int, ...], float | None]:
    """Return the tensor operands and the scalar one of a binary operation."""
    second = scalar_of(builder, node, 1, "other")
    if second is not None and builder.shape(node.inputs[0]) == node.shape:
        return node.inputs[:1], second
    first = scalar_of(builder, node, 0, "self") if len(node.inputs) == 2 else None
    if first is not None and builder.shape(node.inputs[1]) == node.shape:
        return node.inputs[1:], first
    return node.inputs, None


def _add(builder: GraphBuilder, node: Node) -> int | None:
    if not _floating(builder, node):
        return None
    sign = -1.0 if base(node.op) in ("sub", "rsub") else 1.0
    alpha = float(node.get("alpha", 1)) * sign
    second = scalar_of(builder, node, 1, "other")
    if second is not None and builder.shape(node.inputs[0]) == node.shape:
        if base(node.op) == "rsub":
            return _shifted(builder, scaled(builder, node.inputs[0], alpha, node), second, node)
        return _shifted(builder, node.inputs[0], alpha * second, node)
    if len(node.inputs) != 2:
        return None
    first, addend = reversed(node.inputs) if base(node.op) == "rsub" else node.inputs
    number = scalar_of(builder, node, 0, "self")
    if number is not None and builder.shape(addend) == node.shape and base(node.op) != "rsub":
        return _shifted(builder, scaled(builder, addend, alpha, node), number, node)
    return builder.make("add", (first, scaled(builder, addend, alpha, node)), node.shape, like=node)


def _mul(builder: GraphBuilder, node: Node) -> int | None:
    if not _floating(builder, node):
        return None
    operands, number = _operands(builder, node)
    if number is not None:
        return scaled(builder, operands[0], number, node)
    return builder.make("mul", node.inputs, node.shape, like=node) if len(node.inputs) == 2 else None


def _div(builder: GraphBuilder, node: Node) -> int | None:
    if not _floating(builder, node) or node.get("rounding_mode"):
        return None
    number = scalar_of(builder, node, 1, "other")
    if number and builder.shape(node.inputs[0]) == node.shape:
        return scaled(builder, node.inputs[0], 1.0 / number, node)
    if len(node.inputs) != 2:
        return None
    numerator = scalar_of(builder, node, 0, "self")
    if numerator is not None and builder.shape(node.inputs[1]) == node.shape:
        return scaled(builder, _power(builder, node.inputs[1], -1.0, node), numerator, node)
    return builder.make("div", node.inputs, node.shape, like=node)


def _power(builder: GraphBuilder, value: int, exponent: float, like: Node) -> int:
    return builder.make("power", (value,), builder.shape(value), like=like, attributes={"exponent": exponent})


def _as_power(builder: GraphBuilder, node: Node) -> int | None:
    exponents = {"sqrt": 0.5, "rsqrt": -0.5, "reciprocal": -1.0, "square": 2.0}
    exponent = exponents.get(node.op, node.get("exponent"))
    if not isinstance(exponent, (int, float)) or not _floating(builder, node):
        return None
    return node.inputs[0] if exponent == 1 else _power(builder, node.inputs[0], float(exponent), node)


def _neg(builder: GraphBuilder, node: Node) -> int | None:
    return scaled(builder, node.inputs[0], -1.0, node) if _floating(builder, node) else None


def _shift(builder: GraphBuilder, node: Node) -> int | None:
    source, amount = builder[node.inputs[0]], node.get("amount")
    if amount == 0:
        return source.id
    if source.op == "shift":
        return _shifted(builder, source.inputs[0], source.get("amount") + amount, node)
    return None


def _scale(builder: GraphBuilder, node: Node) -> int | None:
    source, factor = builder[node.inputs[0]], node.get("factor")
    if isclose(factor, 1.0, rel_tol=1e-12):
        return source.id
    if source.op == "scale":
        return scaled(builder, source.inputs[0], source.get("factor") * factor, node)
    if source.op == "sum" and isclose(factor * numel(builder.shape(source.inputs[0])), numel(source.shape)):
        return builder.make("mean", source.inputs, source.shape, like=node, attributes=dict(source.attributes))
    return None


def _unscaled(builder: GraphBuilder, node: Node) -> int | None:
    """A scalar factor of an operand is a factor of the whole product."""
    factor, written = 1.0, node
    values: list[int] = []
    for value in node.inputs:
        source = builder[value]
        arranged = source if source.op == "rearrange" else None
        source = source if arranged is None else builder[arranged.inputs[0]]
        if source.op == "scale" and not (node.op == "div" and values):
            factor, written = factor * source.get("factor"), source
            value = source.inputs[0]
            if arranged is not None:
                value = builder.rearrange(value, arrangement_of(arranged), like=arranged)
        values.append(value)
    if tuple(values) == node.inputs:
        return None
    result = builder.make(node.op, values, node.shape, like=node, attributes=dict(node.attributes))
    return scaled(builder, result, factor, written)


def _unexpanded(builder: GraphBuilder, node: Node) -> int | None:
    """Broadcasting makes `expand` needless in an elementwise operation."""
    values = [builder[value].inputs[0] if builder[value].op == "expand" else value for value in node.inputs]
    shapes = [builder.shape(value) for value in values]
    if tuple(values) == node.inputs or broadcast(shapes) != node.shape:
        return None
    return builder.make(node.op, values, node.shape, like=node, attributes=dict(node.attributes))


def _unit_axes(builder: GraphBuilder, node: Node) -> int | None:
    """Leading axes of size 1 can be left out of a weight or constant: it is broadcast all the same."""
    values = []
    for value in node.inputs:
        shape = builder.shape(value)
        short = shape
        while len(short) > 1 and short[0] == 1:
            short = short[1:]
        fixed = is_weight(builder, value) or builder[value].op in ("constant", "fill")
        views = fixed and short != shape and len(node.inputs) > 1
        values.append(builder.rearrange(value, reshaped(shape, short), like=node) if views else value)
    if tuple(values) == node.inputs or broadcast([builder.shape(value) for value in values]) != node.shape:
        return None
    return builder.make(node.op, values, node.shape, like=node, attributes=dict(node.attributes))


def is_weight(builder: GraphBuilder, value: int) -> bool:
    """Say whether a value is a weight or a view of one."""
    node = builder[value]
    while operation(node.op).is_view:
        node = builder[node.inputs[0]]
    return operation(node.op).is_weight


def broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape that tensors of several shapes are broadcast to."""
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(max(sizes) for sizes in zip(*padded, strict=True))


def _reduce(builder: GraphBuilder, node: Node) -> int | None:
    """Sums and means have one form: they name sorted dims, and do not keep them."""
    kind = base(node.op)
    if node.get("over") is not None or node.get("dtype") not in (None, node.dtype) or not _floating(builder, node):
        return None
    return reduced(builder, node, kind, dims_of(builder, node))


def dims_of(builder: GraphBuilder, node: Node) -> tuple[int, ...]:
    """Return the dims that a reduction names, counted from the front and sorted; all dims if it names none."""
    rank = len(builder.shape(node.inputs[0]))
    dims = node.get("dim")
    dims = (dims,) if isinstance(dims, int) else dims
    return tuple(sorted({dim % rank for dim in dims})) if dims else tuple(range(rank))


def reduced(builder: GraphBuilder, node: Node, kind: str, over: tuple[int, ...]) -> int:
    """Return the reduction of the node's input over the dims `over`, in the node's shape."""
    source = builder.shape(node.inputs[0])
    kept = tuple(size for dim, size in enumerate(source) if dim not in over)
    value = builder.make(kind, node.inputs[:1], kept, like=node, attributes={"over": over})
    return builder.rearrange(value, reshaped(kept, node.shape), like=node)


_BINARY = ("add", "mul", "div", "maximum", "minimum")

RULES = (
    Rule("expand before broadcasting", (*_BINARY, "add.Tensor", "sub.Tensor", "mul.Tensor", "div.Tensor"), _unexpanded,
         silent=True),
    Rule("leading axes of a broadcast weight", ("add", "mul", "div"), _unit_axes, silent=True),
    Rule("sum, difference, or sum with a number", ("add.Tensor", "add.Scalar", "sub.Tensor", "sub.Scalar",
                                                   "rsub.Tensor", "rsub.Scalar"), _add, silent=True),
    Rule("product, or product with a number", ("mul.Tensor", "mul.Scalar"), _mul, silent=True),
    Rule("quotient, or quotient by a number", ("div.Tensor", "div.Scalar", "div.Tensor_mode"), _div, silent=True),
    Rule("negation as a factor", ("neg",), _neg, silent=True),
    Rule("roots and reciprocals as powers", ("pow.Tensor_Scalar", "sqrt", "rsqrt", "reciprocal", "square"), _as_power,
         silent=True),
    Rule("x + 0, and sums of numbers", ("shift",), _shift, silent=True),
    Rule("x · 1, and products of numbers", ("scale",), _scale, silent=True),
    Rule("a factor is drawn out of a product", ("mul", "div"), _unscaled, silent=True),
    formula_rule("x · x is a square", (X * X, X**2)),
    formula_rule("a product with a reciprocal is a quotient", (X * Y**-1, X / Y), silent=True),
    Rule("reductions", ("mean", "mean.dim", "sum", "sum.dim_IntList"), _reduce, silent=True),
)  # fmt: skip
