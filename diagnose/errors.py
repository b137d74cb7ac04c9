"""The errors a user may see, by kind: what failed, for which model, and what to try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a call, with the value to give it. Python writes `name=value`; the command line has its own way."""

    name: str
    value: str | int | bool | None = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value!r}"


class DiagnoseError(Exception):
    """Say what failed and what to try. It is raised as one of its kinds, `UsageError` or `CannotRun`.

    Where a hint names options of the call, it has a field `{}` for each of `options`, so that whoever shows it can
    spell them. `hint` is spelt for Python.
    """

    def __init__(self, message: str, *, hint: str = "", options: tuple[Option, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.template = hint
        self.options = options
        self.hint = self.hint_spelt(str)
        if hint:
            self.add_note(self.hint)  # a traceback shows it

    def hint_spelt(self, spell: Callable[[Option], str]) -> str:
        """Return the hint with its options spelt."""
        return self.template.format(*map(spell, self.options)) if self.options else self.template


class UsageError(DiagnoseError):
    """A wrong call: a name that does not exist, a number that cannot be read, options that exclude each other."""


class CannotRun(DiagnoseError):  # noqa: N818 - the word of DESIGN for what is no fault of the call
    """Work that could not be done: a network that cannot be captured, a file that cannot be written."""


class MissingDependency(UsageError):  # noqa: N818
    """A library that is asked for is not installed; the hint says how to install it."""


class EndedError(Exception):
    """Somebody's code raised what no `except Exception` catches, or what cannot be told; the message says it all."""


def in_one_line(error: BaseException) -> str:
    """Return an error of other code as "ValueError: the first line of its message"."""
    first = next(iter(message_of(error).splitlines()), "")
    return first if isinstance(error, EndedError) else f"{type(error).__name__}: {first}"


def message_of(error: BaseException) -> str:
    """Return an error's own words, without any where it cannot even say them."""
    try:
        return str(error).strip()
    except Exception:
        return ""


def nearest(wrong: str, right: list[str] | tuple[str, ...], *, most: int = 3) -> str:
    """Return a hint that names the right words nearest to a wrong one, or an empty string."""
    from difflib import get_close_matches

    matches = get_close_matches(wrong, right, n=most, cutoff=0.5)
    return f"Did you mean {' or '.join(matches)}?" if matches else ""
