"""The first of diagnose that runs: Ctrl-C and the standard streams are settled before anything heavy is imported."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the heart of `signal`, which loads at once
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

INTERRUPTED, COULD_NOT_WRITE = 130, 3

_leave_for_good = os._exit


def _leave(number: int, frame: object) -> NoReturn:
    """End at once: nothing has been begun yet, or everything is done."""
    _leave_for_good(INTERRUPTED)


_listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""Whether Ctrl-C is for this process; a shell has it ignored by what runs in the background."""

if _listens:
    signal.signal(signal.SIGINT, _leave)

import io  # noqa: E402 the handler comes first

_lost: list[OSError] = []
"""The first error of writing to standard output, if any."""


def main() -> NoReturn:
    """Run the command line; it ends without a traceback, even if a stream breaks or Ctrl-C comes at any moment."""
    try:
        code = _run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(_written(code))


def _run() -> int:
    _open_streams()
    os._exit = _end_asked_for
    from diagnose.cli import main as command_line
    from diagnose.interrupts import listen

    try:
        if _listens:
            listen()
        command_line()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        if _listens:
            signal.signal(signal.SIGINT, _leave)
    return 0


def _end_asked_for(status: int) -> NoReturn:
    """Let no model end this process without a word; a process that it forks may end as it likes."""
    if os.getpid() == _OWN:
        raise SystemExit(status)
    _leave_for_good(status)


_OWN = os.getpid()


class _Stream(io.FileIO):
    """Standard output or error; what cannot be written is dropped, so that no print fails."""

    def write(self, data: object) -> int:
        """Write bytes, or act as if."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            if self.fileno() == 1 and not _lost:
                _lost.append(error)
            return len(memoryview(data).cast("B"))  # type: ignore[arg-type]


def _open_streams() -> None:
    """Open what the caller has closed as /dev/null, and let no write to the others fail."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)))
    vars(sys).update(__stdout__=_opened(1, sys.stdout), __stderr__=_opened(2, sys.stderr))
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def _opened(number: int, old: io.TextIOWrapper | object) -> io.TextIOWrapper:
    encoding = getattr(old, "encoding", None) or "utf-8"
    buffer = io.BufferedWriter(_Stream(number, "w", closefd=False))
    lines = number == 2 or os.isatty(number)
    return io.TextIOWrapper(buffer, encoding, "backslashreplace", line_buffering=lines)


def _written(code: int) -> int:
    """Flush the streams, and return the exit code: 3 where standard output could not be written, but for a reader
    that has left, who has seen enough.
    """
    for stream in (sys.__stdout__, sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    if not _lost or isinstance(_lost[0], BrokenPipeError):
        return code
    print(f"error: cannot write to standard output: {_lost[0].strerror}", file=sys.stderr, flush=True)
    return COULD_NOT_WRITE
