"""The keys of a claim: what each may be set to in a case file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Reader = Callable[[Any], Any]
"""From a TOML value to a setting; raises ValueError that says what is expected."""

LONGEST_TEXT = 4_000
MOST_ENTRIES = 20


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a kind of claim. `models` says that it names models of the case, one or several;
    `recipe` that it is a training recipe."""

    name: str
    read: Reader
    required: bool = True
    models: bool = False
    recipe: bool = False


def text(value: Any) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"a text of at most {LONGEST_TEXT:,} characters")
    return value.strip()


def texts(value: Any) -> tuple[str, ...]:
    """Read a list of texts, one at least."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_ENTRIES:
        raise ValueError(f"a list of 1 to {MOST_ENTRIES} texts")
    return tuple(map(text, value))


def json_file(value: Any) -> str:
    """Read the name of a JSON file that stands beside the case file, never elsewhere."""
    if not isinstance(value, str) or not value.endswith(".json") or value != Path(value).name or "\0" in value:
        raise ValueError("the name of a .json file beside the case file")
    return value


def truth(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def whole(low: int, high: int) -> Reader:
    """Return a reader of whole numbers from `low` to `high`."""

    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return read


def real(low: float, high: float) -> Reader:
    """Return a reader of numbers from `low` to `high`."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return read


def word(*known: str) -> Reader:
    """Return a reader of one of the known words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"one of {', '.join(map(repr, known))}")
        return value

    return read


def number(value: Any) -> str:
    """Read a number as a document writes it: "6.0M", "5,274,954"; the text is kept, since it carries the precision."""
    from diagnose.errors import DiagnoseError
    from diagnose.params.reported import parse_reported

    if not isinstance(value, str):
        raise ValueError('a number in quotes, written as the document does: "6.0M"')
    try:
        parse_reported(value)
    except DiagnoseError as error:
        raise ValueError(f"a number as a document writes it: {error.hint or error.message}") from error
    return value


def numbers(value: Any) -> tuple[str, ...]:
    """Read one or several numbers, each as a document writes it."""
    entries = value if isinstance(value, list) else [value]
    if not 1 <= len(entries) <= MOST_ENTRIES:
        raise ValueError(f"a list of 1 to {MOST_ENTRIES} numbers in quotes")
    return tuple(map(number, entries))
