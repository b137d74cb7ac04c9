"""Weights that the alignment left without a partner: which of A's could be which of B's, tried on numbers.

Where one network writes a layer in a way that no rule knows, its weights are not matched, and then numbers say nothing:
two random weights never agree. So every correspondence of whole tensors, arranged or cut where their shapes ask for
it, is tried on the regions that read them. One under which they agree completes the mapping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import prod

import networkx as nx

from diagnose.diff.align.align import Alignment
from diagnose.diff.align.regions import Pair, draws, regions_of
from diagnose.diff.ir.skeleton import Skeleton
from diagnose.diff.proof.localise import Observation, Side, observe, region_distance
from diagnose.diff.weights.correspondences import ATTEMPTS, UnpairedWeight, correspondences
from diagnose.diff.weights.mapping import WeightMatch, WeightView, part_of, transplant

MOST = 24
"""Weights of both networks together, up to which a group is tried at all."""


@dataclass(frozen=True, slots=True)
class RegionGroup:
    """Regions that read weights without a partner, and what trying to pair them showed.

    `free` counts the elements in A and in B that have no partner, `tried` the correspondences that were tried.
    `matches` is the one that makes the regions equal or, if no other is possible, the nearest one. `unknown` says that
    there may be one that was not found; numbers then say nothing about these regions.
    """

    pairs: tuple[Pair, ...]
    free: tuple[int, int]
    tried: int = 0
    matches: tuple[WeightMatch, ...] = ()
    unknown: bool = False


def pair_unpaired(
    alignment: Alignment,
    a: Side,
    b: Side,
    matches: Sequence[WeightMatch],
    pairs: Sequence[Pair],
    kept: tuple[set[str], set[str]] = (set(), set()),
) -> tuple[RegionGroup, ...]:
    """Try to pair the weights that `matches` does not reach, group by group; B's tensors are written to.

    Args:
        alignment: of both networks in one mode.
        a: A with its values computed.
        b: B.
        matches: the weights that have a partner.
        pairs: the matched operations that are not alike.
        kept: the names in A and in B of constants, which need no partner.
    """
    groups = []
    known: dict[object, int] = {}
    reached = (
        _reached(a, [match.a for match in matches]) | kept[0],
        _reached(b, [match.b for match in matches]) | kept[1],
    )
    for members in _grouped(alignment, pairs, reached):
        regions = [regions_of(alignment, pair) for pair in members]
        free_a = _free(alignment.a, [node for region_a, _ in regions for node in region_a], reached[0])
        free_b = _free(alignment.b, [node for _, region_b in regions for node in region_b], reached[1])
        if not free_a and not free_b:
            continue
        numels = sum(prod(weight.shape) for weight in free_a), sum(prod(weight.shape) for weight in free_b)
        group = RegionGroup(tuple(members), numels)
        if numels[0] == numels[1] and len(free_a) + len(free_b) <= MOST:
            key = tuple((weight.shape, weight.slot) for side in (free_a, free_b) for weight in side)
            group, known[key] = _paired(group, alignment, (a, b), (free_a, free_b), known.get(key, 0))
        groups.append(group)
    balanced = sum(group.free[0] for group in groups) == sum(group.free[1] for group in groups)
    return tuple(replace(group, unknown=not group.matches and _may_correspond(group, balanced)) for group in groups)


def _may_correspond(group: RegionGroup, balanced: bool) -> bool:
    """Say whether the weights of a group may be one another: as many here, or as many in the whole networks."""
    return group.free[0] == group.free[1] or (balanced and all(group.free))


def observations(
    alignment: Alignment, a: Side, b: Side, pairs: Sequence[Pair], groups: Sequence[RegionGroup]
) -> list[Observation]:
    """Return what feeding each pair shows; nothing where its weights have no known counterpart."""
    void = {pair: group for group in groups if group.unknown for pair in group.pairs}
    drawn = {pair for pair in pairs if draws(alignment, pair)}
    seen = []
    for pair in pairs:
        observation = observe(alignment, a, b, pair, pairs)
        if pair in void:
            observation = replace(observation, differs=None, how=_unpaired(void[pair]))
        elif pair in drawn:
            observation = replace(
                observation, differs=None, how="it draws random numbers, of which no single draw is evidence"
            )
        seen.append(observation)
    return seen


def _unpaired(group: RegionGroup) -> str:
    said = "which of A's weights are which of B's is not known here"
    return f"{said}: none of {group.tried} correspondences tried makes it equal" if group.tried else said


def _reached(side: Side, parts: Sequence[WeightView]) -> set[WeightView | str]:
    """Return the parts that have a partner, and the names of the weights that have one as a whole."""
    filled: dict[str, int] = {}
    for part in set(parts):
        filled[part.name] = filled.get(part.name, 0) + part.read(side.state[part.name].detach()).numel()
    return {*parts, *(name for name, numel in filled.items() if numel >= side.state[name].numel())}


def _grouped(
    alignment: Alignment, pairs: Sequence[Pair], reached: tuple[set[WeightView | str], set[WeightView | str]]
) -> list[list[Pair]]:
    """Join the pairs whose regions share an unmatched operation or a weight without a partner."""
    graph = nx.Graph()
    for pair in pairs:
        graph.add_node(pair)
        regions = regions_of(alignment, pair)
        for side, (skeleton, region) in enumerate(zip((alignment.a, alignment.b), regions, strict=True)):
            graph.add_edges_from((pair, (side, "node", node)) for node in region if node != pair[side])
            graph.add_edges_from((pair, (side, weight.part.name)) for weight in _free(skeleton, region, reached[side]))
    order = {pair: index for index, pair in enumerate(pairs)}
    found = [sorted((weight for weight in part if weight in order), key=order.__getitem__)
             for part in nx.connected_components(graph)]  # fmt: skip
    return sorted(found, key=lambda members: order[members[0]])


def _free(skeleton: Skeleton, region: Sequence[int], reached: set[WeightView | str]) -> list[UnpairedWeight]:
    """Return the weights that a region reads and that have no partner, once each, in the order of their reading."""
    found: dict[WeightView, UnpairedWeight] = {}
    for node_id in sorted(set(region)):
        node = skeleton.graph.nodes[node_id]
        names = [name for name, _ in node.get("slots") or ()]
        for index, value in enumerate(node.inputs):
            if skeleton.weights[value]:
                part = part_of(skeleton, value)
                slot = names[index] if len(names) == len(node.inputs) else ""
                if part not in reached and part.name not in reached:
                    found.setdefault(part, UnpairedWeight(part, skeleton.graph.nodes[value].shape, f"{node.op} {slot}"))
    return list(found.values())


def _paired(
    group: RegionGroup,
    alignment: Alignment,
    sides: tuple[Side, Side],
    free: tuple[list[UnpairedWeight], list[UnpairedWeight]],
    first: int,
) -> tuple[RegionGroup, int]:
    """Try the correspondences of a group, the one at the place `first` before all others; return the chosen place."""
    candidates = list(islice(correspondences(*free), ATTEMPTS + 1))
    exhausted = len(candidates) <= ATTEMPTS
    order = sorted(range(min(len(candidates), ATTEMPTS)), key=lambda place: place != first)
    deltas: dict[int, float] = {}
    for place in order:
        transplant(candidates[place], sides[0].state, sides[1].state)
        seen = [region_distance(alignment, *sides, pair) for pair in group.pairs]
        if None in seen:
            break
        if all(distance is not None and distance.negligible for distance in seen):
            return RegionGroup(group.pairs, group.free, len(deltas) + 1, candidates[place]), place
        deltas[place] = max(distance.delta for distance in seen if distance is not None)
    tried = RegionGroup(group.pairs, group.free, len(deltas))
    if not deltas or not exhausted or not _certain(*free):
        return tried, first
    best = min(deltas, key=lambda place: deltas[place])
    transplant(candidates[best], sides[0].state, sides[1].state)
    return RegionGroup(group.pairs, group.free, len(deltas), candidates[best]), best


def _certain(free_a: Sequence[UnpairedWeight], free_b: Sequence[UnpairedWeight]) -> bool:
    """Say whether all possible correspondences were tried: there are vectors alone, or one layer for another.

    The rows of a matrix may be ordered in ways that are not tried (the heads of fused q, k and v, gates).
    """
    vectors = all(sum(size > 1 for size in weight.shape) <= 1 for weight in (*free_a, *free_b))
    roles = [[(weight.slot.rpartition(" ")[2], weight.shape) for weight in side] for side in (free_a, free_b)]
    return vectors or (
        roles[0] == roles[1] and len({weight.slot.partition(" ")[0] for weight in (*free_a, *free_b)}) <= 2
    )
