"""Operations: MACs and FLOPs by operator and layer, and what was not counted."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.values.findings import Skipped
from diagnose.values.models import InputSpec, Place


@dataclass(frozen=True, slots=True)
class FlopRow:
    """What one operator does in one module: `count` calls, `macs` multiply-accumulates, `operations` beside them.

    `path` is the innermost module that runs it, "" the model itself. `elements` are those of its outputs, `read`
    those of its first operand, both over all calls. `activation_bytes` are what it newly writes. `backward` is True
    for what the backward pass does.
    """

    path: str
    op: str
    kind: str
    place: Place
    count: int
    macs: int
    operations: int
    elements: int
    read: int
    activation_bytes: int
    backward: bool = False

    @property
    def flops(self) -> int:
        """Return 2 × MACs plus the other operations."""
        return 2 * self.macs + self.operations


@dataclass(frozen=True, slots=True)
class UncountedOperator:
    """An operator without a formula: `where` lists the modules that run it; `parameters` says whether it reads any."""

    op: str
    count: int
    where: tuple[str, ...]
    parameters: bool


@dataclass(frozen=True, slots=True)
class LayerBytes:
    """The bytes of the parameters that a module owns itself, each tied parameter at its first path."""

    path: str
    place: Place
    parameter_bytes: int


@dataclass(frozen=True, slots=True)
class FlopTable:
    """A model's operations on given inputs, in the order in which they first ran.

    `convention` says what one of `macs` is. `saved_bytes` is what a training step keeps for its backward pass, None
    where only the forward pass was counted. `skipped` says what the count could not follow.
    """

    rows: tuple[FlopRow, ...]
    convention: str
    uncounted: tuple[UncountedOperator, ...]
    inputs: tuple[InputSpec, ...]
    layers: tuple[LayerBytes, ...] = ()
    saved_bytes: int | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates of all rows."""
        return sum(row.macs for row in self.rows)

    @property
    def flops(self) -> int:
        """Return 2 × MACs plus all other operations."""
        return sum(row.flops for row in self.rows)

    @property
    def trained(self) -> bool:
        """Return whether a whole training step was counted."""
        return self.saved_bytes is not None

    @property
    def hadamard(self) -> int:
        """Return the elements of the Hadamard products of the forward pass."""
        return sum(row.elements for row in self.rows if row.kind == "Hadamard product")

    @property
    def lower_bound(self) -> bool:
        """Return whether an operator that reads parameters stands outside every total."""
        return any(item.parameters for item in self.uncounted)
