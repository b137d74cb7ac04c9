"""Align two graphs in canonical form: which operation of A is which of B, without regard to names.

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
from diagnose.diff.ir.digest import COMMUTATIVE, digest
from diagnose.diff.ir.graph import Graph
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
        return {other: one for one, other in self.to_b.items()}


def align(a: Graph, b: Graph) -> Alignment:
    """Return the alignment of two graphs in canonical form."""
    one, other = Skeleton(a), Skeleton(b)
    if digest(a) == digest(b):
        pairs, consistent = _by_digest(one, other)
        weights = _weights(one, other, pairs)
        return Alignment(one, other, pairs, weights, consistent and _is_bijection(weights), 0.0)
    strategies: list[Callable[[Matching], None]] = [_by_segments, _from_both_ends]
    if len(one.nodes) * len(other.nodes) <= WHOLE:
        strategies.append(_as_a_whole)
    candidates = [_matched(one, other, strategy) for strategy in strategies]
    best = min(candidates, key=cost)
    price = cost(best)
    slide(best)
    return Alignment(one, other, best.to_b, _weights(one, other, best.to_b), False, price)


def cost(matching: Matching) -> float:
    """Return the price of the edits between two matched graphs: nodes, attributes and shapes, connections."""
    a, b = matching.a, matching.b
    price = float(len(a.nodes) + len(b.nodes) - 2 * len(matching.to_b))
    for one, other in matching.to_b.items():
        price += 1.6 * (1.0 - similarity(a, b, one, other)) + NAMED * (not same_name(a, b, one, other))
        mapped = [matching.to_b.get(value, -1) for value in a.inputs(one)]
        theirs = b.inputs(other)
        if a.graph.nodes[one].op in COMMUTATIVE:
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
    effects = [sorted(side.graph.effects, key=side.up.__getitem__) for side in (a, b)]
    inputs = [[node.id for node in side.graph.nodes if node.op == "input"] for side in (a, b)]
    stack = [*zip(a.graph.outputs, b.graph.outputs, strict=True), *zip(*inputs, strict=True)]
    for more in (stack, list(zip(*effects, strict=True))):
        while more:
            one, other = more.pop()
            if pairs.get(one, other) != other or back.get(other, one) != one:
                consistent = False
                continue
            if one in pairs or a.weights[one]:
                continue
            pairs[one], back[other] = other, one
            mine, theirs = list(a.graph.nodes[one].inputs), list(b.graph.nodes[other].inputs)
            if a.graph.nodes[one].op in COMMUTATIVE:
                mine.sort(key=lambda node: (a.down[node], a.up[node]))
                theirs.sort(key=lambda node: (b.down[node], b.up[node]))
            more += zip(mine, theirs, strict=True)
    return pairs, consistent


def _is_bijection(pairs: tuple[tuple[int, int], ...]) -> bool:
    return len({one for one, _ in pairs}) == len(pairs) == len({other for _, other in pairs})


def _weights(a: Skeleton, b: Skeleton, pairs: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """Pair the weights of matched operations by the argument that they are."""
    found: dict[tuple[int, int], None] = {}
    for one, other in pairs.items():
        mine = _named_weights(a, one)
        theirs = _named_weights(b, other)
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
    if node.op in COMMUTATIVE:
        weights = sorted((v for v in node.inputs if skeleton.weights[v]), key=lambda v: (skeleton.down[v], v))
        return {str(index): value for index, value in enumerate(weights)}
    return {name: value for name, value in zip(names, node.inputs, strict=True) if skeleton.weights[value]}


def _matched(a: Skeleton, b: Skeleton, strategy: Callable[[Matching], None]) -> Matching:
    matching = Matching(a, b)
    inputs = [[node for node in side.nodes if side.graph.nodes[node].op == "input"] for side in (a, b)]
    for one, other in zip(*inputs, strict=False):
        matching.add(one, other)
    strategy(matching)
    for one, other in zip(a.graph.outputs, b.graph.outputs, strict=False):
        if matching.free(one, other) and a.labels[one][2] == b.labels[other][2]:
            matching.add(one, other)
    for one, other in list(matching.to_b.items()):
        if a.inputs(one) and not matching.agreement(one, other):
            matching.drop(one, other)
    improve(matching)
    near = [pair for one, other in matching.to_b.items() for pair in neighbours(matching, one, other)]
    extend(matching, near, Bounds(agreement=0.3))
    return matching


def _as_a_whole(matching: Matching) -> None:
    whole(matching, matching.a.nodes, matching.b.nodes)


def _from_both_ends(matching: Matching) -> None:
    """Pair what is computed alike from the inputs, then what leads alike to the outputs, then extend."""
    a, b = matching.a, matching.b
    for keys_a, keys_b in ((a.down, b.down), (_leading(a), _leading(b))):
        by_key: dict[str, list[int]] = {}
        for node in b.nodes:
            by_key.setdefault(keys_b[node], []).append(node)
        for node in a.nodes:
            partners = [other for other in by_key.get(keys_a[node], ()) if other not in matching.to_a]
            if partners and node not in matching.to_b:
                matching.add(node, partners[0])


def _leading(skeleton: Skeleton) -> list[str]:
    """Return digests of what is computed from each node, its own label included and nothing below it."""
    from diagnose.diff.ir.digest import short

    uses: list[list[str]] = [[] for _ in skeleton.graph.nodes]
    for position, value in enumerate(skeleton.graph.outputs):
        uses[value].append(f"output {position}")
    digests = [""] * len(skeleton.graph.nodes)
    for node in reversed(skeleton.graph.nodes):
        digests[node.id] = short(skeleton.labels[node.id][0] + "".join(sorted(uses[node.id])))
        for position, value in enumerate(node.inputs):
            uses[value].append(f"{'any' if node.op in COMMUTATIVE else position}{digests[node.id]}")
    return digests


def _by_segments(matching: Matching) -> None:
    """Align the runs between cuts as two sequences, then match inside each pair of runs."""
    a, b = matching.a, matching.b
    runs_a, runs_b = a.segments, b.segments
    words_a = ["|".join(sorted(a.labels[node][0] for node in run)) for run in runs_a]
    words_b = ["|".join(sorted(b.labels[node][0] for node in run)) for run in runs_b]
    known: dict[tuple[str, str], float] = {}

    def price(i: int, j: int) -> float:
        key = (words_a[i], words_b[j])
        if key not in known:
            known[key] = _distance(a, b, runs_a[i], runs_b[j])
        # Of equal runs, the one that the same things lead to is the partner, and then the one of the same name.
        last = runs_a[i][-1], runs_b[j][-1]
        return known[key] + 0.01 * (a.down[last[0]] != b.down[last[1]]) + NAMED * (not same_name(a, b, *last))

    gaps = [float(len(run)) for run in runs_a], [float(len(run)) for run in runs_b]
    matched = align_sequences(words_a, words_b, price, gaps)
    for i, j in matched:
        last = (runs_a[i][-1], runs_b[j][-1])
        if matching.free(*last) and a.labels[last[0]][2] == b.labels[last[1]][2]:
            matching.add(*last)
    for i, j in matched:
        if len(runs_a[i]) > 1 or len(runs_b[j]) > 1:
            whole(matching, runs_a[i], runs_b[j])


def _distance(a: Skeleton, b: Skeleton, run_a: list[int], run_b: list[int]) -> float:
    """Return the edits between two runs by their labels alone: unmatched 1, another shape 0.15, attribute 0.35."""
    left, right = list(run_a), list(run_b)
    total = 0.0
    for grade, price in ((0, 0.0), (1, 0.15), (2, 0.35)):
        waiting = Counter(b.labels[node][grade] for node in right)
        kept: list[int] = []
        used: Counter[str] = Counter()
        for node in left:
            word = a.labels[node][grade]
            if used[word] < waiting[word]:
                used[word] += 1
                total += price
            else:
                kept.append(node)
        left = kept
        rest: list[int] = []
        for node in right:
            word = b.labels[node][grade]
            if used[word]:
                used[word] -= 1
            else:
                rest.append(node)
        right = rest
    return total + len(left) + len(right)
