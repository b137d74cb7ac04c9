"""What a capture writes down: one call after another, still with in-place operations and views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diagnose.diff.capture.results import Signature

if TYPE_CHECKING:
    from diagnose.diff.capture.reads import TensorRead


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of an earlier entry: its index on the tape, and which of its results where it has several."""

    entry: int
    result: int | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """Shape and element type of one tensor."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(slots=True)
class TapeEntry:
    """A leaf (`target` is None) or one call of an operator; tensors among its arguments are `Ref`s."""

    target: torch._ops.OpOverload | None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    results: tuple[Meta, ...] = ()
    module_path: str = ""
    source: str = ""
    detached: bool = False
    leaf: str = ""
    name: str = ""
    attributes: tuple[tuple[str, Any], ...] = ()


@dataclass(slots=True)
class Tape:
    """All entries in the order of execution, the outputs with their places, and the constants by their digest.

    `reads` are the values that the pass read into Python, `watched` the tensors among them that choose its path.
    """

    entries: list[TapeEntry] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)
    constants: dict[str, Tensor] = field(default_factory=dict)
    reads: list[TensorRead] = field(default_factory=list)
    watched: list[Ref] = field(default_factory=list)
    signature: Signature = field(default_factory=Signature)

    def add(self, entry: TapeEntry) -> int:
        """Append an entry and return its index."""
        self.entries.append(entry)
        return len(self.entries) - 1


class CannotCapture(Exception):  # noqa: N818 - a condition that the caller handles, not a fault
    """A capture met something that it cannot write down."""


def meta_of(tensor: Tensor) -> Meta:
    """Return the shape and element type of a tensor."""
    return Meta(tuple(int(size) for size in tensor.shape), str(tensor.dtype).removeprefix("torch."))
