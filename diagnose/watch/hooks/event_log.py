"""The log of one process: JSON lines that are only ever appended, each written at once."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


class EventLog:
    """Writes events of this process to a file of its own; a forked child gets another file."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.start = time.monotonic()
        self.file: int | None = None
        self.forked = False
        os.register_at_fork(after_in_child=self._part)

    def write(self, kind: str, **fields: Any) -> None:
        """Append one event: its kind, its fields, and `t`, the seconds since torch was imported."""
        if self.file is None:
            self.file = self._open()
        line = {"event": kind, "t": round(time.monotonic() - self.start, 4), **fields}
        os.write(self.file, (json.dumps(line, default=str) + "\n").encode())

    def _part(self) -> None:
        """Leave the parent's file to the parent."""
        self.file = None
        self.forked = True

    def _open(self) -> int:
        path = Path(self.folder) / f"{os.getpid()}-{time.time_ns()}.jsonl"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        first = {
            "event": "process",
            "t": round(time.monotonic() - self.start, 4),
            "pid": os.getpid(),
            "parent": os.getppid(),
            "forked": self.forked,
            "rank": _number("RANK"),
            "world": _number("WORLD_SIZE"),
            "arguments": sys.argv,
        }
        os.write(file, (json.dumps(first, default=str) + "\n").encode())
        return file


def _number(name: str) -> int | None:
    """Return a whole number of the environment, None where there is none."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else None
