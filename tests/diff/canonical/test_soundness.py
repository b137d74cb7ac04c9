"""Every rule keeps numbers: its example in float64, as the module computes it and as the rewritten graph does."""

import copy

import pytest
import torch

from diagnose.diff.canonical.builder import Rule
from diagnose.diff.canonical.canonical import POINTWISE, RULES, canonical
from diagnose.diff.capture.capture import capture
from diagnose.diff.ir.interpreter import Execution, evaluate
from diagnose.diff.ir.operation_table import operation
from diagnose.diff.proof.distance import PROOF, distances_between
from diagnose.diff.proof.random_weights import ProofArithmetic, state_of
from tests.diff.canonical.test_rules import EXAMPLES, SECOND_EXAMPLES, SHAPE, Written

SCALES = (1.0, 1e-3, 4.0)
"""Small and large inputs, too: a rule must hold for all of them, not only for likely ones."""

WITHOUT_SMALL = {"a norm's attributes": (1.0, 4.0)}
"""The default eps of RMS norm is that of float32 in the graph, and of float64 in the module that is compared here."""

BOUNDS = (0.0, -3.0, 3.0, 6.0)
"""Where activations bend: the gradients there are those of the call that was written, too."""

OTHER_AT_A_BOUND = {"a hard gate spelled out", "a leaky relu as a maximum"}
"""The rules that do not keep the gradient at a bound: ½ · (1 + a) of a maximum, and 1/6 of a clamp."""

DRAWN_OTHERWISE = "the opposite of a random mask"
"""Where everything survives, 1 − m of a mask m drops everything; its rule is exact in probability alone."""


def gradients(output, leaves):
    """Return the gradients of a random projection of an output; zeros for what has no part in it."""
    if not output.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = torch.autograd.grad((output * weight).sum(), leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if grad is None else grad for leaf, grad in zip(leaves, found, strict=True)]


def computed(graph, constants, state, x):
    """Return the output of a graph in float64."""
    values = {}
    for node in graph.nodes:
        if node.op == "input":
            values[node.id] = x
        elif operation(node.op).is_weight:
            values[node.id] = state[node.name]
        else:
            values[node.id] = evaluate(node, [values[value] for value in node.inputs], constants, Execution())
    return values[graph.outputs[0]]


def reproduces(function, rules=RULES, scales=SCALES, bounds=BOUNDS) -> bool:
    """Say whether a graph rewritten by `rules` gives the module's own values and gradients."""
    torch.manual_seed(0)
    module = Written(function)
    captured = capture(module, (torch.randn(SHAPE),), training=False, twice=False)
    graph = canonical(captured.form.graph, rules).graph
    constants = {digest: value.double() if value.is_floating_point() else value
                 for digest, value in captured.constants.items()}  # fmt: skip
    module = copy.deepcopy(module).double().eval()
    drawn = [scale * torch.randn(SHAPE, dtype=torch.float64) for scale in scales]
    for place, bound in enumerate(bounds):
        drawn[0][..., place] = bound
    for x in map(torch.Tensor.requires_grad_, drawn):
        leaves = [x, *module.parameters()]
        with ProofArithmetic():
            expected, output = module(x), computed(graph, constants, state_of(module), x)
        pairs = ([expected], [output]), (gradients(expected, leaves), gradients(output, leaves))
        if not all(PROOF.holds(*distances_between(*pair)) for pair in pairs):
            return False
    return True


@pytest.mark.parametrize("rule", [rule for rule in EXAMPLES if rule != DRAWN_OTHERWISE])
def test_a_rule_keeps_values_and_gradients(rule) -> None:
    bounds = () if rule in OTHER_AT_A_BOUND else BOUNDS
    for function in EXAMPLES[rule]:
        assert reproduces(function, scales=WITHOUT_SMALL.get(rule, SCALES), bounds=bounds)


@pytest.mark.parametrize("rule", sorted(OTHER_AT_A_BOUND))
def test_the_exceptions_are_still_needed(rule) -> None:
    assert not all(map(reproduces, EXAMPLES[rule]))


@pytest.mark.parametrize("rule", SECOND_EXAMPLES)
def test_a_rule_of_the_second_form_keeps_them_too(rule) -> None:
    assert all(reproduces(function, POINTWISE) for function in SECOND_EXAMPLES[rule])


def as_sigmoid(builder, node):
    return builder.make("sigmoid", node.inputs, node.shape, like=node)


def as_itself(builder, node):
    return node.inputs[0]


@pytest.mark.parametrize(
    ("wrong", "function"),
    [
        (Rule("another value", ("exp",), as_sigmoid), lambda m, x: x.exp()),
        (Rule("another gradient", ("detach",), as_itself), lambda m, x: x.exp().detach() * x),
        (Rule("almost the same value", ("scale",), as_itself), lambda m, x: x.exp() * 1.00001),
        (Rule("right on small values alone", ("sin",), as_itself), lambda m, x: x.sin()),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_wrong_rule_is_noticed(wrong, function) -> None:
    assert reproduces(function)
    assert not reproduces(function, (*RULES, wrong))
