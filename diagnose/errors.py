"""The one error a user may see: what failed, for which model, and what to try."""

from __future__ import annotations

USAGE = 2
COULD_NOT_RUN = 3
INTERRUPTED = 130


class DiagnoseError(Exception):
    """Say what failed and what to try; the command ends with `exit_code` and no traceback.

    `exit_code` is `USAGE` (2) for a wrong call and `COULD_NOT_RUN` (3) for work that could not be done.
    """

    def __init__(self, message: str, *, hint: str = "", exit_code: int = COULD_NOT_RUN) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


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
