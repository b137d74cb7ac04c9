"""Turn the operations that have no partner into connected pieces, and each piece into a change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import networkx as nx

from diagnose.diff.align.align import Alignment
from diagnose.diff.explain.change import BY_RATE, Change, significance_of
from diagnose.diff.explain.facts import (
    BlockChain,
    Facts,
    GradedNumber,
    HadamardTerm,
    OperationChain,
    StochasticDepthRate,
    terms,
    word,
)
from diagnose.diff.explain.phrases import place, sources
from diagnose.diff.ir.digest import label_attributes, plain_value
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base, operation
from diagnose.diff.proof.localise import Observation
from diagnose.values import DifferenceKind, Significance

Piece = tuple[tuple[int, ...], tuple[int, ...]]
"""Unmatched nodes of A and of B between the same neighbours."""


def unmatched_pieces(alignment: Alignment, observed: Iterable[Observation]) -> list[Piece]:
    """Return the unmatched nodes in connected pieces; a piece of A and one of B between the same neighbours are one."""
    graph = nx.Graph()
    matched = alignment.to_b, alignment.to_a
    for side, skeleton in enumerate((alignment.a, alignment.b)):
        for node in skeleton.nodes:
            if node not in matched[side]:
                graph.add_node((side, node))
                # A value that matched operations read, too, is a change of its own and no part of this one.
                graph.add_edges_from(
                    ((side, node), (side, value))
                    for value in skeleton.inputs(node)
                    if skeleton.graph.nodes[value].inputs
                    and not any(
                        neighbour in matched[side]
                        for neighbour in (value, *(user for user, _ in skeleton.users[value]))
                    )
                )
    for result in observed:
        inside = [(0, node) for node in result.nodes_a if node not in matched[0]]
        inside += [(1, node) for node in result.nodes_b if node not in matched[1]]
        sides = {side for side, _ in inside}
        if len(sides) == 2:
            graph.add_edges_from((inside[0], node) for node in inside[1:])
    parts = []
    for members in nx.connected_components(graph):
        a = tuple(sorted(node for side, node in members if side == 0))
        b = tuple(sorted(node for side, node in members if side == 1))
        parts.append((a, b))
    return sorted(parts, key=lambda part: (part[1] or (-1,), part[0]))


def piece_change(alignment: Alignment, piece: Piece, observed: Iterable[Observation]) -> Change:
    """Return the change that a piece of unmatched operations is."""
    a = [alignment.a.graph.nodes[node] for node in piece[0]]
    b = [alignment.b.graph.nodes[node] for node in piece[1]]
    near = [result for result in observed if set(piece[0]) & result.nodes_a or set(piece[1]) & result.nodes_b]
    kind, facts = _named(alignment, a, b)
    verdict, evidence = significance_of(near)
    certain = _random_rate(a, b)
    if certain:
        verdict, evidence = Significance.REAL, BY_RATE
    places = [node for node in (a or b) if node.op != "constant"] or a or b
    where = f"{place(a)} ↔ {place(b)}" if a and b else place(a or b)
    if isinstance(facts, BlockChain):
        where = place([node for node in a or b if operation(node.op).is_layer])
    return Change(kind, verdict, facts, where, (*evidence, *sources(places)), piece[0], piece[1], certain)


def _random_rate(a: Sequence[Node], b: Sequence[Node]) -> bool:
    """Say whether two sets of operations drop different shares, or draw different numbers of elements.

    False if one of them draws in a way whose rate is not known.
    """
    rates = []
    for nodes in (a, b):
        drawing = [node for node in nodes if operation(node.op).draws]
        if any(not isinstance(node.get("p"), float) or operation(node.op).drops is None for node in drawing):
            return False
        rates.append(sorted((_dropped(node), _drawn(node)) for node in drawing))
    return rates[0] != rates[1]


def _dropped(node: Node) -> float:
    """Return the share of the numbers drawn that are 0; NaN where the rate does not say so."""
    share = operation(node.op).drops
    return float(plain_value(share(node.get("p")))) if share is not None else float("nan")


def _drawn(node: Node) -> int:
    """Return how many elements a random operation draws; a feature dropout draws one for each map."""
    return prod(node.shape[:2] if operation(node.op).draws_maps else node.shape)


def _named(alignment: Alignment, a: Sequence[Node], b: Sequence[Node]) -> tuple[DifferenceKind, Facts]:
    """Return the kind and the facts of a piece."""
    whole = OperationChain(terms(a), terms(b))
    if a and b:
        moved = sorted(map(loose, a)) == sorted(map(loose, b))
        return DifferenceKind.MOVED if moved else DifferenceKind.REPLACED, whole
    nodes, skeleton = (a, alignment.a) if a else (b, alignment.b)
    drawn = next((node for node in nodes if base(node.op) == "bernoulli"), None)
    if drawn is not None:
        return DifferenceKind.REMOVED if a else DifferenceKind.ADDED, StochasticDepthRate(_rate(drawn))
    if sum(operation(node.op).is_layer for node in nodes) > 1:
        kind = DifferenceKind.BLOCK_REMOVED if a else DifferenceKind.BLOCK_ADDED
        return kind, BlockChain(terms(nodes), _equal_blocks(alignment, nodes, of_a=bool(a)))
    if any(node.op == "mul" and len(skeleton.inputs(node.id)) > 1 for node in nodes):
        kind = DifferenceKind.TERM_REMOVED if a else DifferenceKind.TERM_ADDED
        return kind, HadamardTerm(tuple(word(node) for node in nodes if node.op != "mul"))
    return DifferenceKind.REMOVED if a else DifferenceKind.ADDED, whole


def _rate(drawn: Node) -> GradedNumber | None:
    """Return the rate at which a mask drops, to six digits; None where it is not a number."""
    keep = drawn.get("p")
    return GradedNumber(plain_value(float(f"{1.0 - keep:g}"))) if isinstance(keep, float) else None


def loose(node: Node) -> str:
    """Return what an operation computes, without the shape of its value."""
    return f"{node.op}{label_attributes(node)}"


def _equal_blocks(alignment: Alignment, nodes: Sequence[Node], *, of_a: bool) -> int:
    """Return how many equal blocks stand in a row with a removed or added one, itself included."""
    skeleton = alignment.a if of_a else alignment.b
    matched = alignment.to_b if of_a else alignment.to_a
    words = [skeleton.digests[node.id][0] for node in nodes]
    order = {node: index for index, node in enumerate(skeleton.nodes)}
    start, size = order[nodes[0].id], len(nodes)
    count = 1
    for step in (-size, size):
        position = start + step
        while 0 <= position <= len(skeleton.nodes) - size:
            window = skeleton.nodes[position : position + size]
            if [skeleton.digests[node][0] for node in window] != words or not all(node in matched for node in window):
                break
            count += 1
            position += step
    return count


def with_moves(found: Sequence[Change], alignment: Alignment) -> list[Change]:
    """Make one change of an operation that was removed at one place and added at another: it was moved."""
    result = list(found)
    for gone in [change for change in found if change.nodes_a and not change.nodes_b and len(change.nodes_a) <= 2]:
        words = [loose(alignment.a.graph.nodes[node]) for node in gone.nodes_a]
        for come in [change for change in result if change.nodes_b and not change.nodes_a]:
            if [loose(alignment.b.graph.nodes[node]) for node in come.nodes_b] == words:
                result.remove(come)
                result.remove(gone)
                result.append(_move(alignment, gone, come))
                break
    return result


def _move(alignment: Alignment, gone: Change, come: Change) -> Change:
    is_real = Significance.REAL in (gone.verdict, come.verdict)
    facts = OperationChain(terms([alignment.a.graph.nodes[node] for node in gone.nodes_a]))
    return Change(
        DifferenceKind.MOVED,
        Significance.REAL if is_real else Significance.UNDETERMINED,
        facts,
        f"{gone.where} ↔ {come.where}",
        (*gone.evidence, *come.evidence),
        gone.nodes_a,
        come.nodes_b,
    )
