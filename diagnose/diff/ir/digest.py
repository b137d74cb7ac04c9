"""Tell by labels which nodes are equal, and by Merkle digests which graphs are; names are ignored."""

from __future__ import annotations

import hashlib
from typing import Any

from diagnose.diff.ir.graph import Graph, Node
from diagnose.diff.ir.operation_table import operation

DIGITS = 7
"""The significant digits to which numbers are compared: 1/√2 and a float32 rate are written in many ways."""


def plain_value(value: Any) -> Any:
    """Return the value of an attribute with its numbers rounded; a whole number becomes an integer."""
    if isinstance(value, tuple):
        return tuple(plain_value(item) for item in value)
    if isinstance(value, float):
        rounded = float(f"{value:.{DIGITS}g}")
        return int(rounded) if rounded.is_integer() else rounded
    return value


def label_attributes(node: Node) -> tuple[tuple[str, Any], ...]:
    """Return the attributes that decide what a node computes. Those that begin with ~ are remarks."""
    return tuple(
        (name, plain_value(value))
        for name, value in node.attributes
        if not name.startswith("~") and not (name == "digest" and isinstance(node.get("values"), tuple))
    )


def label(node: Node) -> str:
    """Return what a node computes from its inputs, without names; for a leaf, what it holds."""
    return f"{node.op}{label_attributes(node)}{node.shape}{node.dtype}"


def is_weight_leaf(graph: Graph) -> list[bool]:
    """Say of each node whether it is a weight or a view of one."""
    result: list[bool] = []
    for node in graph.nodes:
        row = operation(node.op)
        result.append(row.is_weight or (row.is_view and result[node.inputs[0]]))
    return result


def weight_root(graph: Graph, node: Node) -> Node:
    """Return the parameter or buffer that a weight leaf is a view of."""
    while node.inputs:
        node = graph.nodes[node.inputs[0]]
    return node


def downward(graph: Graph) -> list[str]:
    """Return for each node a digest of all that it is computed from; of weights, kind and shape count."""
    weights = is_weight_leaf(graph)
    digests: list[str] = []
    order = 0
    for node in graph.nodes:
        if weights[node.id]:
            root = weight_root(graph, node)
            text = f"{root.op}{root.attributes}{node.shape}{node.dtype}"
        elif node.op == "input":
            text = f"input {order}{node.shape}{node.dtype}"
            order += 1
        else:
            inputs = [digests[value] for value in node.inputs]
            text = label(node) + "".join(sorted(inputs) if operation(node.op).commutative else inputs)
        digests.append(short(text))
    return digests


def digest(graph: Graph) -> str:
    """Return the Merkle digest of a graph; which weights are shared is ignored."""
    down = downward(graph)
    roots = "".join(down[value] for value in graph.outputs)
    return short(roots + "".join(sorted(down[value] for value in graph.effects)))


def upward(graph: Graph, down: list[str]) -> list[str]:
    """Return for each node a digest of all that is computed from it, and of what it is computed from."""
    uses: list[list[str]] = [[] for _ in graph.nodes]
    for position, value in enumerate(graph.outputs):
        uses[value].append(f"output {position}")
    for value in graph.effects:
        uses[value].append("effect")
    digests = [""] * len(graph.nodes)
    for node in reversed(graph.nodes):
        digests[node.id] = short(down[node.id] + "".join(sorted(uses[node.id])))
        for position, value in enumerate(node.inputs):
            slot = "any" if operation(node.op).commutative else str(position)
            uses[value].append(f"{slot}{digests[node.id]}")
    return digests


def short(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
