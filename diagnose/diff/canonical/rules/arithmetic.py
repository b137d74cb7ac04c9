"""Rules of the canonical form for sums, products, scalars, powers and reductions."""

from __future__ import annotations

from math import isclose

from diagnose.diff.canonical.axes import reshaped
from diagnose.diff.canonical.builder import STATE, VIEWS, Form, Rule, numel
from diagnose.diff.ir.graph import Node

_FLOATS = ("float32", "float64", "float16", "bfloat16")


def scalar_of(form: Form, node: Node, position: int, name: str) -> float | None:
    """Return an operand that is a number: an attribute, or a constant of one element."""
    value = node.get(name)
    if isinstance(value, (int, float)):
        return float(value)
    if position >= len(node.inputs):
        return None
    leaf = form[node.inputs[position]]
    values = leaf.get("values")
    if leaf.op == "constant" and leaf.shape == () and isinstance(values, tuple):
        return float(values[0])
    return None


def _floating(form: Form, node: Node) -> bool:
    """Say whether an operation works on floats of one type; a mask may stand among them."""
    kinds = {form[value].dtype for value in node.inputs}
    return node.dtype in _FLOATS and node.dtype in kinds and kinds <= {node.dtype, "bool"}


def scaled(form: Form, value: int, factor: float, like: Node) -> int:
    """Return a value times a number, at the place of the node `like`."""
    return form.make("scale", (value,), form.shape(value), like=like, attributes={"factor": factor})


def _shifted(form: Form, value: int, amount: float, like: Node) -> int:
    return form.make("shift", (value,), form.shape(value), like=like, attributes={"amount": amount})


def _operands(form: Form, node: Node) -> tuple[tuple[int, ...], float | None]:
    """Return the tensor operands and the scalar one of a binary operation."""
    second = scalar_of(form, node, 1, "other")
    if second is not None and form.shape(node.inputs[0]) == node.shape:
        return node.inputs[:1], second
    first = scalar_of(form, node, 0, "self") if len(node.inputs) == 2 else None
    if first is not None and form.shape(node.inputs[1]) == node.shape:
        return node.inputs[1:], first
    return node.inputs, None


def _add(form: Form, node: Node) -> int | None:
    if not _floating(form, node):
        return None
    sign = -1.0 if node.op.startswith(("sub", "rsub")) else 1.0
    alpha = float(node.get("alpha", 1)) * sign
    second = scalar_of(form, node, 1, "other")
    if second is not None and form.shape(node.inputs[0]) == node.shape:
        if node.op.startswith("rsub"):
            return _shifted(form, scaled(form, node.inputs[0], alpha, node), second, node)
        return _shifted(form, node.inputs[0], alpha * second, node)
    if len(node.inputs) != 2:
        return None
    first, other = reversed(node.inputs) if node.op.startswith("rsub") else node.inputs
    number = scalar_of(form, node, 0, "self")
    if number is not None and form.shape(other) == node.shape and not node.op.startswith("rsub"):
        return _shifted(form, scaled(form, other, alpha, node), number, node)
    return form.make("add", (first, scaled(form, other, alpha, node)), node.shape, like=node)


def _mul(form: Form, node: Node) -> int | None:
    if not _floating(form, node):
        return None
    operands, number = _operands(form, node)
    if number is not None:
        return scaled(form, operands[0], number, node)
    return form.make("mul", node.inputs, node.shape, like=node) if len(node.inputs) == 2 else None


def _div(form: Form, node: Node) -> int | None:
    if not _floating(form, node) or node.get("rounding_mode"):
        return None
    number = scalar_of(form, node, 1, "other")
    if number and form.shape(node.inputs[0]) == node.shape:
        return scaled(form, node.inputs[0], 1.0 / number, node)
    if len(node.inputs) != 2:
        return None
    numerator = scalar_of(form, node, 0, "self")
    if numerator is not None and form.shape(node.inputs[1]) == node.shape:
        return scaled(form, _power(form, node.inputs[1], -1.0, node), numerator, node)
    return form.make("div", node.inputs, node.shape, like=node)


def _power(form: Form, value: int, exponent: float, like: Node) -> int:
    return form.make("power", (value,), form.shape(value), like=like, attributes={"exponent": exponent})


def _as_power(form: Form, node: Node) -> int | None:
    exponents = {"sqrt": 0.5, "rsqrt": -0.5, "reciprocal": -1.0, "square": 2.0}
    exponent = exponents.get(node.op, node.get("exponent"))
    if not isinstance(exponent, (int, float)) or not _floating(form, node):
        return None
    return node.inputs[0] if exponent == 1 else _power(form, node.inputs[0], float(exponent), node)


def _neg(form: Form, node: Node) -> int | None:
    return scaled(form, node.inputs[0], -1.0, node) if _floating(form, node) else None


def _shift(form: Form, node: Node) -> int | None:
    source, amount = form[node.inputs[0]], node.get("amount")
    if amount == 0:
        return source.id
    if source.op == "shift":
        return _shifted(form, source.inputs[0], source.get("amount") + amount, node)
    return None


def _scale(form: Form, node: Node) -> int | None:
    source, factor = form[node.inputs[0]], node.get("factor")
    if isclose(factor, 1.0, rel_tol=1e-12):
        return source.id
    if source.op == "scale":
        return scaled(form, source.inputs[0], source.get("factor") * factor, node)
    if source.op == "sum" and isclose(factor * numel(form.shape(source.inputs[0])), numel(source.shape)):
        return form.make("mean", source.inputs, source.shape, like=node, attributes=dict(source.attributes))
    return None


def _unscaled(form: Form, node: Node) -> int | None:
    """A scalar factor of an operand is a factor of the product; it keeps the place where it was written."""
    factor, written = 1.0, node
    values: list[int] = []
    for value in node.inputs:
        source = form[value]
        drawn = source.op == "scale" and not (node.op == "div" and values)
        if drawn:
            factor, written = factor * source.get("factor"), source
        values.append(source.inputs[0] if drawn else value)
    if tuple(values) == node.inputs:
        return None
    result = form.make(node.op, values, node.shape, like=node, attributes=dict(node.attributes))
    return scaled(form, result, factor, written)


def _square(form: Form, node: Node) -> int | None:
    one, other = (*node.inputs, None)[:2]
    return _power(form, one, 2.0, node) if one == other and one is not None and len(node.inputs) == 2 else None


def _quotient(form: Form, node: Node) -> int | None:
    """A product x · y⁻¹ is x / y."""
    if len(node.inputs) != 2:
        return None
    for value, other in (node.inputs, node.inputs[::-1]):
        source = form[other]
        if source.op == "power" and source.get("exponent") == -1.0:
            return form.make("div", (value, source.inputs[0]), node.shape, like=node)
    return None


def _unexpanded(form: Form, node: Node) -> int | None:
    """Broadcasting makes `expand` needless in an elementwise operation."""
    values = [form[value].inputs[0] if form[value].op == "expand" else value for value in node.inputs]
    shapes = [form.shape(value) for value in values]
    if tuple(values) == node.inputs or _broadcast(shapes) != node.shape:
        return None
    return form.make(node.op, values, node.shape, like=node, attributes=dict(node.attributes))


def _unit_axes(form: Form, node: Node) -> int | None:
    """Leading axes of size 1 of a weight are broadcast anyway."""
    values = []
    for value in node.inputs:
        shape = form.shape(value)
        short = shape
        while len(short) > 1 and short[0] == 1:
            short = short[1:]
        views = is_weight(form, value) and short != shape and len(node.inputs) > 1
        values.append(form.rearrange(value, reshaped(shape, short), like=node) if views else value)
    if tuple(values) == node.inputs or _broadcast([form.shape(value) for value in values]) != node.shape:
        return None
    return form.make(node.op, values, node.shape, like=node, attributes=dict(node.attributes))


def is_weight(form: Form, value: int) -> bool:
    """Say whether a value is a weight as it stands, or a view of one."""
    node = form[value]
    while node.op in VIEWS:
        node = form[node.inputs[0]]
    return node.op in STATE


def _broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(max(sizes) for sizes in zip(*padded, strict=True))


def _reduce(form: Form, node: Node) -> int | None:
    """One form for sums and means: over sorted dims, without keeping them."""
    kind = node.op.partition(".")[0]
    if node.get("over") is not None or node.get("dtype") not in (None, node.dtype) or not _floating(form, node):
        return None
    return reduced(form, node, kind, dims_of(form, node))


def dims_of(form: Form, node: Node) -> tuple[int, ...]:
    """Return the dims that a reduction names, counted from the front and rising; all of them where it names none."""
    rank = len(form.shape(node.inputs[0]))
    dims = node.get("dim")
    dims = (dims,) if isinstance(dims, int) else dims
    return tuple(sorted({dim % rank for dim in dims})) if dims else tuple(range(rank))


def reduced(form: Form, node: Node, kind: str, over: tuple[int, ...]) -> int:
    """Return the reduction of the node's input over the dims `over`, in the node's shape."""
    source = form.shape(node.inputs[0])
    kept = tuple(size for dim, size in enumerate(source) if dim not in over)
    value = form.make(kind, node.inputs[:1], kept, like=node, attributes={"over": over})
    return form.rearrange(value, reshaped(kept, node.shape), like=node)


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
    Rule("x · x is a square", ("mul",), _square),
    Rule("a product with a reciprocal is a quotient", ("mul",), _quotient, silent=True),
    Rule("reductions", ("mean", "mean.dim", "sum", "sum.dim_IntList"), _reduce, silent=True),
)  # fmt: skip
