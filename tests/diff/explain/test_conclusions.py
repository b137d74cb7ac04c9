"""Findings: what is one edit is one line."""

import pytest
from torch import nn
from torchvision.ops import StochasticDepth

from diagnose.diff.explain.changes import Change
from diagnose.diff.explain.conclusions import grouped
from diagnose.values import Significance


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


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["scale (factor 1e-05) added", "scale (factor 2.5) added"], ["scale (factor 1e-05 to 2.5) added"]),
        (["rate 0.1 → rate 0.2", "rate 0.2 → rate 0.2"], ["rate 0.1 to 0.2 → rate 0.2"]),
        (["dropout (p 0.1) removed", "dropout (p 0.5) removed"], ["dropout (p 0.1 to 0.5) removed"]),
        (["conv2d: stride 1×1 → 2×2", "conv2d: stride 1×1 → 4×4"], None),
        (["a \\1 rate 0.1", "a \\1 rate 0.1"], ["a \\1 rate 0.1"]),
    ],
)
def test_only_graded_numbers_are_drawn_together(messages, expected) -> None:
    found = grouped([(Change("kind", Significance.REAL, message, "here", ()), "train") for message in messages])
    assert [finding.message for finding in found] == (expected or messages)
