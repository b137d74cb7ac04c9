"""What a forward pass reads into Python: a number or truth value of a tensor, on which its path may depend."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from diagnose.diff.capture.tape import Ref, TapeEntry
from diagnose.diff.ir.operation_table import operation


class ReadOrigin(StrEnum):
    """What a value was computed from: inputs or weights, random numbers alone, or constants alone."""

    DATA = "data"
    RANDOM = "random"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class TensorRead:
    """One value read into Python, the `index`-th of the pass; `source` is "file:line" of the code that reads it.

    `value` is None where a shape was read that depends on the data.
    """

    index: int
    value: bool | int | float | complex | None
    origin: ReadOrigin
    source: str
    tensor: Ref | None = None


def origin_of(refs: Iterable[Ref], entries: Sequence[TapeEntry]) -> ReadOrigin:
    """Return what the values at `refs` were computed from."""
    waiting, seen = [ref.entry for ref in refs], set()
    random = False
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        entry = entries[index]
        if entry.target is None:
            if entry.leaf in ("input", "parameter", "buffer"):
                return ReadOrigin.DATA
            continue
        random = random or operation(entry.target._opname.removesuffix("_")).draws
        waiting += [ref.entry for ref in _refs((entry.args, list(entry.kwargs.values())))]
    return ReadOrigin.RANDOM if random else ReadOrigin.CONSTANT


def _refs(value: object) -> list[Ref]:
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, (list, tuple)):
        return [ref for item in value for ref in _refs(item)]
    return []


def reading_line() -> str:
    """Return "file:line" of the innermost frame outside torch and outside this package."""
    own = str(Path(__file__).parents[2])
    frame = sys._getframe(1)
    while frame.f_back is not None:
        file = frame.f_code.co_filename
        if "/torch/" not in file and not file.startswith(own):
            return f"{Path(file).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
