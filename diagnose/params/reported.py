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
_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_BYTES_OF_FLOAT32 = 4


def parse_reported(text: str) -> ReportedNumber:
    """Parse "6.0M", "11.2 M", "25.6e6", "6,012,234" or a size, "97.8MB"; raise DiagnoseError for anything else.

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
    unit = _unit(match["unit"].lower()) if match else None
    if match is None or unit is None:
        raise UsageError(
            f"cannot read the reported number {text!r}",
            hint="Write it as the document does: 6.0M, 6M, 11.2 M, 25.6e6, 6,012,234, or 97.8MB for a size.",
        )
    mantissa = match["mantissa"].replace(",", "")
    exponent = int(match["exponent"] or 0)
    value = Decimal(mantissa).scaleb(exponent) * unit
    last_digit = Decimal(1).scaleb(exponent - len(mantissa.partition(".")[2])) * unit
    if value <= 0:
        raise UsageError(f"the reported number {text!r} is not positive")
    half = last_digit / 2
    rounded = (math.ceil(value - half), math.floor(value + half))
    return ReportedNumber(
        text=text.strip(),
        unit=int(unit),
        rounded=(min(rounded), max(rounded)),  # between two whole numbers of float32 no size in bytes stands for any
        truncated=(math.ceil(value), max(math.ceil(value), math.ceil(value + last_digit) - 1)),
        of_bytes=match["unit"].lower() in _BYTES,
    )


def _unit(name: str) -> Decimal | None:
    """Return how many parameters a unit stands for, those of float32 where it is one of bytes."""
    if name in _BYTES:
        return Decimal(_BYTES[name]) / _BYTES_OF_FLOAT32
    return Decimal(10) ** _UNITS[name] if name in _UNITS else None


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
