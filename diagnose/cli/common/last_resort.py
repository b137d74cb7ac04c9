"""How a command ends at an unexpected error: with one sentence and no traceback."""

from __future__ import annotations

import errno
import os
from typing import Any

from typer.core import TyperGroup

from diagnose.errors import CannotRun, DiagnoseError, in_one_line
from diagnose.interrupts import came, is_real

TRACEBACK = "DIAGNOSE_TRACEBACK"
"""The environment variable that has the traceback of such an error shown."""

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


class Commands(TyperGroup):
    """The commands, none of which ends with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error that is neither ours nor Typer's becomes one of ours, Ctrl-C stays what it is."""
        try:
            return super().invoke(ctx)
        except DiagnoseError:
            raise
        except BaseException as error:
            if is_real(error) or type(error).__module__.partition(".")[0] in ("typer", "click"):
                raise
            if came and not isinstance(error, OSError):  # a library has made another error of it
                raise KeyboardInterrupt from error
            if os.environ.get(TRACEBACK):
                import traceback

                traceback.print_exception(error)
            raise foreseen(error) from error


def foreseen(error: BaseException) -> DiagnoseError:
    """Return what to tell of an error: a full disk, little memory, a model's code, or else a defect of ours."""
    if isinstance(error, OSError) and error.errno in _FULL:
        place = f" {error.filename}" if error.filename else ""
        return CannotRun(
            f"cannot write{place}: {error.strerror}",
            hint="Free some space, or name another place; what is whole is kept, and the same command goes on.",
        )
    if isinstance(error, MemoryError):
        return CannotRun("There is not enough memory for this.", hint="Try a smaller model or input.")
    from diagnose.networks.build_errors import place_of

    if place := place_of(error):
        return CannotRun(f"The model's code ended the command{place} by {in_one_line(error)}", hint=_HINT)
    return CannotRun(f"This is a defect of diagnose, which met {in_one_line(error)}", hint=_HINT)


_HINT = f"{TRACEBACK}=1 shows the traceback."
