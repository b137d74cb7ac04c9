"""Findings: what is one edit is one line."""

import pytest
from torch import nn
from torchvision.ops import StochasticDepth

from diagnose.diff.explain.change import Change
from diagnose.diff.explain.conclusions import grouped
from diagnose.diff.explain.facts import (
    AttributeChange,
    AttributeChanges,
    Facts,
    GradedNumber,
    OperationChain,
    StochasticDepthRate,
    Term,
)
from diagnose.values import DifferenceKind, Significance

ADDED, REMOVED, ATTRIBUTE = DifferenceKind.ADDED, DifferenceKind.REMOVED, DifferenceKind.ATTRIBUTE


class Block(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.drop = StochasticDepth(rate, "row")

    def forward(self, x):
        return x + self.drop(self.conv(x).relu())


def test_a_rate_that_grows_from_block_to_block_is_one_finding(compare) -> None:
    rates = (0.05, 0.1, 0.15)
    answer = compare(nn.Sequential(*map(Block, rates)), nn.Sequential(*(Block(0.0) for _ in rates)), shape=(2, 4, 6, 6))

    (found,) = [
        finding for finding in answer.findings if finding.verdict is Significance.REAL and "rate" in finding.message
    ]
    assert found.count == 3
    assert "rate 0.05 to 0.15" in found.message
    assert found.where == ("0.drop", "1.drop", "2.drop")


def changes_of(kind: DifferenceKind, *facts: Facts) -> list[tuple[Change, str]]:
    return [(Change(kind, Significance.REAL, what, "here", ()), "train") for what in facts]


def factors(*values: float) -> list[Facts]:
    return [OperationChain((), (Term("scale", "factor", GradedNumber(value)),)) for value in values]


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        (ADDED, factors(1e-05, 2.5), ["scale (factor 1e-05 to 2.5) added"]),
        (ADDED, factors(0.5, 0.5), ["scale (factor 0.5) added"]),
        (REMOVED, [StochasticDepthRate(GradedNumber(rate)) for rate in (0.2, 0.1)],
         ["stochastic depth at rate 0.1 to 0.2 removed"]),
        (ATTRIBUTE, [AttributeChanges("conv2d", (AttributeChange("stride", (1, 1), (size, size)),)) for size in (2, 4)],
         ["conv2d: stride 1×1 → 2×2", "conv2d: stride 1×1 → 4×4"]),
        (ATTRIBUTE, [AttributeChanges("clamp", (AttributeChange("min", None, low),)) for low in (0.1, 0.2)],
         ["clamp: min none → 0.1", "clamp: min none → 0.2"]),
    ],
)  # fmt: skip
def test_only_graded_numbers_are_drawn_together(kind, facts, expected) -> None:
    found = grouped(changes_of(kind, *facts))

    assert [finding.message for finding in found] == expected
    assert sum(finding.count for finding in found) == len(facts)


def test_what_only_eval_mode_shows_is_a_finding_of_its_own() -> None:
    ((change, _),) = changes_of(ADDED, *factors(0.5))

    assert [finding.message for finding in grouped([(change, "train"), (change, "eval")])] == [
        "scale (factor 0.5) added", "scale (factor 0.5) added (in eval mode alone)"]  # fmt: skip


def test_two_factors_that_are_exchanged_are_two_findings() -> None:
    exchanged = [AttributeChanges("scale", (AttributeChange("factor", GradedNumber(a), b),))
                 for a, b in ((0.3, 0.7), (0.7, 0.3))]  # fmt: skip

    assert len(grouped(changes_of(ATTRIBUTE, *exchanged))) == 2
