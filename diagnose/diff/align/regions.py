"""Find the matched operations that are not alike, and the regions of both graphs that they stand for.

The *region* of a matched operation is what lies between it and the nearest matched operations before it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from diagnose.diff.align.align import Alignment
from diagnose.diff.ir.operation_table import operation
from diagnose.diff.ir.skeleton import Skeleton

Pair = tuple[int, int]
Regions = tuple[tuple[int, ...], tuple[int, ...]]
"""Nodes of A and nodes of B, in topological order."""

WIDENED = 40
"""How often two regions are grown at most."""


def touched(alignment: Alignment) -> list[Pair]:
    """Return the pairs that differ by themselves or in what they read, in the order of B."""
    a, b = alignment.a, alignment.b
    back = alignment.to_a
    shared = _weight_conflicts(alignment)
    pairs = []
    for node_b in b.nodes:
        if node_b in back:
            node_a = back[node_b]
            theirs, mine = b.inputs(node_b), [alignment.to_b.get(value, -1) for value in a.inputs(node_a)]
            if operation(a.graph.nodes[node_a].op).commutative:
                theirs, mine = sorted(theirs), sorted(mine)
            if a.digests[node_a][0] != b.digests[node_b][0] or mine != theirs or (node_a, node_b) in shared:
                pairs.append((node_a, node_b))
    for node_a, node_b in zip(a.graph.outputs, b.graph.outputs, strict=False):
        if alignment.to_b.get(node_a) != node_b:
            pairs.append((node_a, node_b))
    return pairs


def _weight_conflicts(alignment: Alignment) -> set[Pair]:
    """Return the pairs of operations that read a weight which has two partners."""
    partners: dict[int, set[int]] = {}
    for node_a, node_b in alignment.weights:
        partners.setdefault(node_a, set()).add(node_b)
        partners.setdefault(-node_b - 1, set()).add(node_a)
    doubled = {key for key, values in partners.items() if len(values) > 1}
    return {
        (side_a, side_b)
        for side_a, side_b in alignment.to_b.items()
        if any(value in doubled for value in alignment.a.graph.nodes[side_a].inputs)
        or any(-value - 1 in doubled for value in alignment.b.graph.nodes[side_b].inputs)
    }


def regions_of(alignment: Alignment, pair: Pair) -> Regions:
    """Return the regions of a pair in A and in B: its nodes, and the nodes without a partner that lead to them."""
    known = alignment.regions
    if pair not in known:
        region_a = _region(alignment.a, pair[0], alignment.to_b)
        known[pair] = region_a, _region(alignment.b, pair[1], alignment.to_a)
    return known[pair]


def draws(alignment: Alignment, pair: Pair) -> bool:
    """Say whether a region of the pair holds a random operation that has no partner."""
    regions = regions_of(alignment, pair)
    return any(
        operation(skeleton.graph.nodes[node].op).draws
        for skeleton, region, own in zip((alignment.a, alignment.b), regions, pair, strict=True)
        for node in region
        if node != own
    )


def _region(skeleton: Skeleton, node: int, matched: Collection[int]) -> tuple[int, ...]:
    """Return a node and the nodes without a partner that lead to it, in topological order."""
    region, stack = {node}, skeleton.inputs(node)
    while stack:
        current = stack.pop()
        if current not in region and current not in matched:
            region.add(current)
            stack += skeleton.inputs(current)
    return tuple(sorted(region))


def border(skeleton: Skeleton, region: Sequence[int]) -> set[int]:
    """Return the values, other than weights, that a region reads from outside."""
    inside = set(region)
    return {value for node in region for value in skeleton.inputs(node) if value not in inside}


def common_regions(alignment: Alignment, regions: Regions, others: set[Pair]) -> Regions | None:
    """Grow two regions until both read the same values; None if another difference would come to lie inside."""
    inside_a, inside_b = set(regions[0]), set(regions[1])
    to_a = alignment.to_a
    for _ in range(WIDENED):
        border_a = border(alignment.a, sorted(inside_a))
        border_b = {to_a[node_b] for node_b in border(alignment.b, sorted(inside_b))}
        apart = border_a ^ border_b
        if not apart:
            return tuple(sorted(inside_a)), tuple(sorted(inside_b))
        node = max(apart)
        if (node, alignment.to_b[node]) in others or not alignment.a.inputs(node):
            return None
        if node in border_a:
            inside_a |= set(_region(alignment.a, node, alignment.to_b))
        else:
            inside_b |= set(_region(alignment.b, alignment.to_b[node], to_a))
    return None
