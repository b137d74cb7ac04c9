"""The watched command: a child process whose Python processes find the hooks on their import path."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from diagnose.errors import CannotRun, UsageError

STARTUP = Path(__file__).resolve().parent / "startup"
"""The folder whose `sitecustomize` puts the hooks in."""

GRACE = 10.0
"""Seconds that a script has to end by itself after Ctrl-C or a termination, before it is killed."""

SLACK = 20.0
"""Seconds beyond its limit after which a script that has not ended by itself is terminated."""


@dataclass(frozen=True, slots=True)
class Shortening:
    """How a run is shortened: the most batches of a pass, epochs and seconds, None for no limit."""

    batches: int | None = 8
    epochs: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the child ended: its exit code, negative for a signal, and whether it was ended from outside."""

    exit_code: int
    interrupted: bool = False
    out_of_time: bool = False


def command_line(words: Sequence[str]) -> list[str]:
    """Return what a shell would run: a script or `-m module` gets this Python in front.

    Raises:
        UsageError: there is nothing to run, or no such program.
    """
    if not words:
        raise UsageError("There is no script to watch.", hint="Write `diagnose watch -- train.py`.")
    first = words[0]
    if first == "-m" or first.endswith(".py"):
        if first != "-m" and not os.path.isfile(first):  # noqa: PTH113 which says False of a name that is too long
            raise UsageError(f"There is no script {first}.")
        return [sys.executable, *words]
    beside = Path(sys.executable).with_name(first)
    program = str(beside) if "/" not in first and beside.is_file() else shutil.which(first)
    if program is None:
        raise UsageError(f"There is no program {first!r}.", hint="Name a script that ends in .py, or write -m MODULE.")
    return [program, *words[1:]]


def launch(words: Sequence[str], shortening: Shortening, folder: Path) -> Outcome:
    """Run a command in the working folder with its output on stderr; its processes write their logs into `folder`.

    Raises:
        DiagnoseError: there is no such command, or it cannot be started.
    """
    command = command_line(words)
    try:
        child = subprocess.Popen(command, stdout=2, env=_environment(shortening, folder))
    except OSError as error:
        raise CannotRun(f"cannot start {command[0]}: {error.strerror}") from error
    deadline = shortening.seconds + SLACK if shortening.seconds is not None else None
    with _terminated_together(child):
        return _waited(child, deadline)


def _environment(shortening: Shortening, folder: Path) -> dict[str, str]:
    options = {
        "folder": str(folder.resolve()),
        "batches": shortening.batches,
        "epochs": shortening.epochs,
        "seconds": shortening.seconds,
    }
    paths = [str(STARTUP), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"DIAGNOSE_WATCH": json.dumps(options), "PYTHONPATH": os.pathsep.join(paths)}


def _waited(child: subprocess.Popen[bytes], deadline: float | None) -> Outcome:
    """Wait for the end; at Ctrl-C, which the terminal sends to the child too, let it end by itself."""
    try:
        return Outcome(child.wait(deadline))
    except subprocess.TimeoutExpired:
        child.terminate()
        return Outcome(_ended(child), out_of_time=True)
    except KeyboardInterrupt:
        return Outcome(_ended(child, signal.SIGINT), interrupted=True)


def _ended(child: subprocess.Popen[bytes], again: signal.Signals | None = None) -> int:
    """Return the exit code of a child that is to end; one that does not is asked again, then killed."""
    for asked in (again, signal.SIGTERM, signal.SIGKILL):
        try:
            return child.wait(GRACE / 2)
        except subprocess.TimeoutExpired:
            if asked is not None:
                child.send_signal(asked)
    return child.wait()


@contextmanager
def _terminated_together(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass a termination of this process on to the child, and report what was seen."""

    def end(number: int, frame: FrameType | None) -> None:
        child.terminate()
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread, which alone may set it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
