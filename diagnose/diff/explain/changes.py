"""Turn an alignment, and what was observed on it, into changes: the edits that make A into B."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import prod

from diagnose.diff.align.align import Alignment
from diagnose.diff.explain.change import Change
from diagnose.diff.explain.facts import SharedWeight
from diagnose.diff.explain.pair_changes import pair_changes, wiring_changes
from diagnose.diff.explain.pieces import piece_change, unmatched_pieces, with_moves
from diagnose.diff.ir.digest import weight_root
from diagnose.diff.ir.skeleton import Skeleton
from diagnose.diff.proof.localise import Observation
from diagnose.values import DifferenceKind, Significance


def changes(alignment: Alignment, observed: Sequence[Observation]) -> tuple[Change, ...]:
    """Return every change between two aligned graphs."""
    if alignment.equal:
        return ()
    seen = {result.pair: result for result in observed}
    balanced = _elements(alignment.a) == _elements(alignment.b)
    pieces = unmatched_pieces(alignment, observed)
    found = with_moves([piece_change(alignment, piece, observed) for piece in pieces], alignment)
    for pair in alignment.to_b.items():
        found += pair_changes(alignment, pair, seen.get(pair), balanced=balanced)
        if pair in seen and not _has_unmatched(alignment, seen[pair]):
            found += wiring_changes(alignment, pair, seen[pair])
    return (*_with_neighbours(alignment, found, observed), *_sharing(alignment))


def _with_neighbours(alignment: Alignment, found: Sequence[Change], observed: Sequence[Observation]) -> list[Change]:
    """Mark the changes that stand alone: no other change is near, and the network's own values do not show them.

    Two changes are near each other if they touch, read the same operation, or are read by the same one.
    """
    around = []
    for change in found:
        near: set[tuple[int, int]] = set()
        for side, (skeleton, nodes) in enumerate(((alignment.a, change.nodes_a), (alignment.b, change.nodes_b))):
            partners = alignment.to_b if side == 0 else alignment.to_a
            for node in nodes:
                touching = {node, *skeleton.inputs(node), *(user for user, _ in skeleton.users[node])}
                near |= {(side, neighbour) for neighbour in touching}
                near |= {(1 - side, partners[neighbour]) for neighbour in touching if neighbour in partners}
        around.append(near)
    reached = {(0, node) for result in observed if result.reached for node in result.nodes_a}
    reached |= {(1, node) for result in observed if result.reached for node in result.nodes_b}
    shared = Counter(node for near in around for node in near)
    return [
        replace(found_change, alone=not near & reached and all(shared[node] == 1 for node in near))
        for found_change, near in zip(found, around, strict=True)
    ]


def _elements(skeleton: Skeleton) -> int:
    """Return how many elements the parameters have that a network reads."""
    return sum(prod(node.shape) for node in skeleton.graph.nodes if node.op == "parameter")


def _has_unmatched(alignment: Alignment, result: Observation) -> bool:
    """Say whether operations without a partner lie in the regions of a pair: they explain its difference."""
    return not (result.nodes_a <= alignment.to_b.keys() and result.nodes_b <= alignment.to_a.keys())


def _sharing(alignment: Alignment) -> list[Change]:
    """Return the weights that are one weight in one network and several in the other."""
    found = []
    for side, opposite, reverse in ((alignment.a, alignment.b, False), (alignment.b, alignment.a, True)):
        partners: dict[int, list[int]] = {}
        for node_a, node_b in alignment.weights:
            key, value = (node_b, node_a) if reverse else (node_a, node_b)
            partners.setdefault(key, []).append(value)
        for key, values in partners.items():
            if len(set(values)) < 2:
                continue
            name = weight_root(side.graph, side.graph.nodes[key]).name
            names = ", ".join(
                sorted({weight_root(opposite.graph, opposite.graph.nodes[value]).name for value in values})
            )
            facts = SharedWeight("B" if reverse else "A", len(set(values)))
            found.append(Change(DifferenceKind.SHARING, Significance.REAL, facts, f"{name} ↔ {names}",
                                ("the networks have other free parameters",), certain=True))  # fmt: skip
    return list(dict.fromkeys(found))
