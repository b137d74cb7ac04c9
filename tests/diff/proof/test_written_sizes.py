"""A graph holds computed sizes as numbers: the networks themselves say whether that is a difference."""

import pytest
import torch.nn.functional as F
from torch import nn

from diagnose.diff.compare import Model, diff
from diagnose.values import Equivalence, InputSpec, Significance

INPUTS = (InputSpec((2, 3, 16, 16)),)


class Upsampled(nn.Module):
    """A map made larger between two convolutions, by a size that is computed, written, or given as a factor."""

    def __init__(self, options):
        super().__init__()
        self.first, self.second, self.options = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 5, 3), options

    def forward(self, x):
        y = self.first(x)
        return self.second(F.interpolate(y, **self.options(y)))


def twice(y):
    return {"size": (2 * y.shape[2], 2 * y.shape[3])}


def by_factor(y):
    return {"scale_factor": 2}


def written(y):
    return {"size": (32, 32)}


def smooth_size(y):
    return {"size": (int(1.5 * y.shape[2]), int(1.5 * y.shape[3])), "mode": "bilinear"}


def smooth_factor(y):
    return {"scale_factor": 1.5, "mode": "bilinear"}


def compared(a, b):
    return diff(Model("a", Upsampled(a)), Model("b", Upsampled(b)), INPUTS, initial=False)


def test_a_size_that_is_computed_and_a_factor_are_the_same_function():
    found = compared(twice, by_factor)
    assert found.verdict is Equivalence.EQUIVALENT
    assert not found.same_form
    assert not found.validity.limited
    [size] = [finding for finding in found.findings if "upsample" in finding.message]
    assert size.verdict is Significance.COSMETIC


@pytest.mark.parametrize(("a", "b"), [(twice, written), (by_factor, written), (smooth_size, smooth_factor)])
def test_what_parts_at_another_size_is_never_the_same_without_a_limit(a, b):
    found = compared(a, b)
    assert found.verdict is not Equivalence.EQUIVALENT or found.validity.limited
