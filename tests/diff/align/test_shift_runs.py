"""A removed block is the block of one module, and not a part of two."""

import pytest
from torch import nn
from torch.nn import functional

from diagnose.values import Significance


class ActivationLast(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(width, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()
        self.skip = nn.Identity() if width == out else nn.Conv2d(width, out, 1)

    def forward(self, x):
        return self.relu(self.norm(self.conv(x)) + self.skip(x))


class NormLast(ActivationLast):
    def forward(self, x):
        return self.norm(self.conv(self.relu(x)) + self.skip(x))


class SumLast(ActivationLast):
    def forward(self, x):
        return self.norm(self.conv(self.relu(x))) + self.skip(x)


def network(block, stem: nn.Module, *, both: bool) -> nn.Module:
    stages = [block(4, 8), *([block(8, 8)] if both else [])], [block(8, 16)]
    first = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), stem)
    return nn.Sequential(first, *(nn.Sequential(*stage) for stage in stages), nn.Conv2d(16, 2, 1))


def differing(answer) -> dict[tuple[str, ...], str]:
    return {finding.where: finding.message for finding in answer.findings
            if finding.verdict is Significance.REAL and finding.kind != "initial weights"}  # fmt: skip


@pytest.mark.parametrize("block", [ActivationLast, NormLast, SumLast])
@pytest.mark.parametrize("turned", [False, True], ids=["removed", "added"])
def test_a_block_is_removed_and_added_as_a_whole(compare, block, turned) -> None:
    # Something that differs before all blocks: from there on no value of the one is a value of the other.
    whole, less = network(block, nn.Identity(), both=True), network(block, nn.Tanh(), both=False)

    answer = compare(*((less, whole) if turned else (whole, less)), shape=(2, 4, 6, 6))

    found = differing(answer)
    assert found.keys() == {("0.1",), ("1.1",)}
    assert sorted(found["1.1",].rpartition(" ")[0].split(", ")) == ["batch_norm", "conv2d", "relu", "sum"]
    marked = [(row.b if turned else row.a).partition(":")[0] for row in answer.tree if row.verdict is Significance.REAL]
    assert marked == ["1", "1", "conv", "norm", "relu"]  # the stem's, and then the block's alone


def test_operations_of_no_module_stay_where_they_are(compare) -> None:
    class Chain(nn.Module):
        def __init__(self, times: int) -> None:
            super().__init__()
            self.times = times

        def forward(self, x):
            for _ in range(self.times):
                x = functional.avg_pool2d(functional.relu(x), 3, 1, 1)
            return x

    (message,) = differing(compare(Chain(3), Chain(2), shape=(2, 4, 6, 6))).values()
    assert "relu" in message
    assert "avg_pool2d" in message
