"""Inference and training have a verdict each; between proven and open there is "equal by numbers"."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from diagnose.diff.compare import Model, compare_networks
from diagnose.values import GraphDiff, InputSpec
from tests.diff.edit import Run


def rectified(self, x):
    return self.second(F.dropout(F.relu(self.first(x)), self.rate, self.training))


def by_absolute(self, x):
    y = self.first(x)
    return self.second(F.dropout((y + y.abs()) / 2, self.rate, self.training))


def smooth(self, x):
    return self.second(F.dropout(F.silu(self.first(x)), self.rate, self.training))


def noisy(self, x):
    y = F.relu(self.first(x))
    return self.second(y + torch.randn_like(y) * self.rate if self.training else y)


def network(function, rate: float = 0.0) -> nn.Module:
    return Run(function, first=nn.Linear(8, 8), second=nn.Linear(8, 4), rate=rate)


def compared(a: nn.Module, b: nn.Module, modes=(True, False)) -> GraphDiff:
    models = Model("a", a), Model("b", b)
    return compare_networks(*models, [InputSpec((2, 8))], initial=False, modes=modes).diff


@pytest.mark.parametrize(
    ("function", "rate", "verdicts"),
    [
        (rectified, 0.0, ("equivalent", "equivalent", "equivalent")),
        (rectified, 0.2, ("different", "equivalent", "different")),
        (by_absolute, 0.0, ("equal by numbers", "equal by numbers", "equal by numbers")),
        (by_absolute, 0.2, ("different", "equal by numbers", "different")),
        (smooth, 0.0, ("different", "different", "different")),
        (noisy, 0.2, ("undetermined", "equivalent", "undetermined")),
    ],
)
def test_each_mode_has_its_verdict(function, rate, verdicts) -> None:
    answer = compared(network(rectified), network(function, rate))

    assert (answer.verdict, answer.inference, answer.training) == verdicts


def test_what_is_left_out_has_no_verdict() -> None:
    answer = compared(network(rectified), network(rectified, 0.2), modes=(False,))

    assert (answer.verdict, answer.inference, answer.training) == ("equivalent", "equivalent", None)


def test_frozen_weights_are_a_matter_of_training() -> None:
    frozen = network(rectified)
    frozen.first.requires_grad_(False)

    answer = compared(network(rectified), frozen)

    assert (answer.verdict, answer.inference, answer.training) == ("different", "equivalent", "different")


def test_two_norms_with_another_momentum_are_one_at_inference() -> None:
    answer = compared(*(nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4, momentum=m)) for m in (0.1, 0.3)))

    assert (answer.inference, answer.training) == ("equivalent", "different")


def test_numbers_say_nothing_where_a_weight_has_no_partner() -> None:
    def gated(self, x):
        value, gate = (self.l(x)[:, torch.arange(first, 8, 2)] for first in (0, 1))
        return value * gate.exp()

    def in_halves(self, x):
        value, gate = self.l(x).chunk(2, -1)
        return value * gate.exp()

    answer = compared(Run(gated, l=nn.Linear(8, 8)), Run(in_halves, l=nn.Linear(8, 8)))

    assert answer.verdict == "undetermined"
