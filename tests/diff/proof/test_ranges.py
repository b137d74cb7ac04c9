"""Whole-number inputs stay within the tables that they are looked up in."""

import pytest
import torch
from torch import nn

from diagnose.diff.compare import Model, diff
from diagnose.diff.proof.ranges import accepted
from diagnose.values import InputSpec, Significance


class Typed(nn.Module):
    """Looks up words and token types, of which there are two."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.words, self.types = nn.Embedding(60, 16), nn.Embedding(2, 16)
        self.norm, self.l = nn.LayerNorm(16, eps), nn.Linear(16, 4)

    def forward(self, ids, types):
        return self.l(self.norm(self.words(ids) + self.types(types)))


INPUTS = [InputSpec((2, 12), "int64"), InputSpec((2, 12), "int64")]


@pytest.mark.parametrize(("eps", "verdict"), [(1e-12, "equivalent"), (1e-5, "different")])
def test_small_tables_are_proven(eps, verdict) -> None:
    answer = diff(Model("a", Typed(1e-12)), Model("b", Typed(eps)), INPUTS, initial=False)

    assert answer.verdict == verdict
    assert answer.proof.agrees is (verdict == "equivalent")


class Indexed(nn.Module):
    """Looks token types up by an index, and words by what a computation makes of them."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.words, self.types = nn.Embedding(9, 16), nn.Parameter(torch.randn(2, 16))
        self.norm = nn.LayerNorm(16, eps)

    def forward(self, ids, types):
        return self.norm(self.words(ids * 3) + self.types[types])


@pytest.mark.parametrize(("eps", "verdict"), [(1e-12, "equivalent"), (1e-5, "different")])
def test_what_a_network_refuses_is_drawn_smaller(eps, verdict) -> None:
    answer = diff(Model("a", Indexed(1e-12)), Model("b", Indexed(eps)), INPUTS, initial=False)

    assert answer.verdict == verdict
    assert answer.proof.agrees is (verdict == "equivalent")


def test_the_largest_numbers_that_are_accepted_are_drawn() -> None:
    module = Indexed(1e-5)
    module.words.weight.grad = torch.ones(9, 16)

    assert [spec.below for spec in accepted(tuple(INPUTS), [module])] == [3, 2]
    assert module.training
    assert module.words.weight.grad is not None


class Counted(nn.Module):
    """Fails on every input outside its capture, so that nothing can be proven."""

    def __init__(self) -> None:
        super().__init__()
        self.l = nn.Linear(4, 4)

    def forward(self, x):
        if x.dtype.itemsize > 4:
            raise ValueError("half or single precision")
        return self.l(x)


def test_what_could_not_be_run_is_not_equivalent() -> None:
    answer = diff(Model("a", Counted()), Model("b", Counted()), [InputSpec((2, 4))], initial=False)

    assert answer.proof.agrees is None
    assert answer.verdict == "undetermined"
    assert any(item.verdict is Significance.UNDETERMINED for item in answer.findings)
