"""The errors a user may see, by kind: what failed, for which model, and what to try."""

from __future__ import annotations

USAGE = 2
COULD_NOT_RUN = 3
INTERRUPTED = 130


class DiagnoseError(Exception):
    """Say what failed and what to try. It is raised as one of its kinds, `UsageError` or `CannotRun`.

    The command line ends with the kind's `exit_code` and without a traceback.
    """

    exit_code = COULD_NOT_RUN

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(hint)  # a traceback shows it


class UsageError(DiagnoseError):
    """A wrong call: a name that does not exist, a number that cannot be read, options that exclude each other."""

    exit_code = USAGE


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
