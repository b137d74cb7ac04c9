"""What a network returns is part of its function: objects, keys, order and number of outputs, and values."""

import dataclasses
import random
from collections import OrderedDict, namedtuple

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Independent, Laplace, Normal

from diagnose.values import Significance

Pair = namedtuple("Pair", "first second")


@dataclasses.dataclass
class Record:
    first: object
    second: object


class Plain:
    def __init__(self, first, second) -> None:
        self.first, self.second = first, second


class Slotted:
    __slots__ = ("first", "second")

    def __init__(self, first, second) -> None:
        self.first, self.second = first, second


class TwoHeads(nn.Module):
    def __init__(self, wrap, seed: int = 0) -> None:
        super().__init__()
        self.l, self.m, self.wrap = nn.Linear(8, 4), nn.Linear(8, 4), wrap

    def forward(self, x):
        return self.wrap(self.l(x).relu(), self.m(x).tanh())


def answer_of(compare, a, b):
    return compare(TwoHeads(a), TwoHeads(b), shape=(2, 8))


WRAPPERS = {
    "a dataclass": Record,
    "an object": Plain,
    "slots": Slotted,
    "a named tuple": Pair,
    "a dictionary": lambda p, q: {"first": p, "second": q},
    "an ordered dictionary": lambda p, q: OrderedDict(first=p, second=q),
    "a tuple": lambda p, q: (p, q),
    "a list in a dictionary": lambda p, q: {"heads": [p, q]},
    "an object in an object": lambda p, q: Plain(Record(p, q), None),
}


@pytest.mark.parametrize("kind", WRAPPERS)
def test_results_in_a_container_equal_themselves(kind, compare) -> None:
    assert answer_of(compare, WRAPPERS[kind], WRAPPERS[kind]).verdict == "equivalent"


@pytest.mark.parametrize("kind", WRAPPERS)
def test_results_that_are_exchanged_in_a_container_differ(kind, compare) -> None:
    answer = answer_of(compare, WRAPPERS[kind], lambda p, q: WRAPPERS[kind](q, p))

    assert answer.verdict == "different"
    assert [item.count for item in answer.findings if item.kind == "outputs"] == [2]


@pytest.mark.parametrize("kind", WRAPPERS)
def test_another_activation_in_a_container_differs(kind, compare) -> None:
    answer = answer_of(compare, WRAPPERS[kind], lambda p, q: WRAPPERS[kind](p, q.sin()))

    assert answer.verdict == "different"


def test_the_order_of_keys_is_no_difference(compare) -> None:
    answer = answer_of(compare, lambda p, q: {"x": p, "y": q}, lambda p, q: {"y": q, "x": p})

    assert answer.verdict == "equivalent"
    assert answer.proof.agrees


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (lambda p, q: {"x": p, "y": q}, lambda p, q: {"x": p, "z": q}),
        (lambda p, q: (p, q), lambda p, q: (p,)),
        (lambda p, q: {"x": p, "y": q}, lambda p, q: {"x": p}),
        (lambda p, q: p, lambda p, q: (p, q)),
        (lambda p, q: (p, q, 3), lambda p, q: (p, q, 4)),
        (lambda p, q: {"x": p, "kind": "relu"}, lambda p, q: {"x": p, "kind": "tanh"}),
        (lambda p, q: (p, q, float(q.sum())), lambda p, q: (p, q, 2 * float(q.sum()))),
        (lambda p, q: (p, None), lambda p, q: (None, p)),
        (lambda p, q: Normal(p, q.exp()), lambda p, q: Laplace(p, q.exp())),
        (lambda p, q: Normal(p, q.exp()), lambda p, q: Normal(p, q.exp() + 1)),
    ],
)
def test_other_keys_numbers_and_values_differ(a, b, compare) -> None:
    assert answer_of(compare, a, a).verdict != "different"
    assert answer_of(compare, a, b).verdict == "different"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (lambda p, q: p, lambda p, q: (p,)),
        (lambda p, q: p, lambda p, q: {"logits": p}),
        (lambda p, q: p, lambda p, q: (p, None)),
        (lambda p, q: Record(p, q), lambda p, q: {"first": p, "second": q}),
        (lambda p, q: (p, q), lambda p, q: Pair(p, q)),
        (lambda p, q: (p, (q, q)), lambda p, q: (p, q, q)),
    ],
)
def test_the_same_outputs_packed_otherwise_are_equivalent(a, b, compare) -> None:
    answer = answer_of(compare, a, b)

    assert answer.verdict == "equivalent"
    assert all(item.verdict is Significance.COSMETIC for item in answer.findings if item.kind == "outputs")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda p, q: Independent(Normal(p, q.exp(), validate_args=False), 1, validate_args=False),
        lambda p, q: Categorical(logits=p, validate_args=False),
    ],
)
def test_a_distribution_equals_itself(wrap, compare) -> None:
    assert answer_of(compare, wrap, wrap).verdict == "equivalent"


@pytest.mark.parametrize(
    "wrap",
    [lambda p, q: {"x": p, "how": random.Random(0)}, lambda p, q: (p, lambda: q), lambda p, q: iter((p, q)),
     lambda p, q: (p, {1, 2}), lambda p, q: (p, q.numpy(force=True)), lambda p, q: (p, float(q.sum()))],
)  # fmt: skip
def test_what_cannot_be_compared_is_undetermined(wrap, compare) -> None:
    answer = answer_of(compare, wrap, wrap)

    assert answer.verdict == "undetermined"


def test_what_cannot_be_looked_into_is_named(compare) -> None:
    answer = answer_of(compare, lambda p, q: (p, {1, 2}), lambda p, q: (p, {1, 2}))

    assert [item.where for item in answer.findings if item.kind == "outputs"] == [("[1]",)] * 2


def test_no_result_at_all_is_undetermined(compare) -> None:
    answer = answer_of(compare, lambda p, q: None, lambda p, q: None)

    assert answer.verdict == "undetermined"
    assert [item.verdict for item in answer.findings if item.kind == "outputs"] == [Significance.UNDETERMINED]


class Balanced(nn.Module):
    """Leaves a loss on itself, as a mixture of experts does for its training."""

    def __init__(self, power: float, *, leaves: bool = True) -> None:
        super().__init__()
        self.l, self.power, self.leaves = nn.Linear(8, 4), power, leaves

    def forward(self, x):
        y = self.l(x)
        if self.leaves:
            self.loss = y.abs().pow(self.power).mean()
        return y.relu()


def test_a_loss_left_on_the_module_equals_itself(compare) -> None:
    assert compare(Balanced(2.0), Balanced(2.0), shape=(2, 8)).verdict == "equivalent"


def test_another_loss_left_on_the_module_differs(compare) -> None:
    assert compare(Balanced(2.0), Balanced(3.0), shape=(2, 8)).verdict == "different"


def test_a_loss_that_one_network_leaves_is_undetermined_and_named(compare) -> None:
    answer = compare(Balanced(2.0), Balanced(2.0, leaves=False), shape=(2, 8))

    assert answer.verdict == "undetermined"
    assert any(item.kind == "outputs" for item in answer.findings)


def test_hooks_of_the_caller_see_what_the_network_returns() -> None:
    from diagnose.diff.capture.capture import capture

    network, seen = TwoHeads(Record), []
    network.register_forward_hook(lambda module, inputs, result: seen.append(type(result)))
    capture(network, (torch.zeros(2, 8),), training=False)

    assert set(seen) == {Record}
    assert isinstance(network(torch.zeros(2, 8)), Record)
