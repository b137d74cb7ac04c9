"""Formulas that rules are stated as."""

import pytest

from diagnose.diff.canonical.builder import GraphBuilder
from diagnose.diff.canonical.patterns import X, Y, call, formula_rule, match
from diagnose.diff.ir.graph import Node

SHAPE = (2, 3)
LIKE = Node(0, "", "", (), (), SHAPE)


@pytest.fixture
def builder():
    made = GraphBuilder([formula_rule("swish", (X * call("sigmoid", X), call("silu", X)))])
    for name in "ab":
        made.add(Node(-1, "input", "", (), (), SHAPE, name=name))
    return made


def make(builder, op, *inputs, **attributes):
    return builder.make(op, inputs, SHAPE, like=LIKE, attributes=attributes)


def test_the_order_of_the_operands_of_a_product_is_free(builder) -> None:
    gate = make(builder, "sigmoid", 0)

    assert make(builder, "mul", 0, gate) == make(builder, "mul", gate, 0)
    assert builder[make(builder, "mul", 0, gate)].op == "silu"


def test_a_value_is_the_same_wherever_it_stands(builder) -> None:
    assert builder[make(builder, "mul", 1, make(builder, "sigmoid", 0))].op == "mul"


def test_a_product_with_more_operands_is_another_formula(builder) -> None:
    assert builder[make(builder, "mul", 0, make(builder, "sigmoid", 0), 1)].op == "mul"


def test_the_order_of_a_quotient_is_not_free(builder) -> None:
    quotient = builder[make(builder, "div", make(builder, "exp", 0), 1)]

    assert match(builder, call("exp", X) / Y, quotient, {}) == {X: 0, Y: 1}
    assert match(builder, X / call("exp", Y), quotient, {}) is None


@pytest.mark.parametrize(("factor", "fits"), [(0.5, True), (0.5 + 1e-12, True), (0.50001, False)])
def test_a_number_is_that_of_the_formula_up_to_rounding(builder, factor, fits) -> None:
    scale = builder[make(builder, "scale", 0, factor=factor)]

    assert (match(builder, X / 2, scale, {}) is not None) == fits


@pytest.mark.parametrize(
    ("formula", "op", "attributes"),
    [
        (X + 3, "shift", (("amount", 3),)),
        (3 + X, "shift", (("amount", 3),)),
        (2 * X, "scale", (("factor", 2),)),
        (X / 4, "scale", (("factor", 0.25),)),
        (-X, "scale", (("factor", -1),)),
        (X**2, "power", (("exponent", 2),)),
        (1 / X, "power", (("exponent", -1),)),
        (X > 0, "gt.Scalar", (("other", 0),)),
        (X + Y, "add", ()),
        (X * Y, "mul", ()),
        (X / Y, "div", ()),
    ],
)
def test_a_formula_is_written_in_the_operations_of_the_canonical_form(formula, op, attributes) -> None:
    assert (formula.op, formula.attributes) == (op, attributes)
