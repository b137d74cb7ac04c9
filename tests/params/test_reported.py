"""A reported number stands for exactly the integers that Python's own rounding or cutting writes so."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.errors import DiagnoseError, UsageError
from diagnose.params.reported import other_precisions, parse_reported

UNITS = {"k": 3, "M": 6, "B": 9}


def _written(count: int, unit: str, decimals: int, rounding: str) -> Decimal:
    return (Decimal(count).scaleb(-UNITS[unit])).quantize(Decimal(1).scaleb(-decimals), rounding)


@given(
    mantissa=st.integers(1, 9999),
    decimals=st.integers(0, 3),
    unit=st.sampled_from(list(UNITS)),
    share=st.floats(0, 1),
)
def test_every_count_within_an_interval_is_written_as_reported(mantissa, decimals, unit, share):
    stated = Decimal(mantissa).scaleb(-decimals)
    reported = parse_reported(f"{stated:f}{unit}")

    low, high = reported.rounded
    inside = low + round(share * (high - low))
    assert stated in {_written(inside, unit, decimals, mode) for mode in (ROUND_HALF_EVEN, ROUND_HALF_UP)} or (
        inside == high and _written(inside - 1, unit, decimals, ROUND_HALF_UP) == stated
    )
    low, high = reported.truncated
    inside = low + int(share * (high - low))
    assert _written(inside, unit, decimals, ROUND_DOWN) == stated


@given(mantissa=st.integers(1, 9999), decimals=st.integers(0, 3), unit=st.sampled_from(list(UNITS)))
def test_no_count_beyond_an_interval_is_written_as_reported(mantissa, decimals, unit):
    stated = Decimal(mantissa).scaleb(-decimals)
    reported = parse_reported(f"{stated:f}{unit}")

    for outside in (reported.rounded[0] - 1, reported.rounded[1] + 1):
        assert _written(outside, unit, decimals, ROUND_HALF_EVEN) != stated
    for outside in (reported.truncated[0] - 1, reported.truncated[1] + 1):
        assert _written(outside, unit, decimals, ROUND_DOWN) != stated


@given(count=st.integers(1, 10**12))
def test_an_exact_number_stands_for_itself(count):
    for text in (str(count), f"{count:,}"):
        reported = parse_reported(text)
        assert reported.rounded == reported.truncated == (count, count)
        assert reported.readings(count) == ("rounded", "truncated")
        assert other_precisions(reported) == ()


def test_the_spellings_of_documents_are_read_alike():
    assert parse_reported("11.2 M").rounded == parse_reported("11.2 million").rounded == (11_150_000, 11_250_000)
    assert parse_reported("25.6e6").rounded == parse_reported("25.6M").rounded
    assert parse_reported("6.0M").truncated == (6_000_000, 6_099_999)
    assert parse_reported("6M").rounded == (5_500_000, 6_500_000)


@pytest.mark.parametrize("text", ["", "M", "6.0X", "six", "-6M", "0", "0.0M", "6,01M", "1e400", "٦M", "nan", "6.0M\n7"])
def test_what_is_no_number_is_refused_as_a_wrong_call(text):
    with pytest.raises(DiagnoseError) as refused:
        parse_reported(text)
    assert isinstance(refused.value, UsageError)


def test_a_number_that_would_round_to_nothing_has_only_a_finer_reading():
    assert [reading.text for reading in other_precisions(parse_reported("0.3M"))] == ["0.30M"]
    assert [reading.text for reading in other_precisions(parse_reported("6.0M"))] == ["6M", "6.00M"]


@given(mantissa=st.integers(1, 99999), decimals=st.integers(0, 2), unit=st.sampled_from(list(UNITS)))
def test_other_precisions_are_a_wider_and_a_narrower_reading(mantissa, decimals, unit):
    stated = Decimal(mantissa).scaleb(-decimals)
    reported = parse_reported(f"{stated:f}{unit}")
    width = reported.rounded[1] - reported.rounded[0]
    *coarser, finer = other_precisions(reported)

    assert finer.rounded[1] - finer.rounded[0] < width
    assert finer.readings(int(stated.scaleb(UNITS[unit])))
    assert len(coarser) <= (1 if decimals else 0)
    assert coarser or not decimals or stated < Decimal(5).scaleb(-decimals)
    for reading in coarser:
        assert reading.rounded[1] - reading.rounded[0] > width
