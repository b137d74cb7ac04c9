"""Models, their inputs, and places in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A MODEL as the user typed it, parsed: `source:name(key=value, …)`; an alias has the source "alias".

    A module that is there already has the source "live", and is itself the argument "module".
    """

    text: str
    source: str
    name: str
    kwargs: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module or tensor stands in a network's anatomy.

    `stage` is "stem", "stage 1", "transition 1" or "head"; `block` is the path of its residual block, transformer
    layer or dense layer, else ""; `branch` is "residual", "shortcut", "second-order" or "".
    """

    stage: str = ""
    block: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input tensor of a forward pass: its shape with the batch first, and its element type ("float32", "int64").

    `name` is the keyword it is given as, "mask", or its place in one, "batch.mask" or "images.0"; "" is positional.
    Random whole numbers for it are drawn `below` a bound.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""
    below: int = 16

    def __str__(self) -> str:
        text = "x".join(map(str, self.shape))
        typed = text if self.dtype == "float32" else f"{text}:{self.dtype}"
        return f"{self.name}={typed}" if self.name else typed
