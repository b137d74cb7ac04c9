"""The degree check against polynomials whose degree is known by construction."""

import pytest
import torch
from torch import nn

from diagnose.polynomial.degree import FITS, fit, growth
from diagnose.polynomial.restrict import NetworkPrefix, frozen, randomise, straight


class Power(nn.Module):
    """x ↦ (A₁x + b₁) ⊙ … ⊙ (Aₙx + bₙ): degree n."""

    def __init__(self, degree, width=5):
        super().__init__()
        self.factors = nn.ModuleList(nn.Linear(width, width) for _ in range(degree))

    def forward(self, x):
        product = torch.ones_like(x)
        for factor in self.factors:
            product = product * factor(x)
        return product


def line_of(module, seed=0, width=5):
    generator = torch.Generator().manual_seed(seed)
    randomise(module, generator)
    return straight(module, torch.randn(3, width, generator=generator, dtype=torch.float64), generator)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_polynomials_degree_is_found(degree, seed):
    found = fit(line_of(Power(degree), seed))
    assert (found.degree, found.decided) == (degree, True)
    assert found.residuals[-1] <= FITS


@pytest.mark.parametrize(
    "module",
    [nn.Sequential(Power(2), nn.ReLU()), nn.Sequential(nn.Linear(5, 5), nn.Sigmoid()), Power(5), Power(7)],
    ids=["relu", "sigmoid", "degree 5", "degree 7"],
)
def test_what_is_no_polynomial_of_a_low_degree_fits_none(module):
    found = fit(line_of(module))
    assert (found.degree, found.decided) == (None, True)


def test_an_output_of_zero_decides_nothing():
    assert not fit(lambda t: torch.zeros(3, dtype=torch.float64)).decided
    assert not fit(lambda t: torch.full((3,), float("nan"), dtype=torch.float64)).decided


@pytest.mark.parametrize("size", [1e-40, 1.0, 1e40])
def test_the_scale_of_the_output_does_not_matter(size):
    found = fit(lambda t: torch.tensor([size * (1 + t + t * t), size * t], dtype=torch.float64))
    assert (found.degree, found.decided) == (2, True)


def test_a_small_quadratic_term_below_the_threshold_is_not_called_linear():
    found = fit(lambda t: torch.tensor([1 + t + 1e-7 * t * t], dtype=torch.float64))
    assert (found.degree, found.decided) == (2, False)


@pytest.mark.parametrize("degrees", [(2,), (2, 2, 2), (3, 2), (1, 1), (2,) * 6], ids=str)
def test_the_growth_of_a_composition_is_the_product(degrees):
    product = torch.tensor(degrees).prod().item()
    module = nn.Sequential(*(Power(degree) for degree in degrees))
    assert growth(line_of(module)).degree == product


def test_growth_stops_at_the_overflow():
    found = growth(lambda t: torch.tensor([float(t) ** 3], dtype=torch.float64) * 1e290)
    assert found.degree == 3
    assert all(rate == pytest.approx(3) for _, rate in found.rates)
    at_once = growth(lambda t: torch.tensor([float("inf")], dtype=torch.float64))
    assert (at_once.rates, at_once.degree) == ((), None)


def test_what_does_not_settle_has_no_degree():
    assert growth(lambda t: torch.tensor([2.0**t if t < 1024 else float("inf")], dtype=torch.float64)).degree is None
    assert growth(lambda t: torch.tensor([t**2.5], dtype=torch.float64)).degree is None


def test_frozen_relus_leave_a_polynomial_and_are_restored():
    module = nn.Sequential(Power(2), nn.ReLU(inplace=True))
    generator = torch.Generator().manual_seed(0)
    randomise(module, generator)
    start = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    before = module(start)
    line = straight(module, start, generator)
    with frozen(module, start):
        torch.testing.assert_close(module(start), before, atol=0, rtol=0)
        assert fit(line).degree == 2
    assert fit(line).degree is None
    assert module[1].inplace
    assert not module._forward_pre_hooks
    assert not module[1]._forward_hooks


def test_frozen_relus_are_restored_after_an_error():
    module = nn.Sequential(Power(2), nn.ReLU(inplace=True)).double()
    start = torch.randn(3, 5, dtype=torch.float64)
    with pytest.raises(KeyError), frozen(module, start):
        raise KeyError
    assert module[1].inplace
    assert not module._forward_pre_hooks
    assert not module[1]._forward_hooks


def test_a_relu_called_twice_has_a_mask_for_each_call():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other, self.relu = Power(1), Power(2), nn.ReLU(inplace=True)

        def forward(self, x):
            return self.relu(self.other(self.relu(self.one(x))))

    module = Shared()
    generator = torch.Generator().manual_seed(1)
    randomise(module, generator)
    start = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    line = straight(module, start, generator)
    assert fit(line).degree is None
    with frozen(module, start):
        assert fit(line).degree == 2


def test_zero_initialised_norms_hide_no_term():
    norm = nn.BatchNorm1d(5)
    nn.init.zeros_(norm.weight)
    assert fit(line_of(nn.Sequential(Power(2), norm))).degree == 2


def test_a_network_until_a_block():
    module = nn.Sequential(nn.Linear(5, 5), Power(2), nn.Linear(5, 2))
    x = torch.randn(3, 5)
    torch.testing.assert_close(NetworkPrefix(module, "1")(x), module[0](x))
