"""What the findings call operations and places."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.diff.ir.digest import label_attributes, plain_value
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base, operation


def loose(node: Node) -> str:
    """Return what an operation computes, without the shape of its value."""
    return f"{node.op}{label_attributes(node)}"


def word(node: Node) -> str:
    """Return an operation's name, with its window where it has one."""
    if node.op == "mean" and len(node.get("over") or ()) > 1:
        return "average over the map"
    return operation(base(node.op)).word or base(node.op)


def chain(nodes: Sequence[Node]) -> str:
    """Return the names of operations with their numbers, the first twelve."""
    words = [word(node) + _number(node) for node in nodes if node.op != "constant"] or [word(node) for node in nodes]
    return several(words)


def several(words: Sequence[str]) -> str:
    """Return words in a row, the first twelve."""
    if len(words) > 12:
        return f"{', '.join(words[:12])} and {len(words) - 12} more"
    return ", ".join(words)


def _number(node: Node) -> str:
    for name in ("factor", "amount", "p", "exponent", "negative_slope"):
        if node.get(name) is not None:
            return f" ({name} {plain_value(node.get(name))})"
    return ""


def shown(value: object) -> str:
    """Return an attribute's value as it is written in a finding."""
    if isinstance(value, tuple):
        return "×".join(map(str, value)) or "()"
    return "none" if value is None else str(value)


def place(nodes: Sequence[Node]) -> str:
    """Return the module that holds the nodes: the path itself for one, the common one for several."""
    paths = list(dict.fromkeys(node.module_path for node in nodes if node.op != "constant")) or [""]
    if len(paths) == 1:
        return paths[0] or "the network itself"
    parts = [path.split(".") for path in paths]
    common: list[str] = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    inner = [path for path in paths if path != ".".join(common)]
    if len(inner) == 1:
        return inner[0]
    return ".".join(common) or ", ".join(paths[:3])


def joined(a: Node, b: Node) -> str:
    """Return the place of an operation in A and in B, once where they are the same."""
    place_a, place_b = a.module_path or "the network itself", b.module_path or "the network itself"
    return place_a if place_a == place_b else f"{place_a} ↔ {place_b}"


def sources(nodes: Sequence[Node]) -> tuple[str, ...]:
    """Return the first two lines of source, "file:line", that made the operations."""
    return tuple(dict.fromkeys(node.source for node in nodes if node.source))[:2]
