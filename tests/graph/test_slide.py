"""A removed block is the block of one module, and not a part of two."""

import copy

import pytest
from torch import nn
from torch.nn import functional

from diagnose.values import Verdict


class PostActivation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()

    def forward(self, x):
        return self.relu(x + self.norm(self.conv(x)))


class PreActivation(PostActivation):
    def forward(self, x):
        return x + self.conv(self.relu(self.norm(x)))


class Plain(PostActivation):
    def forward(self, x):
        return self.relu(self.norm(self.conv(x)))


class Last(PostActivation):
    def forward(self, x):
        return self.norm(self.conv(self.relu(x)))


def marked_blocks(rows) -> int:
    """Count the blocks of which a row, its own or one of its modules', is marked as different."""
    marked, block = set(), -1
    for number, row in enumerate(rows):
        block = number if row.depth == 2 else block
        if row.verdict is Verdict.REAL:
            assert row.depth >= 2
            marked.add(block)
    return len(marked)


@pytest.mark.parametrize("block", [PostActivation, PreActivation, Plain, Last])
@pytest.mark.parametrize("removed", [0, 1, 2])
@pytest.mark.parametrize("turned", [False, True], ids=["removed", "added"])
def test_a_block_is_removed_and_added_as_a_whole(compare, block, removed, turned) -> None:
    whole = nn.Sequential(nn.Sequential(*(block() for _ in range(3))), nn.Conv2d(4, 2, 1))
    less = copy.deepcopy(whole)
    less[0] = nn.Sequential(*(each for place, each in enumerate(less[0]) if place != removed))
    pair = (less, whole) if turned else (whole, less)

    answer = compare(*pair, shape=(2, 4, 6, 6))

    (found,) = [each for each in answer.findings if each.verdict is Verdict.REAL]
    assert found.count == 1
    (place,) = found.where
    assert place in ("0.0", "0.1", "0.2")
    assert marked_blocks(answer.tree) == 1


def test_operations_of_no_module_stay_where_they_are(compare) -> None:
    class Chain(nn.Module):
        def __init__(self, times: int) -> None:
            super().__init__()
            self.times = times

        def forward(self, x):
            for _ in range(self.times):
                x = functional.avg_pool2d(functional.relu(x), 3, 1, 1)
            return x

    answer = compare(Chain(3), Chain(2), shape=(2, 4, 6, 6))
    (found,) = [each for each in answer.findings if each.verdict is Verdict.REAL]
    assert "relu" in found.message
    assert "avg_pool2d" in found.message
