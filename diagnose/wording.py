"""Words that every part of the program says alike."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 row", "1,560 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
