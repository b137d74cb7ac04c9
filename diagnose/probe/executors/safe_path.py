"""Processes of our own that import nothing from the working folder: its `json.py` or `torch.py` is not ours.

A user's model is found there all the same: whoever builds it puts its folder on the import path for as long.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
"""The folder that holds the package diagnose."""


def own_python(module: str, *arguments: str) -> list[str]:
    """Return the command of a new process that runs one of our modules."""
    safe = [] if _at_home() else ["-P"]
    return [sys.executable, *safe, "-m", module, *arguments]


@contextmanager
def elsewhere() -> Iterator[None]:
    """Stand in the root folder meanwhile: Ray puts the folder where it is joined on its processes' import path."""
    if _at_home():
        yield
        return
    folder = os.getcwd()  # noqa: PTH109 the string that chdir takes
    os.chdir("/")
    try:
        yield
    finally:
        os.chdir(folder)


def _at_home() -> bool:
    """Tell whether the working folder is where diagnose stands, which a process may have to import it from."""
    return Path.cwd() == ROOT
