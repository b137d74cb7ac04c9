"""Files written whole or not at all, and files of a user's read with an error that says what failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from diagnose.errors import USAGE, DiagnoseError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` at the end; a reader sees the old one or the new one, never a part.

    Raises:
        OSError: the folder cannot be written or the disk is full; `path` is left as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_toml(path: Path, what: str, *, most: int, hint: str = "") -> str:
    """Return a TOML file's text, at most `most` + 1 characters of it, so that one too long can be told.

    Raises:
        DiagnoseError: it is not UTF-8 or cannot be read; the message says `what` the file should be.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(most + 1)
    except UnicodeDecodeError as error:
        raise DiagnoseError(f"{path} is not UTF-8, so it is not TOML.", exit_code=USAGE) from error
    except OSError as error:
        raise DiagnoseError(f"cannot read the {what} {path}: {error.strerror}", hint=hint, exit_code=USAGE) from error
