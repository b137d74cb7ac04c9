"""The place in the script's own code from which a call came."""

from __future__ import annotations

import os
import sys

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 read at each call, as text
_TORCH = f"{os.sep}site-packages{os.sep}torch{os.sep}"
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", f"{os.sep}lib{os.sep}python3")
DEEPEST = 60
"""Most frames that are looked at."""


def code_place() -> str:
    """Return "file.py:line" of the innermost frame of the script's own code, else of the first one outside torch."""
    frame = sys._getframe(1)
    outside = ""
    for _ in range(DEEPEST):
        if frame is None:
            break
        file = frame.f_code.co_filename
        if not file.startswith((_OURS, "<")) and _TORCH not in file:
            if not any(part in file for part in _INSTALLED):
                return f"{_short(file)}:{frame.f_lineno}"
            outside = outside or f"{file.rpartition('site-packages' + os.sep)[2]}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return outside


def called_by_torch() -> bool:
    """Say whether torch itself made the call, as its workers do that set their seeds."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None and _TORCH in frame.f_code.co_filename


def place_in(file: str, line: int) -> str:
    """Return "file.py:line" for a file of the script's own, else an empty text."""
    installed = file.startswith((_OURS, "<")) or any(part in file for part in _INSTALLED)
    return "" if installed else f"{_short(file)}:{line}"


def _short(file: str) -> str:
    """Return a path relative to the working folder where it lies below it."""
    folder = os.getcwd() + os.sep  # noqa: PTH109
    return file.removeprefix(folder)
