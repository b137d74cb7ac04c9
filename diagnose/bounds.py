"""Bounds for foreign numbers in texts, TOML and JSON: each is checked before anything is computed with it."""

from __future__ import annotations

import cmath
import json
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

LARGEST = 2**63 - 1
"""Largest whole number, of 64 bits, as TOML and torch have them."""

MOST_DIGITS = 40
"""Longest whole number in JSON, in characters: our own counts are of any size."""


def whole(text: str, low: int, high: int) -> int | None:
    """Return the whole number from `low` to `high` that ASCII digits spell, None for any other text, however long."""
    fits = text.isascii() and text.isdigit() and len(text) <= len(str(high))
    return int(text) if fits and low <= int(text) <= high else None


def unbounded(value: Any) -> str:
    """Return what is wrong with the first number in nested plain data that is beyond 64 bits or not finite, else ""."""
    for number in _numbers(value):
        if isinstance(number, int) and not -LARGEST <= number <= LARGEST:
            return "a whole number beyond 64 bits"
        if not isinstance(number, int) and not cmath.isfinite(number):
            return "a number that is not finite"
    return ""


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML whose whole numbers have 64 bits, as its specification demands; inf and nan are left alone.

    Raises:
        ValueError: it is no TOML, and the message says why.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # Python's own of a number of thousands of digits
        raise ValueError("it holds a whole number beyond 64 bits") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    for key, value in table.items():
        if any(isinstance(number, int) and not -LARGEST <= number <= LARGEST for number in _numbers(value)):
            raise ValueError(f"{key} holds a whole number beyond 64 bits")
    return table


def parse_json(text: str | bytes, *, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """Parse JSON whose whole numbers have 40 characters at most, and whose other numbers are finite.

    Raises:
        ValueError: it is no JSON, and the message says why.
    """
    try:
        return json.loads(text, parse_int=_whole, parse_float=_real, parse_constant=parse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _whole(token: str) -> int:
    if len(token) > MOST_DIGITS:
        raise ValueError(f"it holds a whole number of {len(token):,} digits")
    return int(token)


def _real(token: str) -> float:
    value = float(token)
    if not math.isfinite(value):
        raise ValueError(f"it holds the number {token[:MOST_DIGITS]}, which is too large")
    return value


def _numbers(value: Any) -> Iterator[int | float | complex]:
    """Yield the numbers of nested plain data."""
    waiting = [value]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, int | float | complex):
            yield entry
        elif isinstance(entry, Mapping):
            waiting += [*entry.values(), *entry.keys()]
        elif isinstance(entry, list | tuple | set | frozenset):
            waiting += entry
