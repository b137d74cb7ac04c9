"""A reported number, read as the interval of whole numbers it may stand for."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

from diagnose.bounds import LARGEST
from diagnose.errors import UsageError
from diagnose.values import ReportedNumber

_NUMBER = re.compile(
    r"(?P<mantissa>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:e\+?(?P<exponent>\d{1,2}))?"
    r"\s*(?P<unit>[a-z]*)",
    re.IGNORECASE | re.ASCII,
)
LONGEST = 28
"""Longest reported number in characters, as many digits as `Decimal` computes with."""

_UNITS = {"": 0, "k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "g": 9, "billion": 9, "t": 12}


def parse_reported(text: str) -> ReportedNumber:
    """Parse "6.0M", "6M", "11.2 M", "25.6e6" or "6,012,234"; raise DiagnoseError for anything else.

    The last digit written bounds the number: "6.0M" is 5,950,000 to 6,050,000 if it was rounded and 6,000,000 to
    6,099,999 if it was truncated.
    """
    if len(text) > LONGEST:
        shown = f"{text[:LONGEST]}…"
        raise UsageError(f"the reported number {shown!r} has more than {LONGEST} characters")
    reported = _read(text)
    if reported.rounded[0] > LARGEST:
        raise UsageError(f"the reported number {text!r} is beyond {LARGEST:,}")
    return reported


def _read(text: str) -> ReportedNumber:
    match = _NUMBER.fullmatch(text.strip())
    power = _UNITS.get(match["unit"].lower()) if match else None
    if match is None or power is None:
        raise UsageError(
            f"cannot read the reported number {text!r}",
            hint="Write it as the document does: 6.0M, 6M, 11.2 M, 25.6e6 or 6,012,234.",
        )
    mantissa = match["mantissa"].replace(",", "")
    value = Decimal(mantissa).scaleb(power + int(match["exponent"] or 0))
    decimals = len(mantissa.partition(".")[2])
    last_digit = Decimal(1).scaleb(power + int(match["exponent"] or 0) - decimals)
    if value <= 0:
        raise UsageError(f"the reported number {text!r} is not positive")
    half = last_digit / 2
    return ReportedNumber(
        text=text.strip(),
        unit=10**power,
        rounded=(math.ceil(value - half), math.floor(value + half)),
        truncated=(math.ceil(value), max(math.ceil(value), math.ceil(value + last_digit) - 1)),
    )


def other_precisions(reported: ReportedNumber) -> tuple[ReportedNumber, ...]:
    """Return the same number with one decimal fewer and one more: "6M" and "6.00M" for "6.0M".

    A document seldom says how it rounded, so an answer that changes with the precision is no answer.
    """
    match = _NUMBER.fullmatch(reported.text)
    assert match is not None, reported.text
    mantissa, rest = match["mantissa"], reported.text[len(match["mantissa"]) :]
    if not rest:  # an exact number has no last digit to doubt
        return ()
    whole, _, decimals = mantissa.partition(".")
    finer = f"{whole}.{decimals}0"
    digit = Decimal(1).scaleb(1 - len(decimals))
    coarser = Decimal(mantissa.replace(",", "")).quantize(digit, ROUND_HALF_UP) if decimals else Decimal(0)
    texts = (f"{coarser:f}", finer) if coarser else (finer,)
    return tuple(_read(f"{text}{rest}") for text in texts)
