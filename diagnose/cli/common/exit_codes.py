"""The exit codes of the command line: 0 is done and nothing differs, 1 a difference was found."""

from __future__ import annotations

from diagnose.errors import DiagnoseError, UsageError

DIFFERENCE = 1
USAGE = 2
COULD_NOT_RUN = 3
INTERRUPTED = 130


def exit_code_of(error: DiagnoseError) -> int:
    """Return what a command ends with at an error: a wrong call, or work that could not be done."""
    return USAGE if isinstance(error, UsageError) else COULD_NOT_RUN
