"""The aligned module trees: wrapped modules stay beside their counterparts, and what is alike folds."""

import copy

import pytest
from torch import nn

from diagnose.render.outline import unfolded
from diagnose.values import AlignedTree, Significance


def block() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU())


class Wrapped(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.preparation = nn.Identity()
        self.backbone = inner

    def forward(self, x):
        return self.backbone(x)


@pytest.fixture
def plain() -> nn.Module:
    return nn.Sequential(block(), block(), block())


def rows(compare, a, b):
    return compare(a, b, shape=(2, 3, 8, 8)).tree


def test_every_module_of_both_sides_stands_in_one_row(compare, plain) -> None:
    twin = Wrapped(copy.deepcopy(plain))

    found = rows(compare, plain, twin)

    for side, module in ((0, plain), (1, twin)):
        texts = [(row.a, row.b)[side] for row in found]
        assert sum(text is not None for text in texts) == len(list(module.modules()))


@pytest.mark.parametrize("around", ["a", "b"])
def test_what_one_side_wraps_stays_beside_its_counterpart(compare, plain, around) -> None:
    wrapped = Wrapped(copy.deepcopy(plain))
    found = rows(compare, *((wrapped, plain) if around == "a" else (plain, wrapped)))

    alone = [row for row in found if row.a is None or row.b is None]
    assert [(getattr(row, around) or "").partition(":")[0] for row in alone] == ["preparation", "backbone"]
    assert all(row.verdict is Significance.COSMETIC for row in alone)
    assert all(row.folded for row in found if row.depth)


def test_a_real_difference_stays_open_with_all_that_is_around_it(compare, plain) -> None:
    twin = copy.deepcopy(plain)
    twin[1][2] = nn.Tanh()

    found = rows(compare, plain, twin)

    opened = [row.a for row in found if not row.folded]
    assert [text.partition(":")[0] for text in opened] == ["Sequential()", "1", "2"]
    real = [row for row in found if row.verdict is Significance.REAL]
    assert [row.a for row in real] == ["2: ReLU()"]
    assert len(unfolded(AlignedTree("", "a", "b", found))) == 6  # root, 0, 1 with a run of two and its ReLU, 2
