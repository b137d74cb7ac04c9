"""Matching inside a segment: seed and extend, with the order of operations left free."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from diagnose.diff.ir.skeleton import Skeleton, same_name, similarity

CANDIDATES = 60_000
"""The most pairs that are compared when a segment is matched as a whole."""


@dataclass(slots=True)
class Matching:
    """Which nodes of two graphs belong together."""

    a: Skeleton
    b: Skeleton
    to_b: dict[int, int] = field(default_factory=dict)
    to_a: dict[int, int] = field(default_factory=dict)

    def add(self, node_a: int, node_b: int) -> None:
        """Pair two nodes."""
        self.to_b[node_a], self.to_a[node_b] = node_b, node_a

    def drop(self, node_a: int, node_b: int) -> None:
        """Part two nodes."""
        del self.to_b[node_a], self.to_a[node_b]

    def free(self, node_a: int, node_b: int) -> bool:
        """Say whether neither node has a partner."""
        return node_a not in self.to_b and node_b not in self.to_a

    def agreement(self, node_a: int, node_b: int) -> float:
        """Return how many of the neighbours of two nodes are partners of each other, as a share from 0 to 1."""
        a, b = self.a, self.b
        mine, theirs = a.inputs(node_a), b.inputs(node_b)
        readers_a, readers_b = a.readers[node_a], b.readers[node_b]
        total = max(len(mine), len(theirs)) + max(len(readers_a), len(readers_b), 1)
        agree = self._inputs(mine, theirs, ordered=a.position_matters(node_a))
        mapped = {(self.to_b.get(reader), place) for reader, place in readers_a}
        agree += len(mapped & readers_b)
        if node_a in a.graph.outputs and node_b in b.graph.outputs:
            agree += 1
        return agree / total

    def _inputs(self, mine: list[int], theirs: list[int], *, ordered: bool) -> float:
        """Count the inputs that are partners; one that is a partner only past an activation counts 0.8."""
        direct = [self.to_b.get(value, -1) for value in mine]
        passed = [self.to_b.get(self.a.origins[value], -1) for value in mine]
        origins = [self.b.origins[value] for value in theirs]
        if ordered:
            rows = zip(direct, passed, theirs, origins, strict=False)
            return sum(1.0 if x == y else 0.8 * (via == origin) for x, via, y, origin in rows)
        return sum(1.0 if x in theirs else 0.8 * (via in origins) for x, via in zip(direct, passed, strict=True))

    def score(self, node_a: int, node_b: int) -> float:
        """Return how well two nodes fit, by themselves and by their neighbours; 0 where the operations differ."""
        alike = similarity(self.a, self.b, node_a, node_b)
        if not alike:
            return 0.0
        context = 0.25 * (self.a.input_digests[node_a] == self.b.input_digests[node_b]) + 0.25 * (
            self.a.context_digests[node_a] == self.b.context_digests[node_b]
        )
        name = 0.01 * same_name(self.a, self.b, node_a, node_b)
        return alike + 1.2 * self.agreement(node_a, node_b) + context + name


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which nodes `extend` may pair: those with at least this fit and agreement and, if given, in these sets."""

    least: float = 0.6
    agreement: float = 0.0
    a: frozenset[int] | None = None
    b: frozenset[int] | None = None

    def allow(self, node_a: int, node_b: int) -> bool:
        """Say whether both nodes are in the sets."""
        return (self.a is None or node_a in self.a) and (self.b is None or node_b in self.b)


def extend(matching: Matching, pairs: Iterable[tuple[int, int]], bounds: Bounds) -> None:
    """Pair free nodes, best fit first, and look again at the neighbours of every new pair."""
    heap: list[tuple[float, int, int]] = []

    def offer(side_a: int, side_b: int) -> None:
        score = matching.score(side_a, side_b) if bounds.allow(side_a, side_b) else 0.0
        if score >= bounds.least and matching.agreement(side_a, side_b) >= bounds.agreement:
            heapq.heappush(heap, (-score, side_a, side_b))

    for pair in pairs:
        offer(*pair)
    while heap:
        negative, node_a, node_b = heapq.heappop(heap)
        if not matching.free(node_a, node_b):
            continue
        if matching.score(node_a, node_b) < -negative - 1e-9:
            offer(node_a, node_b)  # a neighbour found another partner since
            continue
        matching.add(node_a, node_b)
        for neighbour in neighbours(matching, node_a, node_b):
            offer(*neighbour)


def neighbours(matching: Matching, node_a: int, node_b: int) -> Iterator[tuple[int, int]]:
    """Return the free pairs of inputs and of readers of two nodes."""
    a, b = matching.a, matching.b
    for mine in a.inputs(node_a):
        for theirs in b.inputs(node_b):
            if matching.free(mine, theirs):
                yield mine, theirs
    for my_user, _ in a.users[node_a]:
        for their_user, _ in b.users[node_b]:
            if matching.free(my_user, their_user):
                yield my_user, their_user


def whole(matching: Matching, nodes_a: Sequence[int], nodes_b: Sequence[int]) -> None:
    """Match the nodes of two sets with each other; compare every pair of nodes if there are few enough."""
    by_op: dict[str, list[int]] = {}
    for node in nodes_b:
        by_op.setdefault(matching.b.digests[node][2], []).append(node)
    pairs = [(node_a, node_b) for node_a in nodes_a for node_b in by_op.get(matching.a.digests[node_a][2], ())]
    if len(pairs) > CANDIDATES:
        by_label: dict[str, list[int]] = {}
        for node in nodes_b:
            by_label.setdefault(matching.b.digests[node][0], []).append(node)
        pairs = [
            (node_a, node_b) for node_a in nodes_a for node_b in by_label.get(matching.a.digests[node_a][0], ())[:4]
        ]
    bounds = Bounds(least=0.7, a=frozenset(nodes_a), b=frozenset(nodes_b))
    extend(matching, pairs[:CANDIDATES], bounds)


def improve(matching: Matching, passes: int = 3) -> None:
    """Give a node another partner, close to the partners of its neighbours, if all pairs together then fit better."""
    for _ in range(passes):
        if not sum(_repaired(matching, node_a) for node_a in matching.a.nodes):
            return


def _repaired(matching: Matching, node_a: int) -> bool:
    a, b = matching.a, matching.b
    present = matching.to_b.get(node_a)
    options = {
        user for value in a.inputs(node_a) if value in matching.to_b for user, _ in b.users[matching.to_b[value]]
    }
    options |= {
        value for user, _ in a.users[node_a] if user in matching.to_b for value in b.inputs(matching.to_b[user])
    }
    for option in sorted(options - {present}):
        if b.digests[option][2] != a.digests[node_a][2]:
            continue
        rival = matching.to_a.get(option)
        if rival is None and present is None:
            continue
        swapped = 0.0 if rival is None or present is None else matching.score(rival, present)
        if rival is not None and present is not None and not swapped:
            continue
        before = sum(matching.score(*pair) for pair in ((node_a, present), (rival, option)) if None not in pair)
        if matching.score(node_a, option) + swapped > before + 0.05:
            _repartner(matching, (node_a, option), (rival, present))
            return True
    return False


def _repartner(matching: Matching, pair: tuple[int, int], rest: tuple[int | None, int | None]) -> None:
    """Pair two nodes; if both had a partner before, pair those with each other."""
    node_a, option = pair
    rival, present = rest
    if present is not None:
        matching.drop(node_a, present)
    if rival is not None:
        matching.drop(rival, option)
        if present is not None:
            matching.add(rival, present)
    matching.add(node_a, option)
