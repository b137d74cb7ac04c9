"""What a probe says on stderr while it runs, and what it asks on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diagnose.cli.common.output import Result
    from diagnose.probe.run import Listener


def listener_of(result: Result) -> Listener:
    """Return what writes a probe's progress to stderr, unless the command is to be quiet."""
    from diagnose.probe.run import Listener

    def say(text: str) -> None:
        if not result.quiet:
            print(text, file=sys.stderr, flush=True)

    return Listener(say, result.progress)


def may_fetch() -> bool:
    """Ask on a terminal whether CIFAR-10 may be fetched; elsewhere it may not."""
    import typer

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        return typer.confirm("CIFAR-10 is not at hand. Fetch it (170 MB)?", err=True)
    except typer.Abort:  # Ctrl-C, or the end of the input
        raise KeyboardInterrupt from None
