"""Intervals, corrections and power against scipy's own tests and against simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diagnose.probe.effects.statistics import ALPHA, detectable, difference, holm, seeds_to_settle, share, verdict

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


def test_one_seed_or_none_that_spread_say_nothing_of_the_noise():
    for a, b in (([1.0], [2.0]), ([1.0, 2.0], [2.0, 3.0]), ([1.0, 2.0], [1.0, 2.0])):
        found = difference(a, b, paired=True)
        assert found.interval(0.05) == (-math.inf, math.inf)
        assert found.p == 1.0


def test_holm_on_a_worked_example():
    # In Holm's order: 0.005·4, 0.01·3, 0.03·2, then max(0.06, 0.04·1).
    found = holm([0.01, 0.04, 0.03, 0.005])
    assert [round(measured.p, 6) for measured in found] == [0.03, 0.06, 0.06, 0.02]
    # The first that is not below its level, 0.03 against 0.05/2, sets the level of all that follow.
    assert [measured.alpha for measured in found] == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])
    assert holm([]) == ()


@given(st.lists(st.tuples(st.floats(-4, 4), st.floats(0.1, 3)), min_size=1, max_size=12))
def test_interval_and_corrected_p_tell_the_same_story(drawn):
    noise = np.array([0.3, -0.2, 0.1, -0.25, 0.05])
    found = [difference([0.0] * 5, list(mean + scale * noise), paired=True) for mean, scale in drawn]
    for measured, corrected in zip(found, holm([result.p for result in found]), strict=True):
        low, high = measured.interval(corrected.alpha)
        assert (not low <= 0 <= high) == (corrected.p < ALPHA)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 1.5, "effect"),
        (-1.5, -0.5, "effect"),
        (-0.2, 0.4, "no effect larger than x"),
        (-3.0, 4.0, "undetermined"),
        (-math.inf, math.inf, "undetermined"),
    ],
)
def test_the_three_words(low, high, expected):
    assert verdict(low, high, margin=1.0) == (expected, max(abs(low), abs(high)))


def test_the_ends_of_a_share_are_where_scipys_test_turns():
    effect, gap = np.array([1.0, 1.4, 0.9, 1.3, 1.2]), np.array([2.9, 3.3, 2.8, 3.4, 2.7])
    point, low, high = share(list(effect), list(gap))
    assert point == pytest.approx(effect.mean() / gap.mean())
    for end in (low, high):
        assert stats.ttest_1samp(effect - end * gap, 0).pvalue == pytest.approx(0.05)


def test_no_share_of_a_gap_that_is_not_told_from_zero():
    gap = [0.5, -0.4, 0.6, -0.3, 0.2]
    assert stats.ttest_1samp(gap, 0).pvalue > 0.05
    assert share([1.0, 1.4, 0.9, 1.3, 1.2], gap) is None
    assert share([1.0], [2.0]) is None


def test_a_shares_interval_holds_the_truth_in_95_percent():
    draw, held = np.random.RandomState(1), 0
    for _ in range(4_000):
        start, arm, end = draw.standard_normal((3, 5)) * 0.6
        found = share(list(2 + arm - start), list(4 + end - start))
        held += found is not None and found[1] <= 0.5 <= found[2]
    assert held / 4_000 == pytest.approx(0.95, abs=0.012)


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


def test_the_seeds_that_settle_an_effect_are_the_fewest_that_show_it():
    n = seeds_to_settle(2.0, 1.0, paired=True, alpha=0.05, margin=1.0)
    assert n is not None
    assert detectable(1.0, n, paired=True) <= 2.0 < detectable(1.0, n - 1, paired=True)


def test_the_seeds_that_settle_a_small_one_are_the_fewest_that_bound_it():
    n = seeds_to_settle(0.1, 1.0, paired=True, alpha=0.05, margin=1.0)
    reach = [stats.t.ppf(0.975, count - 1) / math.sqrt(count) for count in (n - 1, n)]
    assert reach[1] <= 0.9 < reach[0]
    assert seeds_to_settle(1.0, 50.0, paired=True, alpha=0.05, margin=1.0) is None
