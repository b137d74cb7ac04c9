"""Casts, whole numbers and fixed batches: what a graph could not run as its module runs it."""

import pytest
import torch
from torch import nn

from diagnose.diff.compare import Model, diff
from diagnose.diff.proof.random_weights import ProofArithmetic
from diagnose.values import DifferenceKind, InputSpec, Significance
from tests.diff.edit import Run


def compared(a: nn.Module, b: nn.Module, *inputs: InputSpec):
    return diff(Model("a", a), Model("b", b), inputs or [InputSpec((2, 6))], initial=False)


def through_float(self, x):
    return self.norm(self.line(x).float().softmax(-1, dtype=torch.float32).to(x.dtype))


def of_time(self, x, t):
    return self.norm(self.time(t.float()[:, None].to(x.dtype)) + self.line(x))


def of_clamped(self, x, t):
    return self.norm(self.line(x) + t.clamp(min=2).relu()[:, None] * torch.tensor(0.5))


INPUTS = {through_float: 1, of_time: 2, of_clamped: 2}


def network(function, eps: float) -> nn.Module:
    return Run(function, line=nn.Linear(6, 16), time=nn.Linear(1, 16), norm=nn.LayerNorm(16, eps))


@pytest.mark.parametrize("function", INPUTS)
def test_an_eps_behind_a_cast_is_real(function) -> None:
    specs = [InputSpec((2, 6)), InputSpec((2,), "int64")][: INPUTS[function]]

    answer = compared(network(function, 1e-5), network(function, 1e-3), *specs)

    assert answer.verdict == "different"
    assert [finding.kind for finding in answer.findings if finding.verdict is Significance.REAL] == [
        DifferenceKind.ATTRIBUTE
    ]


@pytest.mark.parametrize("function", INPUTS)
def test_a_network_with_casts_is_itself(function) -> None:
    specs = [InputSpec((2, 6)), InputSpec((2,), "int64")][: INPUTS[function]]

    answer = compared(network(function, 1e-5), network(function, 1e-5), *specs)

    assert answer.verdict == "equivalent"
    assert not answer.skipped


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.float() / 3,
        lambda x: x * torch.arange(0, 1, 0.1),
        lambda x: x * torch.linspace(0, 1, 10, dtype=torch.float32),
        lambda x: x @ torch.ones(10, 10) + torch.tensor(0.1),
        lambda x: x * (torch.arange(10) / 3).sqrt(),
    ],
)
def test_in_a_proof_all_is_computed_in_float64(function) -> None:
    x = torch.rand(10, dtype=torch.float64)
    with ProofArithmetic():
        found = function(x)

    assert found.dtype is torch.float64


def test_a_cast_to_half_precision_still_rounds() -> None:
    x = torch.full((4,), 1 / 3, dtype=torch.float64)
    with ProofArithmetic():
        found = x.half().float()

    assert found.dtype is torch.float64
    assert float((found - x).abs().max()) > 1e-5


def test_a_network_for_a_batch_of_one_is_given_one() -> None:
    def alone(self, x):
        assert len(x) == 1, "one at a time"
        return self.line(x)

    answer = compared(Run(alone, line=nn.Linear(6, 4)), Run(alone, line=nn.Linear(6, 4)), InputSpec((1, 6)))

    assert answer.verdict == "equivalent"
    assert answer.validity.inputs == ("1x6",)
    assert any("one at a time" in note.reason for note in answer.skipped)


def test_the_exponent_of_a_distance_is_no_random_rate() -> None:
    def distance(p):
        return Run(lambda self, x: torch.cdist(self.line(x), self.centre, p=p),
                   line=nn.Linear(6, 4), centre=nn.Parameter(torch.randn(5, 4)))  # fmt: skip

    answer = compared(distance(2.0), distance(1.0))

    (found,) = answer.findings
    assert answer.verdict == "different"
    assert found.evidence[0].startswith("max |Δ|")
