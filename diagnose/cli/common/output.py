"""Where results and progress go: the result to stdout or a file, everything else to stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from diagnose.cli.common.options import Format
from diagnose.errors import CannotRun
from diagnose.files import check_writable, write_whole
from diagnose.values import Report

STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""What --output names stdout by; the result is given stdout itself, which stands for stderr by then."""

_SUFFIXES = {".json": Format.JSON, ".md": Format.MARKDOWN, ".html": Format.HTML, ".htm": Format.HTML}


class Result:
    """The place of a command's one result; from its making on, stdout belongs to the result alone.

    Whatever a model prints while it is built or run, from Python or from C, goes to stderr.
    """

    def __init__(self, format: Format | None, output: Path | None, *, quiet: bool) -> None:
        self.path = None if output is None or str(output) in STDOUT else output
        self.format = format or (_SUFFIXES.get(self.path.suffix.lower()) if self.path else None) or Format.TERMINAL
        self.quiet = quiet
        if self.path is not None:
            check_writable(self.path)
        self._stdout = _claim_stdout()

    @contextmanager
    def progress(self, text: str) -> Iterator[None]:
        """Show on a terminal what is being done, and clear it when it is done."""
        if self.quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console

        with Console(stderr=True).status(text):
            yield

    def write(self, report: Report) -> None:
        """Draw the report in the chosen format and write it, a file all at once or not at all."""
        from diagnose.render import render

        on_terminal = self.path is None and self._stdout.isatty()
        color = self.path is None and _wants_color(on_terminal)
        width = shutil.get_terminal_size().columns if on_terminal else None
        text = render(report, self.format.value, width=width, color=color)
        if self.path is not None:
            write_file(self.path, text)
            return
        try:
            self._stdout.write(text if text.endswith("\n") else f"{text}\n")
            self._stdout.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stdout.fileno())  # which takes what is still held
            if not isinstance(error, BrokenPipeError):  # whose reader (a pager, head) has seen enough
                raise CannotRun(f"cannot write to standard output: {error.strerror}") from error


def _claim_stdout() -> TextIO:
    """Return a private stream to stdout and point file descriptor 1, and so every other writer, to stderr."""
    sys.stdout.flush()
    encoding = sys.stdout.encoding or "utf-8"
    private = os.fdopen(os.dup(1), "w", encoding=encoding, errors="backslashreplace")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return private


def _wants_color(on_terminal: bool) -> bool:
    """Follow NO_COLOR and FORCE_COLOR; else colour on a terminal that can show it."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (on_terminal and os.environ.get("TERM") != "dumb")


def write_file(path: Path, text: str) -> None:
    """Write a text all at once or not at all."""
    write_whole(path, text.encode("utf-8", errors="backslashreplace"))
