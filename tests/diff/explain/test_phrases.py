"""What is said of a change, by its facts."""

import pytest

from diagnose.diff.explain.facts import (
    AttributeChange,
    AttributeChanges,
    BlockChain,
    ExtraArgument,
    HadamardTerm,
    InputChange,
    InputOrder,
    OperationChain,
    ShapeChange,
    SharedWeight,
    StochasticDepthRate,
    Term,
)
from diagnose.diff.explain.phrases import sentence
from diagnose.values import DifferenceKind as Kind

CONV, RELU, SCALE = Term("conv2d"), Term("relu"), Term("scale", "factor", 0.5)


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        (Kind.ADDED, OperationChain((), (RELU, SCALE)), "relu, scale (factor 0.5) added"),
        (Kind.REMOVED, OperationChain((RELU,)), "relu removed"),
        (Kind.REPLACED, OperationChain((RELU,), (CONV, RELU)), "relu replaced by conv2d, relu"),
        (Kind.MOVED, OperationChain((RELU,), (RELU,)), "relu stands in another place"),
        (Kind.ADDED, StochasticDepthRate(None), "stochastic depth added"),
        (Kind.BLOCK_REMOVED, BlockChain((CONV, CONV), 1), "block removed: conv2d, conv2d"),
        (Kind.BLOCK_ADDED, BlockChain((CONV,) * 14, 3),
         f"block added (one of 3 equal ones; which one is undecidable): {', '.join(['conv2d'] * 12)} and 2 more"),
        (Kind.TERM_ADDED, HadamardTerm(("scale", "conv2d")), "the Hadamard term conv2d(scale(a ⊙ b)) added"),
        (Kind.ATTRIBUTE, ExtraArgument("linear", ("bias", "weight"), "A"),
         "linear has a bias and a weight in A alone"),
        (Kind.ATTRIBUTE, AttributeChanges("conv2d", (AttributeChange("groups", 1, 2),
                                                     AttributeChange("stride", (1, 1), None))),
         "conv2d: groups 1 → 2, stride 1×1 → none"),
        (Kind.ATTRIBUTE, ShapeChange("bernoulli", (2, 1), ()), "bernoulli: draws 2×1 numbers → ()"),
        (Kind.WIDTH, ShapeChange("linear", (4, 8), (4, 9)), "linear: weight 4×8 → 4×9"),
        (Kind.WIRING, InputOrder("cat"), "cat reads its inputs in another order"),
        (Kind.WIRING, InputChange("sum", ("relu", "conv2d"), ("relu",)),
         "sum reads other values: relu, conv2d → relu"),
        (Kind.SHARING, SharedWeight("B", 2), "one weight in B is 2 in A"),
    ],
)  # fmt: skip
def test_a_sentence_says_the_facts(kind, facts, expected) -> None:
    assert sentence(kind, [facts]) == expected
