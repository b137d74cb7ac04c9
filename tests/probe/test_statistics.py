"""Intervals, corrections and power against scipy's own tests and against simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from diagnose.probe.statistics import detectable, difference, holm, seeds_needed, verdict

A = [90.1, 90.7, 89.8, 90.4, 90.2]
B = [91.0, 91.2, 91.1, 91.3, 90.6]


def test_paired_is_scipys():
    theirs = stats.ttest_rel(B, A)
    ours = difference(A, B, paired=True)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.interval(0.05) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_welch_is_scipys():
    theirs = stats.ttest_ind(B[:4], A, equal_var=False)
    ours = difference(A, B[:4], paired=False)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.interval(0.05) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_one_seed_and_no_spread():
    assert difference([1.0], [2.0], paired=True).interval(0.05) == (-math.inf, math.inf)
    assert difference([1.0, 2.0], [1.0, 2.0], paired=True).p == 1.0
    assert difference([1.0, 2.0], [2.0, 3.0], paired=True).interval(0.05) == (1.0, 1.0)


def test_holm_on_a_worked_example():
    # 0.01·4, 0.03·3, 0.04·2, 0.005·… in Holm's order: 0.005·4, 0.01·3, 0.03·2, then max(0.06, 0.04·1).
    assert [round(p, 6) for p, _ in holm([0.01, 0.04, 0.03, 0.005])] == [0.03, 0.06, 0.06, 0.02]
    assert [factor for _, factor in holm([0.01, 0.04, 0.03, 0.005])] == [3, 1, 2, 4]
    assert holm([]) == ()


@pytest.mark.parametrize(
    ("low", "high", "p", "expected"),
    [
        (0.5, 1.5, 0.001, "effect"),
        (-1.5, -0.5, 0.001, "effect"),
        (-0.2, 0.4, 0.6, "no effect larger than x"),
        (-3.0, 4.0, 0.6, "undetermined"),
        (0.1, 5.0, 0.06, "undetermined"),
    ],
)
def test_the_three_words(low, high, p, expected):
    assert verdict(low, high, p, margin=1.0) == (expected, max(abs(low), abs(high)))


@pytest.mark.parametrize(("n", "paired"), [(3, True), (5, True), (5, False)])
def test_the_detectable_effect_has_80_percent_power(n, paired):
    size = detectable(1.0, n, paired=paired)
    draw = np.random.RandomState(0)
    a, b = draw.standard_normal((20_000, n)), draw.standard_normal((20_000, n)) + size
    found = stats.ttest_1samp(b, 0, axis=1) if paired else stats.ttest_ind(a, b, axis=1)
    assert (found.pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.012)


def test_more_seeds_show_smaller_effects():
    for paired in (True, False):
        sizes = [detectable(1.0, n, paired=paired, alpha=0.01) for n in range(2, 201)]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] > 0


def test_seeds_needed_is_the_least_number_that_shows_the_effect():
    n = seeds_needed(1.0, 1.0, paired=True)
    assert n is not None
    assert detectable(1.0, n, paired=True) <= 1.0 < detectable(1.0, n - 1, paired=True)
    assert seeds_needed(0.001, 1.0, paired=True) is None
    assert seeds_needed(0.0, 1.0, paired=True) is None
