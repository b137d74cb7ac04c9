"""Graphs of operations: what a network computes in one mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """An operation or leaf of a graph: `inputs` are the ids of the nodes that it reads, `attributes` its constants.

    A leaf has the op "input", "parameter", "buffer" or "constant" and, but for a constant, its `name` in the module
    tree. `source` is "file:line".
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

    def get(self, attribute: str, default: Any = None) -> Any:
        """Return the value of an attribute, or `default` where the node has none of that name."""
        return next((value for name, value in self.attributes if name == attribute), default)


@dataclass(frozen=True, slots=True)
class Graph:
    """What a network computes in one mode, in topological order: `nodes[i].id == i`.

    `outputs` are its results; `effects` are the nodes that change a buffer.
    `capture` says how it was read: "export" or "recorder".
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    effects: tuple[int, ...]
    training: bool
    capture: str
