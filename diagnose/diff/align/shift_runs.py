"""Shift a removed or added run of operations to the borders of a module, if it could begin there just as well.

A block that ends in a ReLU can be removed together with its own ReLU, or with the one before the block: the same
network is left. The alignment takes either. Here the run is shifted so that most of it belongs to one module.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import networkx as nx

from diagnose.diff.align.matching import Matching
from diagnose.diff.ir.skeleton import Skeleton

Run = frozenset[int]

MOST = 40
"""The most steps that a run is shifted: about as many as a block has operations."""


def slide(matching: Matching) -> None:
    """Shift every run of operations without a partner to the borders of a module; `matching` is changed."""
    for side, partners, back in (
        (matching.a, matching.to_b, matching.to_a),
        (matching.b, matching.to_a, matching.to_b),
    ):
        for run in list(_runs(side, partners)):
            for forward in (True, False):
                if _moved(side, run, partners, back, forward):
                    break


def _runs(side: Skeleton, partners: dict[int, int]) -> Iterator[Run]:
    """Yield the connected sets of operations that have no partner."""
    free = {node for node in side.nodes if node not in partners and side.inputs(node)}
    graph = nx.Graph()
    graph.add_nodes_from(free)
    graph.add_edges_from((node, value) for node in free for value in side.inputs(node) if value in free)
    yield from map(frozenset, nx.connected_components(graph))


def _moved(side: Skeleton, run: Run, partners: dict[int, int], back: dict[int, int], forward: bool) -> bool:
    """Shift a run step by step as far as possible, then back to where its operations share the longest module path."""
    depth, kept = _depth(side, run), 0
    steps: list[tuple[int, int]] = []
    while len(steps) < MOST and (step := _step(side, run, partners, forward)) is not None:
        given, taken = step
        _hand_over(partners, back, taken, given)
        run = (run - {given}) | {taken}
        steps.append(step)
        if _depth(side, run) > depth:
            depth, kept = _depth(side, run), len(steps)
    for given, taken in reversed(steps[kept:]):
        _hand_over(partners, back, given, taken)
    return kept > 0


def _hand_over(partners: dict[int, int], back: dict[int, int], node_a: int, node_b: int) -> None:
    """Give the partner of a node to another one."""
    partner = partners.pop(node_a)
    partners[node_b], back[partner] = partner, node_b


def _step(side: Skeleton, run: Run, partners: dict[int, int], forward: bool) -> tuple[int, int] | None:
    """Return the operation that a run gives up at one end, and the equal one that it takes in at the other end.

    None unless one value enters the run, one leaves it, and neither operation has another input.
    """
    entering = {value for node in run for value in side.inputs(node) if value not in run}
    leaving = {
        node for node in run if node in side.graph.outputs or any(user not in run for user, _ in side.users[node])
    }
    if len(entering) != 1 or len(leaving) != 1:
        return None
    (before,), (last,) = entering, leaving
    if forward:
        given, taken = (
            _only(node for node in run if before in side.inputs(node)),
            _only(user for user, _ in side.users[last] if user not in run),
        )
        closed = last not in side.graph.outputs
    else:
        given, taken = last, before
        closed = before not in side.graph.outputs and all(user in run for user, _ in side.users[before])
    if given is None or taken not in partners or not closed:
        return None
    alone = all(len(side.inputs(node)) == 1 for node in (given, taken))
    return (given, taken) if alone and side.digests[given][0] == side.digests[taken][0] else None


def _only(nodes: Iterator[int]) -> int | None:
    """Return the node if there is exactly one, else None."""
    found = set(nodes)
    return found.pop() if len(found) == 1 else None


def _depth(side: Skeleton, run: Run) -> int:
    """Return how many leading parts of the module path are the same for all operations of a run."""
    paths = [side.graph.nodes[node].module_path.split(".") for node in run]
    return sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False)))
