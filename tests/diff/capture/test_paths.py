"""One path is not the function: branches on values, and what random numbers choose."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from diagnose.diff.capture.draws import draws_at
from diagnose.values import Significance

SHAPE = (2, 8)


class Branching(nn.Module):
    """Scales its result where a condition on a value holds."""

    def __init__(self, factor: float = 1.0, bound: float = 50.0, how: str = "if") -> None:
        super().__init__()
        self.l, self.factor, self.bound, self.how = nn.Linear(8, 8), factor, bound, how

    def forward(self, x):
        y = self.l(x)
        if self.how == "check":
            if not torch.isfinite(x).all():
                raise ValueError("not finite")
            return y
        if self.how == "log":
            self.seen = float(y.detach().abs().mean())
            return y
        if self.how == "number":
            return y * float(x.abs().max())
        if self.how == "weights":
            return y * self.factor if self.l.weight.sum() > 0 else y
        if self.how == "select":
            return y * x[x > self.bound].shape[0]
        return y * self.factor if x.abs().max() > self.bound else y


def real(answer) -> list[str]:
    return [item.kind for item in answer.findings if item.verdict is Significance.REAL]


@pytest.mark.parametrize("how", ["if", "check", "log", "weights"])
def test_a_network_that_reads_values_equals_itself(how, compare) -> None:
    answer = compare(Branching(0.1, how=how), Branching(0.1, how=how), shape=SHAPE)

    assert real(answer) == []
    assert answer.verdict == "equivalent" or how == "weights"


def test_a_branch_is_followed_both_ways_and_said_to_be(compare) -> None:
    assert compare(Branching(0.1), Branching(0.1), shape=SHAPE).validity.branches == 1
    assert compare(Branching(0.1, how="log"), Branching(0.1, how="log"), shape=SHAPE).validity.branches == 0


def test_another_branch_that_other_inputs_take_is_real(compare) -> None:
    answer = compare(Branching(1.0), Branching(0.1), shape=SHAPE)

    assert (answer.verdict, real(answer)) == ("different", ["path"])


@pytest.mark.parametrize("pair", [(Branching(0.1, 50.0), Branching(0.1, 60.0)), (Branching(0.1), Branching(how="log"))])
def test_another_condition_is_never_equivalent(pair, compare) -> None:
    assert compare(*pair, shape=SHAPE).verdict != "equivalent"


@pytest.mark.parametrize("how", ["number", "select"])
def test_a_number_or_a_shape_that_enters_is_limited_to_the_path_taken(how, compare) -> None:
    network = Branching(how=how)
    answer = compare(network, network, shape=SHAPE)

    assert answer.verdict == "undetermined"
    assert any(item.kind == "path" and item.where for item in answer.findings)


class Dropping(nn.Module):
    """Leaves out layers in training, by a random number of Python, NumPy or torch."""

    def __init__(self, rate: float, how: str) -> None:
        super().__init__()
        self.layers, self.rate, self.how = nn.ModuleList(nn.Linear(8, 8) for _ in range(2)), rate, how

    def draw(self) -> float:
        if self.how == "python":
            return random.random()
        if self.how == "uniform":
            return random.uniform(0, 1)
        if self.how == "numpy":
            return np.random.rand()
        if self.how == "torch":
            return torch.rand([])
        if self.how == "item":
            return torch.empty(1).uniform_(0, 1).item()
        return random.randrange(1000) / 1000

    def forward(self, x):
        for layer in self.layers:
            if self.training and self.how and self.draw() < self.rate:
                continue
            x = x + layer(x)
        return x


KNOWN = ("python", "uniform", "numpy", "torch", "item")


@pytest.mark.parametrize("how", KNOWN)
def test_dropped_layers_differ_from_none_at_every_run(how, compare) -> None:
    answers = [compare(Dropping(0.1, ""), Dropping(0.1, how), shape=SHAPE) for _ in range(2)]

    assert [(answer.verdict, real(answer)) for answer in answers] == [("different", ["random path"])] * 2
    assert answers[0].findings == answers[1].findings


@pytest.mark.parametrize("how", KNOWN)
def test_dropped_layers_equal_themselves(how, compare) -> None:
    assert compare(Dropping(0.1, how), Dropping(0.1, how), shape=SHAPE).verdict == "equivalent"


def test_the_same_rate_is_the_same_however_it_is_drawn(compare) -> None:
    assert compare(Dropping(0.1, "python"), Dropping(0.1, "numpy"), shape=SHAPE).verdict == "equivalent"
    assert compare(Dropping(0.0, "torch"), Dropping(0.0, ""), shape=SHAPE).verdict == "equivalent"


@pytest.mark.parametrize("how", ["python", "torch"])
def test_another_rate_differs(how, compare) -> None:
    assert compare(Dropping(0.1, how), Dropping(0.12, how), shape=SHAPE).verdict == "different"


class Choosing(nn.Module):
    """Uses one of two layers of one shape, by a value or by a draw."""

    def __init__(self, how: str, order: int = 0) -> None:
        super().__init__()
        self.layers, self.how, self.order = nn.ModuleList(nn.Linear(8, 8) for _ in range(2)), how, order

    def forward(self, x):
        first, second = self.layers if not self.order else reversed(self.layers)
        y = first(x).relu() + second(x).tanh()
        if self.how == "draw" and self.training and random.random() < 0.1:
            return first(y)
        if self.how == "value" and x.abs().max() > 50:
            return first(y)
        return second(y)


@pytest.mark.parametrize("how", ["draw", "value"])
def test_paths_through_other_weights_of_one_shape_are_told_apart(how, compare) -> None:
    assert compare(Choosing(how), Choosing(""), shape=SHAPE).verdict == "different"
    assert compare(Choosing(how), Choosing(how), shape=SHAPE).verdict == "equivalent"


def test_a_draw_of_another_kind_is_undetermined(compare) -> None:
    assert compare(Dropping(0.5, "randrange"), Dropping(0.5, "randrange"), shape=SHAPE).verdict == "undetermined"


def test_random_states_and_functions_are_put_back() -> None:
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.Random(5).random(), np.random.RandomState(5).rand()
    with draws_at(0.25) as log:
        drawn = random.random(), random.uniform(2, 4), np.random.rand(), np.random.random(3).tolist()
        assert (log.draws, drawn) == (4, (0.25, 2.5, 0.25, [0.25] * 3))
    assert (random.random(), np.random.rand()) == expected
