"""Prepare a graph for the alignment: its operations without their weights, their digests, and its segments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from diagnose.diff.ir.digest import (
    downward,
    is_weight_leaf,
    label,
    label_attributes,
    upward,
    weight_root,
)
from diagnose.diff.ir.graph import Graph, Node
from diagnose.diff.ir.operation_table import operation


@dataclass(frozen=True)
class Skeleton:
    """A graph's operations, inputs and constants; a weight is part of the operation that reads it."""

    graph: Graph

    @cached_property
    def weights(self) -> list[bool]:
        """Say of each node whether it is a weight or a view of one."""
        return is_weight_leaf(self.graph)

    @cached_property
    def nodes(self) -> list[int]:
        """The ids of all nodes but weights, in topological order."""
        return [node.id for node in self.graph.nodes if not self.weights[node.id]]

    @cached_property
    def digests(self) -> list[tuple[str, str, str]]:
        """Per node: its label with the shape, its label without the shape, and its operation."""
        return [self._label(node) for node in self.graph.nodes]

    def _label(self, node: Node) -> tuple[str, str, str]:
        weights = [self.graph.nodes[value] for value in node.inputs if self.weights[value]]
        kinds = [(weight_root(self.graph, weight).op, weight.shape) for weight in weights]
        loose = f"{node.op}{label_attributes(node)}{[kind for kind, _ in kinds]}"
        return f"{label(node)}{kinds}", loose, node.op

    @cached_property
    def input_digests(self) -> list[str]:
        """Per node: a digest of what it is computed from."""
        return downward(self.graph)

    @cached_property
    def context_digests(self) -> list[str]:
        """Per node: a digest of what it is computed from, and of what is computed from it."""
        return upward(self.graph, self.input_digests)

    @cached_property
    def users(self) -> list[list[tuple[int, int]]]:
        """Per node: who reads it, and at which position."""
        users: list[list[tuple[int, int]]] = [[] for _ in self.graph.nodes]
        for node in self.graph.nodes:
            for position, value in enumerate(node.inputs):
                users[value].append((node.id, position))
        return users

    def inputs(self, node_id: int) -> list[int]:
        """Return the inputs of a node that are not weights."""
        return [value for value in self.graph.nodes[node_id].inputs if not self.weights[value]]

    @cached_property
    def origins(self) -> list[int]:
        """Per node: the node that its value comes from, past activations and dropouts."""
        origins = list(range(len(self.graph.nodes)))
        for node in self.graph.nodes:
            if operation(node.op).passed_over and node.inputs:
                origins[node.id] = origins[node.inputs[0]]
        return origins

    @cached_property
    def readers(self) -> list[set[tuple[int, int]]]:
        """Per node: the nodes that read it, past activations, each with its position or -1 if that does not matter."""
        readers: list[set[tuple[int, int]]] = [set() for _ in self.graph.nodes]
        for node in reversed(self.nodes):
            for user, position in self.users[node]:
                if operation(self.graph.nodes[user].op).passed_over:
                    readers[node] |= readers[user]
                else:
                    readers[node].add((user, position if self.position_matters(user) else -1))
        return readers

    def position_matters(self, node_id: int) -> bool:
        """Say whether the order of a node's inputs has a meaning."""
        return not operation(self.graph.nodes[node_id].op).commutative

    @cached_property
    def segments(self) -> list[list[int]]:
        """The nodes, cut into segments; all that comes before the last node of a segment flows through that node."""
        last_use = {value: position for position, node in enumerate(self.nodes) for value in self.inputs(node)}
        for value in self.graph.outputs:
            last_use[value] = len(self.nodes)
        segments: list[list[int]] = []
        current: list[int] = []
        open_until = -1
        for position, node in enumerate(self.nodes):
            current.append(node)
            if not self.graph.nodes[node].inputs and self.graph.nodes[node].op != "input":
                continue  # a constant is there from the start and says nothing about the flow
            # Everything read later must be read from this node: nothing before it may still be in use.
            if open_until <= position and last_use.get(node, -1) > position:
                segments.append(current)
                current = []
            open_until = max(open_until, last_use.get(node, -1))
        return [*segments, current] if current else segments


def similarity(a: Skeleton, b: Skeleton, node_a: int, node_b: int) -> float:
    """Return how alike two nodes are: 1 alike, 0.75 but for their shapes, 0.45 the same operation, else 0."""
    for grade, x, y in zip((1.0, 0.75, 0.45), a.digests[node_a], b.digests[node_b], strict=True):
        if x == y:
            return grade
    return 0.0


def same_name(a: Skeleton, b: Skeleton, node_a: int, node_b: int) -> bool:
    """Say whether the last parts of two module paths are equal. That only decides between equal matchings."""
    mine, theirs = (side.graph.nodes[node].module_path.split(".")[-3:] for side, node in ((a, node_a), (b, node_b)))
    return mine == theirs
