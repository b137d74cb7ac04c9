"""A misread digit or two swapped ones turn a reported number into the network's own, and nothing else is called so."""

import pytest

from diagnose.params.gap.slips import find_slip
from diagnose.params.reported import parse_reported

RESNET50 = 25_557_032


@pytest.mark.parametrize(
    ("text", "kind", "meant"),
    [
        ("25.65M", "swapped", "25.56M"),
        ("25,575,032", "swapped", "25,557,032"),
        ("28.56M", "misread", "25.56M"),
        ("25,557,092", "misread", "25,557,032"),
        ("52.56M", "swapped", "25.56M"),
    ],
)
def test_a_slip_is_found_with_its_kind(text, kind, meant):
    slip = find_slip(parse_reported(text), RESNET50)
    assert (slip.kind, slip.meant) == (kind, meant)


@pytest.mark.parametrize("text", ["23.51M", "25,575,023", "23,508,032"])
def test_what_takes_more_than_one_slip_is_none(text):
    assert find_slip(parse_reported(text), RESNET50) is None


def test_the_more_digits_the_rarer_is_a_slip_by_chance():
    shares = [find_slip(parse_reported(text), RESNET50).chance for text in ("28M", "28.6M", "28.56M", "28,557,032")]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.4
    assert shares[-1] < 1e-5


def test_the_chance_is_the_share_of_numbers_that_are_one_slip_away():
    chance = find_slip(parse_reported("28.6M"), RESNET50).chance
    grid = [tenths for tenths in range(100, 1000) if 25.6 / 1.3 <= tenths / 10 <= 25.6 * 1.3]
    near = [tenths for tenths in grid if tenths != 256 and _one_slip(str(tenths), "256")]
    assert chance == pytest.approx(len(near) / len(grid), rel=0.05)


def _one_slip(a, b):
    different = [i for i in range(3) if a[i] != b[i]]
    swapped = len(different) == 2 and different[1] == different[0] + 1
    return len(different) == 1 or (swapped and sorted(a) == sorted(b))
