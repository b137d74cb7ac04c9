"""The canonical form: two networks that compute the same function by the rules become the same graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from diagnose.diff.canonical.builder import GraphBuilder, Rule, RuleApplication
from diagnose.diff.canonical.rules import (
    activation,
    arithmetic,
    layer,
    noop,
    norm,
    one_number,
    product,
    random,
    shape,
    slices,
)
from diagnose.diff.canonical.rules.heads import attention, repeats, softmax
from diagnose.diff.canonical.rules.second_form import halves, pointwise, recurrent
from diagnose.diff.ir.digest import digest
from diagnose.diff.ir.graph import Graph, Node
from diagnose.diff.ir.operation_table import operation

RULES: tuple[Rule, ...] = (
    *noop.RULES,
    *one_number.RULES,
    *random.RULES,
    *shape.RULES,
    *slices.RULES,
    *activation.RULES,
    *arithmetic.RULES,
    *product.RULES,
    *layer.RULES,
    *norm.RULES,
    *softmax.RULES,
    *repeats.RULES,
    *attention.RULES,
)
"""All rules; the first that applies to an operation wins."""

POINTWISE: tuple[Rule, ...] = (*RULES, *pointwise.RULES, *halves.RULES, *recurrent.RULES)
"""The rules of the second form: a 1×1 convolution is a linear layer, a recurrent one its steps, two halves are two."""

ROUNDS = 4
"""How often the rules are run over the whole graph at most; a second run changes little, a third nothing."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """A graph in canonical form, and the rules that were applied on the way."""

    graph: Graph
    applied: tuple[RuleApplication, ...]


def canonical(graph: Graph, rules: Sequence[Rule] = RULES, constants: dict[str, Tensor] | None = None) -> Canonical:
    """Return the canonical form of a graph under a table of rules; the constants that it computes join `constants`."""
    applied: list[RuleApplication] = []
    before = ""
    for _ in range(ROUNDS):
        graph, more = _rewritten(graph, rules, constants)
        applied += more
        after = digest(graph)
        if after == before:
            break
        before = after
    return Canonical(graph, tuple(dict.fromkeys(applied)))


def _rewritten(
    graph: Graph, rules: Sequence[Rule], constants: dict[str, Tensor] | None
) -> tuple[Graph, list[RuleApplication]]:
    builder = GraphBuilder(rules, constants)
    users = Counter(value for node in graph.nodes for value in dict.fromkeys(node.inputs))
    kept = {*graph.outputs, *graph.effects}
    alone = _read_once(graph, users, kept)
    number: dict[int, int] = {}
    for node in graph.nodes:
        inputs = tuple(number[value] for value in node.inputs)
        if node.op in ("add", "mul") and len(node.shape):
            inputs = _flattened(builder, node, graph, users, number, kept)
        attributes = tuple(sorted(node.attributes))
        number[node.id] = builder.add(
            Node(-1, node.op, node.module_path, attributes, inputs, node.shape, node.dtype, node.name, node.source)
        )
        if node.id in alone:
            builder.read_once.add(number[node.id])
    outputs = [number[value] for value in graph.outputs]
    effects = [number[value] for value in graph.effects if not operation(builder[number[value]].op).is_leaf]
    return builder.graph(outputs, effects, graph), builder.applied


def _read_once(graph: Graph, users: Counter[int], kept: set[int]) -> set[int]:
    """Return the nodes that end in one operation alone, directly or through operations that nothing else reads."""
    reader = {value: node for node in graph.nodes for value in node.inputs}
    alone: set[int] = set()
    for node in reversed(graph.nodes):
        if users[node.id] != 1 or node.id in kept:
            continue
        if len(reader[node.id].inputs) > 1 or reader[node.id].id in alone:
            alone.add(node.id)
    return alone


def _flattened(
    builder: GraphBuilder, node: Node, graph: Graph, users: Counter[int], number: dict[int, int], kept: set[int]
) -> tuple[int, ...]:
    """Return the operands of a sum or product; an inner sum that nothing else reads is replaced by its own operands."""
    operands: list[int] = []
    for value in node.inputs:
        inner = graph.nodes[value]
        alone = users[value] == 1 and node.inputs.count(value) == 1 and value not in kept
        if inner.op == node.op and inner.shape == node.shape and alone:
            operands += builder[number[value]].inputs if builder[number[value]].op == node.op else [number[value]]
        else:
            operands.append(number[value])
    return tuple(operands)
