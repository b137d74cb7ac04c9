"""Align two graphs in canonical form: which operation of A is which of B; names are ignored.

Equal graphs are aligned by their digests. Unequal ones by several strategies, of which none is right on every pair;
the one with the fewest edits is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from diagnose.diff.align.matching import Matching
from diagnose.diff.align.shift_runs import slide
from diagnose.diff.align.strategies import NAMED, matchings
from diagnose.diff.ir.digest import digest
from diagnose.diff.ir.graph import Graph
from diagnose.diff.ir.operation_table import operation
from diagnose.diff.ir.skeleton import Skeleton, same_name, similarity


@dataclass(frozen=True)
class Alignment:
    """Which operations belong together: `to_b[id in A] = id in B`. `equal` says that both graphs have the same form.

    `weights` pairs the weights that matched operations read, by node id. A shared weight may be in several pairs.
    """

    a: Skeleton
    b: Skeleton
    to_b: dict[int, int]
    weights: tuple[tuple[int, int], ...]
    equal: bool
    cost: float

    @cached_property
    def to_a(self) -> dict[int, int]:
        """The partner of each matched node of B."""
        return {node_b: node_a for node_a, node_b in self.to_b.items()}

    @cached_property
    def regions(self) -> dict[tuple[int, int], tuple[tuple[int, ...], tuple[int, ...]]]:
        """The regions that `regions_of` has computed so far, by their pair."""
        return {}


def align(a: Graph, b: Graph) -> Alignment:
    """Return the alignment of two graphs in canonical form."""
    skeleton_a, skeleton_b = Skeleton(a), Skeleton(b)
    if digest(a) == digest(b):
        pairs, consistent = _by_digest(skeleton_a, skeleton_b)
        weights = _weights(skeleton_a, skeleton_b, pairs)
        return Alignment(skeleton_a, skeleton_b, pairs, weights, consistent and _is_bijection(weights), 0.0)
    best = min(matchings(skeleton_a, skeleton_b), key=cost)
    price = cost(best)
    slide(best)
    return Alignment(skeleton_a, skeleton_b, best.to_b, _weights(skeleton_a, skeleton_b, best.to_b), False, price)


def cost(matching: Matching) -> float:
    """Return the price of the edits between two matched graphs: nodes, attributes and shapes, connections."""
    a, b = matching.a, matching.b
    price = float(len(a.nodes) + len(b.nodes) - 2 * len(matching.to_b))
    for node_a, node_b in matching.to_b.items():
        price += 1.6 * (1.0 - similarity(a, b, node_a, node_b)) + NAMED * (not same_name(a, b, node_a, node_b))
        mapped = [matching.to_b.get(value, -1) for value in a.inputs(node_a)]
        theirs = b.inputs(node_b)
        if operation(a.graph.nodes[node_a].op).commutative:
            price += 0.5 * sum(((Counter(mapped) - Counter(theirs)) + (Counter(theirs) - Counter(mapped))).values())
        else:
            price += 0.5 * sum(x != y for x, y in zip(mapped, theirs, strict=False))
            price += 0.5 * abs(len(mapped) - len(theirs))
    return price


def _by_digest(a: Skeleton, b: Skeleton) -> tuple[dict[int, int], bool]:
    """Pair the nodes of two graphs with the same digest, beginning at the outputs; False if a node needs two partners.

    In that case the graphs differ in what is shared. The operands of a sum are sorted by their digests first.
    """
    consistent = True
    pairs: dict[int, int] = {}
    back: dict[int, int] = {}
    effects = [sorted(side.graph.effects, key=side.context_digests.__getitem__) for side in (a, b)]
    inputs = [[node.id for node in side.graph.nodes if node.op == "input"] for side in (a, b)]
    stack = [*zip(a.graph.outputs, b.graph.outputs, strict=True), *zip(*inputs, strict=True)]
    for more in (stack, list(zip(*effects, strict=True))):
        while more:
            node_a, node_b = more.pop()
            if pairs.get(node_a, node_b) != node_b or back.get(node_b, node_a) != node_a:
                consistent = False
                continue
            if node_a in pairs or a.weights[node_a]:
                continue
            pairs[node_a], back[node_b] = node_b, node_a
            mine, theirs = list(a.graph.nodes[node_a].inputs), list(b.graph.nodes[node_b].inputs)
            if operation(a.graph.nodes[node_a].op).commutative:
                mine.sort(key=lambda node: (a.input_digests[node], a.context_digests[node]))
                theirs.sort(key=lambda node: (b.input_digests[node], b.context_digests[node]))
            more += zip(mine, theirs, strict=True)
    return pairs, consistent


def _is_bijection(pairs: tuple[tuple[int, int], ...]) -> bool:
    return len({node_a for node_a, _ in pairs}) == len(pairs) == len({node_b for _, node_b in pairs})


def _weights(a: Skeleton, b: Skeleton, pairs: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """Pair the weights that matched operations read for the same argument, such as "bias"."""
    found: dict[tuple[int, int], None] = {}
    for node_a, node_b in pairs.items():
        mine = _named_weights(a, node_a)
        theirs = _named_weights(b, node_b)
        for name, value in mine.items():
            if name in theirs:
                found[value, theirs[name]] = None
    return tuple(found)


def _named_weights(skeleton: Skeleton, node_id: int) -> dict[str, int]:
    node = skeleton.graph.nodes[node_id]
    slots = node.get("slots") or ()
    names = [f"{name}{i}" if pattern.startswith("[") else name for name, pattern in slots
             for i in range(pattern.count("t"))]  # fmt: skip
    if len(names) != len(node.inputs):
        names = [str(index) for index in range(len(node.inputs))]
    if operation(node.op).commutative:
        weights = sorted((v for v in node.inputs if skeleton.weights[v]), key=lambda v: (skeleton.input_digests[v], v))
        return {str(index): value for index, value in enumerate(weights)}
    return {name: value for name, value in zip(names, node.inputs, strict=True) if skeleton.weights[value]}
