"""Match two unequal graphs by several strategies, since none of them is right on every pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from diagnose.diff.align.matching import Bounds, Matching, extend, improve, neighbours, whole
from diagnose.diff.align.sequence import align_sequences
from diagnose.diff.ir.digest import short
from diagnose.diff.ir.operation_table import operation
from diagnose.diff.ir.skeleton import Skeleton, same_name

NAMED = 0.002
"""The cost of another name. It only decides between matchings that are equal otherwise."""

WHOLE = 250_000
"""The most pairs of nodes for which all nodes are compared with all."""


def matchings(a: Skeleton, b: Skeleton) -> list[Matching]:
    """Return the matching of each strategy. All nodes are compared with all only if they are few enough."""
    strategies: list[Callable[[Matching], None]] = [_by_segments, _from_both_ends]
    if len(a.nodes) * len(b.nodes) <= WHOLE:
        strategies.append(_as_a_whole)
    return [_matched(a, b, strategy) for strategy in strategies]


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
    """Pair nodes that are computed alike from the inputs, then nodes that lead alike to the outputs."""
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
    """Return for each node a digest of its label and of all that is computed from it, but of nothing that it reads."""
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
    """Cut both graphs into segments, align the segments as two sequences, and match the nodes of aligned segments."""
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
    """Return the cost of the edits between two segments: a node alone 1, a shape 0.15, an attribute 0.35."""
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
