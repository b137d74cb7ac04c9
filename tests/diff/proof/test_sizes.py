"""What a diff says of other sizes of the input: a size that enters the computation is tried at another one."""

import pytest
from torch import nn
from torch.nn import functional as F

from diagnose.values import SizeOutcome


class Pooled(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.conv, self.how = nn.Conv2d(3, 4, 3, padding=1), how

    def forward(self, x):
        y = self.conv(x)
        if self.how == "window":
            return F.avg_pool2d(y, 16).flatten(1)
        if self.how == "branch":
            return y.mean((2, 3)) * (1.0 if x.shape[-1] <= 16 else 0.5)
        if self.how == "number":
            return y.sum((2, 3)) / 256
        if self.how == "refuses":
            assert x.shape[-1] == 16
        return F.adaptive_avg_pool2d(y, 1).flatten(1)


@pytest.mark.parametrize("how", ["window", "branch", "number"])
def test_networks_that_are_equal_at_one_size_alone_are_said_to_be(how, compare) -> None:
    answer = compare(Pooled("adaptive"), Pooled(how))

    assert answer.verdict == "equivalent" or how == "number"
    assert answer.validity.limited
    assert answer.validity.inputs == ("2x3x16x16",)
    assert answer.validity.modes == ("train", "eval")


@pytest.mark.parametrize("how", ["adaptive", "branch", "number"])
def test_a_network_equals_itself_at_every_size(how, compare) -> None:
    answer = compare(Pooled(how), Pooled(how))

    assert {trial.outcome for trial in answer.validity.sizes} == {SizeOutcome.EQUAL}
    assert not answer.validity.limited


def test_a_network_that_refuses_other_sizes_is_named(compare) -> None:
    answer = compare(Pooled("adaptive"), Pooled("refuses"))

    assert {trial.outcome for trial in answer.validity.sizes} == {SizeOutcome.A_ALONE}
    assert answer.verdict == "equivalent"


class Positions(nn.Module):
    """Adds a constant after the eighth position of a sequence."""

    def __init__(self, after: float) -> None:
        super().__init__()
        self.l, self.after = nn.Linear(4, 4), after

    def forward(self, x):
        return self.l(x) + (self.after if x.shape[1] > 8 else 0.0)


def test_the_length_of_a_sequence_is_a_size(compare) -> None:
    assert compare(Positions(0.0), Positions(1.0), shape=(2, 8, 4)).validity.limited
    assert not compare(Positions(1.0), Positions(1.0), shape=(2, 8, 4)).validity.limited
