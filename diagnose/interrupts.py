"""Tell a real Ctrl-C from a KeyboardInterrupt that foreign code raises. Imports nothing that is heavy."""

from __future__ import annotations

import signal
import sys

came: list[int] = []
"""The signals that have come; one may have been turned into another error on its way through a library."""


class Interrupt(KeyboardInterrupt):
    """A real Ctrl-C, where `listen` has been called."""


def listen() -> None:
    """Raise `Interrupt` in the main thread at Ctrl-C from now on."""
    signal.signal(signal.SIGINT, _raise)
    sys.unraisablehook = _ask_again


def is_real(error: BaseException) -> bool:
    """Tell whether an error is a Ctrl-C of the user's; without `listen`, each KeyboardInterrupt may be."""
    if isinstance(error, Interrupt):
        return True
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is not _raise


def _raise(number: int, frame: object) -> None:
    came.append(number)
    raise Interrupt


def _ask_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Send a Ctrl-C again if it came where Python cannot raise, such as while an object is freed."""
    if not issubclass(unraisable.exc_type, Interrupt):
        sys.__unraisablehook__(unraisable)
        return
    import threading

    again = threading.Timer(0.02, signal.raise_signal, (signal.SIGINT,))
    again.daemon = True
    again.start()
