"""What an origin of models is, and the values that the sources return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from diagnose.values import ModelRef, Skipped

if TYPE_CHECKING:
    from torch import nn

Shapes = tuple[tuple[int, ...], ...]
"""Candidate input shapes with batch 1, (1, C, H, W) or (1, C, T, H, W), in order of preference."""


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """A model that was built, in eval mode.

    `input_shapes` may be empty where no single input tensor fits. `origin` says where the model comes from, `notes`
    what a reader should know about it, `skipped` what could not be done as asked.
    """

    ref: ModelRef
    module: nn.Module
    input_shapes: Shapes
    origin: str
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFactory:
    """A model that is found and checked but not built: everything was imported, `make` only constructs it.

    `input_shapes` and `notes` are asked with the module that `make` returned. `bare` makes it on the meta device, where
    that can be done without allocating weights first; `skipped` says what cannot be had with weights, or without.
    """

    make: Callable[[], object]
    origin: str
    input_shapes: Callable[[nn.Module], Shapes]
    notes: Callable[[nn.Module], tuple[str, ...]] = lambda module: ()
    bare: Callable[[], object] | None = None
    skipped: Callable[[bool], tuple[Skipped, ...]] = lambda allocate: ()


@dataclass(frozen=True, slots=True)
class Alias:
    """A built-in MODEL with a short name."""

    name: str
    origin: str
    description: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found: aliases and MODEL texts ("torchvision:resnet18"), and the origins it could not ask."""

    aliases: tuple[Alias, ...]
    models: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()


class Origin(Protocol):
    """One origin of models; a new one is a file with an object of this interface and a line in `registry.ORIGINS`."""

    def names(self) -> tuple[str, ...]:
        """Return every name that can be built; raise DiagnoseError where the library is not installed."""
        ...

    def prepare(self, ref: ModelRef, *, pretrained: bool) -> ModelFactory:
        """Find and check what `ref` names, without constructing it."""
        ...
