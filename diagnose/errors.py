"""The one error a user may see: what failed, for which model, and what to try."""

from __future__ import annotations

from typing import Self

USAGE = 2
COULD_NOT_RUN = 3
INTERRUPTED = 130


class DiagnoseError(Exception):
    """Say what failed and what to try; the command ends with `exit_code` and no traceback.

    `exit_code` is `USAGE` (2) for a wrong call and `COULD_NOT_RUN` (3) for work that could not be done. Each is an
    error of its own kind, `UsageError` or `CannotRun`, also where it is raised by this name.
    """

    def __new__(cls, message: str = "", *, hint: str = "", exit_code: int = COULD_NOT_RUN) -> Self:
        """Choose the kind by the exit code."""
        kind = (UsageError if exit_code == USAGE else CannotRun) if cls is DiagnoseError else cls
        return super().__new__(kind, message)  # type: ignore[return-value]

    def __init__(self, message: str, *, hint: str = "", exit_code: int = COULD_NOT_RUN) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
        if hint:
            self.add_note(hint)  # a traceback shows it


class UsageError(DiagnoseError):
    """A call that is wrong: a name that does not exist, a number that cannot be read, options that exclude each other.

    Source: exit code 2 of the command line.
    """

    def __init__(self, message: str, *, hint: str = "", exit_code: int = USAGE) -> None:
        super().__init__(message, hint=hint, exit_code=exit_code)


class CannotRun(DiagnoseError):  # noqa: N818 - the word of DESIGN for what is no fault of the call
    """Work that could not be done: a network that cannot be captured, a file that cannot be written."""


class MissingDependency(CannotRun):
    """A library that is asked for is not installed; the hint says how to install it."""


class EndedError(Exception):
    """Somebody's code raised what no `except Exception` catches, or what cannot be told; the message says it all."""


def in_one_line(error: BaseException) -> str:
    """Return an error of other code as "ValueError: the first line of its message"."""
    first = next(iter(said_by(error).splitlines()), "")
    return first if isinstance(error, EndedError) else f"{type(error).__name__}: {first}"


def said_by(error: BaseException) -> str:
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
