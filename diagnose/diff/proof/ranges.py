"""The range of whole-number inputs: below the rows of the tables that they are looked up in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from diagnose.diff.ir.graph import Graph, Node
from diagnose.diff.ir.operation_table import base
from diagnose.values import InputSpec

_PASSED = frozenset({"rearrange", "slice", "expand", "_to_copy", "to", "clone", "contiguous", "shift"})
"""Operations through which an index stays an index."""


def in_range(inputs: Sequence[InputSpec], graphs: Iterable[Graph]) -> tuple[InputSpec, ...]:
    """Return the inputs with the bound below which both networks accept their numbers, where they are looked up."""
    bounds: dict[int, int] = {}
    for graph in graphs:
        order = {node.id: index for index, node in enumerate(node for node in graph.nodes if node.op == "input")}
        for node in graph.nodes:
            found = _looked_up(graph, node)
            if found is not None and found[0] in order:
                index = order[found[0]]
                bounds[index] = min(bounds.get(index, found[1]), found[1])
    return tuple(
        replace(spec, below=max(1, bounds[index])) if index in bounds else spec for index, spec in enumerate(inputs)
    )


def _looked_up(graph: Graph, node: Node) -> tuple[int, int] | None:
    """Return the leaf that a lookup reads its indices from, and the bound of what stands there."""
    if base(node.op) != "embedding" or len(node.inputs) < 2:
        return None
    names = [name for name, _ in node.get("slots") or ()]
    places = (names.index("weight"), names.index("indices")) if {"weight", "indices"} <= set(names) else (0, 1)
    bound = graph.nodes[node.inputs[places[0]]].shape[0]
    current = graph.nodes[node.inputs[places[1]]]
    while current.inputs and base(current.op) in _PASSED:
        bound -= int(current.get("amount") or 0) if current.op == "shift" else 0
        current = graph.nodes[current.inputs[0]]
    return current.id, bound
