"""Graphs of operations, and the diff of two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diagnose.values.findings import Finding, Skipped
from diagnose.values.reports import TreeRow


@dataclass(frozen=True, slots=True)
class Node:
    """One operation or leaf of a graph: `inputs` are the ids of the nodes it reads, `attributes` its constants.

    A leaf has the op "input", "parameter", "buffer" or "constant" and, but for a constant, its `name` in the module
    tree. `source` is "file:line"; `notes` say which rules of the canonical form made the node.
    """

    id: int
    op: str
    module_path: str
    attributes: tuple[tuple[str, Any], ...]
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def get(self, attribute: str, default: Any = None) -> Any:
        """Return the value of an attribute, or `default` where the node has none of that name."""
        return next((value for name, value in self.attributes if name == attribute), default)


@dataclass(frozen=True, slots=True)
class Graph:
    """What a network computes in one mode, in topological order: `nodes[i].id == i`.

    `outputs` are its results; `effects` are nodes that are kept for what they do to a buffer, not for their value.
    `capture` says how it was read: "export" or "recorder".
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    effects: tuple[int, ...]
    training: bool
    capture: str


@dataclass(frozen=True, slots=True)
class WeightPair:
    """One entry of a weight mapping: tensor `a` of A holds what tensor `b` of B holds, after `transform` (of A's)."""

    a: str
    b: str
    transform: str = ""


@dataclass(frozen=True, slots=True)
class WeightMapping:
    """Which tensors of A and B hold the same weights, and which have no counterpart."""

    pairs: tuple[WeightPair, ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """The largest |Δ| after the transplant, None where it was not run; `atol` and `rtol` are what it is held to."""

    dtype: str
    inputs: int
    eval: float | None
    train: float | None
    gradients: float | None
    buffers: float | None
    atol: float
    rtol: float
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class DiffSide:
    """One of the two networks of a diff: its size, and how it was captured."""

    model: str
    nodes: int
    parameters: int
    capture: str


@dataclass(frozen=True, slots=True)
class GraphDiff:
    """The two networks compared: `verdict` is "equivalent", "different" or "undetermined"."""

    verdict: str
    a: DiffSide
    b: DiffSide
    matched: int
    same_form: bool
    mapping: WeightMapping
    proof: Proof
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    tree: tuple[TreeRow, ...]
