"""A slip of the pen: a reported number that one digit misread, or two digits swapped, turns into the network's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from diagnose.errors import DiagnoseError
from diagnose.params.gap.chance import NEIGHBOURHOOD
from diagnose.params.reported import parse_reported
from diagnose.values import NumberSlip, ReportedNumber


def find_slip(reported: ReportedNumber, total: int) -> NumberSlip | None:
    """Return the slip that turns a reported number into a network's own, None where it takes more than one.

    Its chance is the share of random numbers, of the same size and with as many digits, that are one slip from it.
    """
    for kind, text in _slips(reported.text):
        meant = _read(text)
        if meant is not None and meant.readings(total):
            return NumberSlip(kind, text, _chance(text, meant))
    return None


def _chance(text: str, meant: ReportedNumber) -> float:
    middle = sum(meant.rounded) / 2
    low, high = middle / NEIGHBOURHOOD, middle * NEIGHBOURHOOD
    readings = (_read(slip) for _, slip in _slips(text))
    near = {number.rounded for number in readings if number is not None and low <= sum(number.rounded) / 2 <= high}
    return min(1.0, len(near) * (meant.rounded[1] - meant.rounded[0] + 1) / (high - low))


def _slips(text: str) -> Iterator[tuple[str, str]]:
    """Yield every text that one slip makes of a number, with its kind: "swapped" or "misread"."""
    digits = [i for i, character in enumerate(text) if character.isdigit()]
    for first, second in pairwise(digits):
        if text[first] != text[second]:
            yield "swapped", f"{text[:first]}{text[second]}{text[first + 1 : second]}{text[first]}{text[second + 1 :]}"
    for i in digits:
        for digit in "0123456789":
            if digit != text[i]:
                yield "misread", f"{text[:i]}{digit}{text[i + 1 :]}"


def _read(text: str) -> ReportedNumber | None:
    try:
        return parse_reported(text)
    except DiagnoseError:
        return None
