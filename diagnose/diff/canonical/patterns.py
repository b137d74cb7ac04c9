"""State rules of the canonical form as formulas: `(X * sigmoid(X), silu(X))`, in any order of the operands.

Source: the idea is that of tinygrad's UPat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from math import isclose

from diagnose.diff.canonical.builder import GraphBuilder, Rule
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import operation

PRECISION = 1e-9
"""The relative difference up to which a number of a network is that of a formula: √(2/π) is written in many ways."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A formula: an operation on formulas, with attributes that it must have; without inputs, any value."""

    op: str
    inputs: tuple[Pattern, ...] = ()
    attributes: tuple[tuple[str, object], ...] = ()

    def __add__(self, addend: Pattern | float) -> Pattern:
        if isinstance(addend, Pattern):
            return Pattern("add", (self, addend))
        return Pattern("shift", (self,), (("amount", addend),))

    __radd__ = __add__

    def __mul__(self, factor: Pattern | float) -> Pattern:
        if isinstance(factor, Pattern):
            return Pattern("mul", (self, factor))
        return Pattern("scale", (self,), (("factor", factor),))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Pattern | float) -> Pattern:
        return Pattern("div", (self, divisor)) if isinstance(divisor, Pattern) else self * (1 / divisor)

    def __rtruediv__(self, factor: float) -> Pattern:
        return self**-1 if factor == 1 else self**-1 * factor

    def __pow__(self, exponent: float) -> Pattern:
        return Pattern("power", (self,), (("exponent", exponent),))

    def __neg__(self) -> Pattern:
        return self * -1

    def __gt__(self, bound: float) -> Pattern:
        return Pattern("gt.Scalar", (self,), (("other", bound),))


X, Y = Pattern("x"), Pattern("y")
"""Any value; the same one wherever it stands in a formula."""


def call(op: str, value: Pattern, **attributes: object) -> Pattern:
    """Return the formula of an operation on one value."""
    return Pattern(op, (value,), tuple(attributes.items()))


def formula_rule(name: str, *rewrites: tuple[Pattern, Pattern], silent: bool = False) -> Rule:
    """Return the rule that rewrites the first formula of each pair as the second; both are elementwise."""

    def rewrite(builder: GraphBuilder, node: Node) -> int | None:
        for written, result in rewrites:
            found = match(builder, written, node, {})
            if found is not None:
                return _built(builder, result, found, node)
        return None

    return Rule(name, tuple(dict.fromkeys(written.op for written, _ in rewrites)), rewrite, silent)


Values = Mapping[Pattern, int]
"""The node that each value of a formula is."""


def match(builder: GraphBuilder, pattern: Pattern, node: Node, known: Values) -> Values | None:
    """Return which node each value of a formula is, given those that are `known`; None where the formula is another."""
    if node.op != pattern.op or len(node.inputs) != len(pattern.inputs):
        return None
    if not all(_is_equal(node.get(name), value) for name, value in pattern.attributes):
        return None
    orders = permutations(node.inputs) if operation(node.op).commutative else (node.inputs,)
    for inputs in orders:
        found: Values | None = known
        for part, value in zip(pattern.inputs, inputs, strict=True):
            found = None if found is None else _match_value(builder, part, value, found)
        if found is not None:
            return found
    return None


def _match_value(builder: GraphBuilder, pattern: Pattern, value: int, known: Values) -> Values | None:
    if pattern.inputs:
        return match(builder, pattern, builder[value], known)
    return {**known, pattern: value} if known.get(pattern, value) == value else None


def _is_equal(value: object, wanted: object) -> bool:
    if isinstance(value, (int, float)) and isinstance(wanted, (int, float)):
        return isclose(value, wanted, rel_tol=PRECISION)
    return value == wanted


def _built(builder: GraphBuilder, pattern: Pattern, found: Values, node: Node) -> int:
    """Return the node of a formula, whose parts all have the shape of `node` and stand in its place."""
    if not pattern.inputs:
        return found[pattern]
    inputs = [_built(builder, part, found, node) for part in pattern.inputs]
    return builder.make(pattern.op, inputs, node.shape, like=node, attributes=dict(pattern.attributes))
