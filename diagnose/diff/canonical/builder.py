"""Build a graph node by node; the rules are tried on each node when it is added."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from torch import Tensor

from diagnose.diff.canonical.axes import Arrangement, composed, normal
from diagnose.diff.canonical.folding import folded_value, value_of
from diagnose.diff.ir.constants import constant_attributes
from diagnose.diff.ir.graph import Graph, Node
from diagnose.diff.ir.operation_table import operation


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the canonical form: its name, the operations that it is tried on, and the function that rewrites them.

    `rewrite` returns the node that stands for the new one, or None where the rule does not apply.
    """

    name: str
    ops: tuple[str, ...]
    rewrite: Callable[[GraphBuilder, Node], int | None]
    silent: bool = False


@dataclass(frozen=True, slots=True)
class RuleApplication:
    """A rule that was applied, to which operation of which module."""

    rule: str
    op: str
    module_path: str
    source: str


class GraphBuilder:
    """A graph under construction, and its rules; equal operations on equal values become one node."""

    def __init__(self, rules: Sequence[Rule], constants: dict[str, Tensor] | None = None) -> None:
        self.nodes: list[Node] = []
        self.constants: dict[str, Tensor] = {} if constants is None else constants
        """The tensors of the constants by their digest; what rules compute is added."""
        self.applied: list[RuleApplication] = []
        self.read_once: set[int] = set()
        """Nodes that one operation of the graph reads: a random draw among them may become part of its reader."""
        self._known: dict[Any, int] = {}
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            for op in rule.ops:
                self._rules.setdefault(op, []).append(rule)

    def __getitem__(self, node_id: int) -> Node:
        return self.nodes[node_id]

    def shape(self, node_id: int) -> tuple[int, ...]:
        """Return the shape of a node's value."""
        return self.nodes[node_id].shape

    def add(self, draft: Node) -> int:
        """Return the node that stands for `draft`, after all rules; the id of `draft` is ignored."""
        for rule in self._rules.get(draft.op, ()):
            result = rule.rewrite(self, draft)
            if result is not None:
                if not rule.silent:
                    self.applied.append(RuleApplication(rule.name, draft.op, draft.module_path, draft.source))
                return result
        tensor = folded_value(draft, self.nodes, self.constants)
        if tensor is not None:
            return self.constant(tensor, like=draft)
        key = None
        if not _is_unique(draft):
            key = (draft.op, draft.attributes, draft.inputs, draft.shape, draft.dtype, draft.name)
            if key in self._known:
                return self._known[key]
        node = replace(draft, id=len(self.nodes))
        self.nodes.append(node)
        if key is not None:
            self._known[key] = node.id
        return node.id

    def make(
        self,
        op: str,
        inputs: Sequence[int],
        shape: tuple[int, ...],
        *,
        like: Node,
        attributes: Mapping[str, Any] | None = None,
        dtype: str | None = None,
    ) -> int:
        """Make a node of the operation `op`, which stands where the node `like` stood."""
        return self.add(
            Node(-1, op, like.module_path, tuple(sorted((attributes or {}).items())), tuple(inputs), shape,
                 dtype or like.dtype, "", like.source)
        )  # fmt: skip

    def tensor(self, node_id: int) -> Tensor | None:
        """Return what a constant or a tensor of one number holds, in float64; None for any other value."""
        return value_of(self.nodes[node_id], self.constants)

    def constant(self, tensor: Tensor, *, like: Node, dtype: str | None = None) -> int:
        """Make a leaf that holds a tensor; one that holds one number all over is a "fill"."""
        shape = tuple(tensor.shape)
        flat = tensor.flatten()
        if shape and bool((flat == flat[:1]).all()) and not tensor.is_complex():
            return self.make("fill", (), shape, like=like, attributes={"value": float(flat[0])}, dtype=dtype)
        attributes = dict(constant_attributes(tensor))
        self.constants[str(attributes["digest"])] = tensor
        return self.make("constant", (), shape, like=like, attributes=attributes, dtype=dtype)

    def rearrange(self, value: int, arrangement: Arrangement, *, like: Node) -> int:
        """Return `value` with its axes arranged; two arrangements in a row become one if their atoms fit together."""
        source = self[value]
        if source.op == "rearrange":
            whole = composed(arrangement_of(source), arrangement)
            if whole is not None:
                return self.rearrange(source.inputs[0], whole, like=like)
        arrangement = normal(arrangement)
        if arrangement.shape == source.shape and arrangement.order == tuple(range(len(arrangement.order))):
            return value
        attributes = {"split": arrangement.split, "order": arrangement.order}
        return self.make("rearrange", (value,), arrangement.shape, like=like, attributes=attributes, dtype=source.dtype)

    def graph(self, outputs: Sequence[int], effects: Sequence[int], like: Graph) -> Graph:
        """Return the graph of the nodes that the outputs and effects need, with new numbers."""
        needed = self._needed([*outputs, *effects])
        number = {old: new for new, old in enumerate(needed)}
        nodes = tuple(
            replace(node, id=number[node.id], inputs=tuple(number[value] for value in node.inputs))
            for node in (self.nodes[old] for old in needed)
        )
        kept = tuple(dict.fromkeys(number[value] for value in effects))
        return Graph(nodes, tuple(number[value] for value in outputs), kept, like.training, like.capture)

    def _needed(self, roots: Sequence[int]) -> list[int]:
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            current = stack.pop()
            if current not in seen:
                seen.add(current)
                stack += self.nodes[current].inputs
        # An input is part of a network's signature even where nothing reads it.
        return sorted(seen | {node.id for node in self.nodes if node.op == "input"})


def arrangement_of(node: Node) -> Arrangement:
    """Return the arrangement that a `rearrange` node does."""
    return Arrangement(node.get("split"), node.get("order"), node.shape)


def slots(*names: str) -> tuple[tuple[str, str], ...]:
    """Return the attribute "slots", which names the argument of each input."""
    return tuple((name, "t") for name in names)


def numel(shape: tuple[int, ...]) -> int:
    """Return the number of elements of a shape."""
    return prod(shape)


def _is_unique(node: Node) -> bool:
    """Say whether a node stays apart from an equal one: it draws random numbers, or changes running statistics."""
    row = operation(node.op)
    return row.draws or (row.is_norm and bool(node.get("training")))
