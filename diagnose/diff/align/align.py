"""Align two graphs in canonical form: which operation of A is which of B; names are ignored.

Equal graphs are aligned by their digests. Unequal ones by several strategies, of which none is right on every pair;
the one with the fewest edits is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from diagnose.diff.align.matching import Bounds, Matching, extend, improve, neighbours, whole
from diagnose.diff.align.sequence import align_sequences
from diagnose.diff.align.shift_runs import slide
from diagnose.diff.ir.digest import digest, short
from diagnose.diff.ir.graph import Graph
from diagnose.diff.ir.operation_table import operation
from diagnose.diff.ir.skeleton import Skeleton, same_name, similarity

NAMED = 0.002
"""What another name costs: too little to outweigh anything, enough to break ties."""

WHOLE = 250_000
"""Pairs of nodes up to which a graph is also matched as a whole."""


@dataclass(frozen=True)
class Alignment:
    """Which operations belong together, `to_b[id in A] = id in B`; `equal` where the two graphs are one form.

    `weights` pairs the weights that matched operations read, by node id: a relation, since one may be shared.
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
        """The regions that were asked for so far, by their pair; `regions_of` fills them in."""
        return {}


def align(a: Graph, b: Graph) -> Alignment:
    """Return the alignment of two graphs in canonical form."""
    skeleton_a, skeleton_b = Skeleton(a), Skeleton(b)
    if digest(a) == digest(b):
        pairs, consistent = _by_digest(skeleton_a, skeleton_b)
        weights = _weights(skeleton_a, skeleton_b, pairs)
        return Alignment(skeleton_a, skeleton_b, pairs, weights, consistent and _is_bijection(weights), 0.0)
    strategies: list[Callable[[Matching], None]] = [_by_segments, _from_both_ends]
    if len(skeleton_a.nodes) * len(skeleton_b.nodes) <= WHOLE:
        strategies.append(_as_a_whole)
    candidates = [_matched(skeleton_a, skeleton_b, strategy) for strategy in strategies]
    best = min(candidates, key=cost)
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
    """Pair graphs of one digest from the outputs up; operands of a sum are paired by what is below and above them.

    False where a node would need two partners: the graphs differ in what is shared.
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
    """Pair the weights of matched operations by the argument that they are."""
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


def _matched(a: Skeleton, b: Skeleton, strategy: Callable[[Matching], None]) -> Matching:
    matching = Matching(a, b)
    inputs = [[node for node in side.nodes if side.graph.nodes[node].op == "input"] for side in (a, b)]
    for node_a, node_b in zip(*inputs, strict=False):
        matching.add(node_a, node_b)
    strategy(matching)
    for node_a, node_b in zip(a.graph.outputs, b.graph.outputs, strict=False):
        if matching.free(node_a, node_b) and a.digests[node_a][2] == b.digests[node_b][2]:
            matching.add(node_a, node_b)
    for node_a, node_b in list(matching.to_b.items()):
        if a.inputs(node_a) and not matching.agreement(node_a, node_b):
            matching.drop(node_a, node_b)
    improve(matching)
    near = [pair for side_a, side_b in matching.to_b.items() for pair in neighbours(matching, side_a, side_b)]
    extend(matching, near, Bounds(agreement=0.3))
    return matching


def _as_a_whole(matching: Matching) -> None:
    whole(matching, matching.a.nodes, matching.b.nodes)


def _from_both_ends(matching: Matching) -> None:
    """Pair what is computed alike from the inputs, then what leads alike to the outputs, then extend."""
    a, b = matching.a, matching.b
    for keys_a, keys_b in ((a.input_digests, b.input_digests), (_leading(a), _leading(b))):
        by_key: dict[str, list[int]] = {}
        for node in b.nodes:
            by_key.setdefault(keys_b[node], []).append(node)
        for node in a.nodes:
            partners = [node_b for node_b in by_key.get(keys_a[node], ()) if node_b not in matching.to_a]
            if partners and node not in matching.to_b:
                matching.add(node, partners[0])


def _leading(skeleton: Skeleton) -> list[str]:
    """Return digests of what is computed from each node, its own label included and nothing below it."""
    uses: list[list[str]] = [[] for _ in skeleton.graph.nodes]
    for position, value in enumerate(skeleton.graph.outputs):
        uses[value].append(f"output {position}")
    digests = [""] * len(skeleton.graph.nodes)
    for node in reversed(skeleton.graph.nodes):
        digests[node.id] = short(skeleton.digests[node.id][0] + "".join(sorted(uses[node.id])))
        for position, value in enumerate(node.inputs):
            uses[value].append(f"{'any' if operation(node.op).commutative else position}{digests[node.id]}")
    return digests


def _by_segments(matching: Matching) -> None:
    """Align the runs between cuts as two sequences, then match inside each pair of runs."""
    a, b = matching.a, matching.b
    runs_a, runs_b = a.segments, b.segments
    words_a = ["|".join(sorted(a.digests[node][0] for node in run)) for run in runs_a]
    words_b = ["|".join(sorted(b.digests[node][0] for node in run)) for run in runs_b]
    known: dict[tuple[str, str], float] = {}

    def price(i: int, j: int) -> float:
        key = (words_a[i], words_b[j])
        if key not in known:
            known[key] = _distance(a, b, runs_a[i], runs_b[j])
        # Of equal runs, the one that the same things lead to is the partner, and then the one of the same name.
        last = runs_a[i][-1], runs_b[j][-1]
        return (
            known[key]
            + 0.01 * (a.input_digests[last[0]] != b.input_digests[last[1]])
            + NAMED * (not same_name(a, b, *last))
        )

    gaps = [float(len(run)) for run in runs_a], [float(len(run)) for run in runs_b]
    matched = align_sequences(words_a, words_b, price, gaps)
    for i, j in matched:
        last = (runs_a[i][-1], runs_b[j][-1])
        if matching.free(*last) and a.digests[last[0]][2] == b.digests[last[1]][2]:
            matching.add(*last)
    for i, j in matched:
        if len(runs_a[i]) > 1 or len(runs_b[j]) > 1:
            whole(matching, runs_a[i], runs_b[j])


def _distance(a: Skeleton, b: Skeleton, run_a: list[int], run_b: list[int]) -> float:
    """Return the edits between two runs by their labels alone: unmatched 1, another shape 0.15, attribute 0.35."""
    left, right = list(run_a), list(run_b)
    total = 0.0
    for grade, price in ((0, 0.0), (1, 0.15), (2, 0.35)):
        waiting = Counter(b.digests[node][grade] for node in right)
        kept: list[int] = []
        used: Counter[str] = Counter()
        for node in left:
            word = a.digests[node][grade]
            if used[word] < waiting[word]:
                used[word] += 1
                total += price
            else:
                kept.append(node)
        left = kept
        rest: list[int] = []
        for node in right:
            word = b.digests[node][grade]
            if used[word]:
                used[word] -= 1
            else:
                rest.append(node)
        right = rest
    return total + len(left) + len(right)
