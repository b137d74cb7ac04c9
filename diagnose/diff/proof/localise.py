"""Where two networks part: A's activations are fed into B at every aligned operation.

Both regions of a pair get the same values at their borders; if what comes out differs, in value, gradient or running
statistics, the difference lies inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from diagnose.diff.align.align import Alignment
from diagnose.diff.align.regions import Pair, Regions, border, common_regions, regions_of
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.interpreter import Execution, evaluate
from diagnose.diff.ir.operation_table import operation
from diagnose.diff.ir.skeleton import Skeleton
from diagnose.diff.proof.distance import PROOF, Distance, distance_between, distances_between, largest_delta


@dataclass(frozen=True, slots=True)
class Observation:
    """What feeding a pair of regions showed: `differs` is None where nothing could be run.

    `reached` where they differ on the activations that the network itself has there; `other_size` where they differ at
    another size alone, at which the graphs still hold the numbers of this one.
    """

    pair: Pair
    nodes_a: frozenset[int]
    nodes_b: frozenset[int]
    differs: bool | None
    how: str = ""
    delta: float = 0.0
    reached: bool = False
    other_size: bool = False


@dataclass(frozen=True, slots=True)
class RegionDistance:
    """How far two regions are apart on A's own activations: the largest |Δ|, and whether the network makes up for it.

    `negligible` where it is within tolerance, or gone again where their readers come back to A's values.
    """

    delta: float
    negligible: bool


@dataclass(slots=True)
class Side:
    """One network for the laboratory: its skeleton, its weights and its constants, both in float64."""

    skeleton: Skeleton
    state: Mapping[str, Tensor]
    constants: Mapping[str, Tensor]
    values: dict[int, Any] = field(default_factory=dict)

    def leaf(self, node: Node) -> Any:
        """Return the value of a weight or constant."""
        if node.op == "constant":
            return self.constants[str(node.get("digest"))]
        return self.state[node.name].detach()


def run_graph(side: Side, inputs: Sequence[Tensor]) -> None:
    """Compute every node of a graph; one that cannot be computed, and what depends on it, gets no value."""
    side.values.clear()
    waiting = iter(inputs)
    with torch.no_grad():
        for node in side.skeleton.graph.nodes:
            if node.op == "input":
                side.values[node.id] = next(waiting, None)
            elif operation(node.op).is_fixed:
                side.values[node.id] = side.leaf(node)
            elif all(side.values.get(value) is not None for value in node.inputs):
                side.values[node.id] = _tried(node, [side.values[value] for value in node.inputs], side, Execution())


def _tried(node: Node, inputs: list[Any], side: Side, run: Execution) -> Any:
    try:
        return evaluate(node, inputs, side.constants, run)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError):
        return None


def observe(alignment: Alignment, a: Side, b: Side, pair: Pair, all_touched: Sequence[Pair]) -> Observation:
    """Feed both regions of a pair A's activations, then small and large values; single operations another size, too.

    A difference on A's own activations counts only if it does not heal: some networks write one function in two ways
    whose intermediate values differ. Gradients and drawn values need both regions to read the same borders.
    """
    regions = regions_of(alignment, pair)
    found = Observation(pair, frozenset(regions[0]), frozenset(regions[1]), None)
    seen = _compared(alignment, (a, b), regions, _own(alignment, a, regions), pair, forward=True)
    if seen is not None and seen[0]:
        if difference_vanishes(alignment, a, b, pair, regions[1]):
            return replace(found, differs=False)
        return replace(found, differs=True, how=seen[0], delta=seen[1], reached=True)
    found = replace(found, differs=None if seen is None else False)
    common = common_regions(alignment, regions, {touched_pair for touched_pair in all_touched if touched_pair != pair})
    if common is None:
        return found
    feeds = _feeds({node_a: a.values.get(node_a) for node_a in border(alignment.a, common[0])})
    if len(common[0]) > 1 or len(common[1]) > 1:
        # Which operations compute nothing was decided at this size: only like ones are held to another.
        feeds = feeds[:-1]
    for how, values in feeds:
        seen = _compared(alignment, (a, b), common, values, pair)
        if seen is not None and seen[0]:
            resized = how == _OTHER_SIZE
            return replace(
                found, differs=True, how=f"{seen[0]}{how}", delta=seen[1], reached=not how, other_size=resized
            )
        found = replace(found, differs=found.differs if seen is None else False)
    return found


def region_distance(alignment: Alignment, a: Side, b: Side, pair: Pair) -> RegionDistance | None:
    """Return how far both regions of a pair are apart on A's own activations; None where one cannot be run."""
    regions = regions_of(alignment, pair)
    seen = _compared(alignment, (a, b), regions, _own(alignment, a, regions), pair, forward=True)
    if seen is None:
        return None
    return RegionDistance(seen[1], not seen[0] or difference_vanishes(alignment, a, b, pair, regions[1]))


def _own(alignment: Alignment, a: Side, regions: Regions) -> dict[int, Any]:
    """Return A's activations at the borders of two regions."""
    to_a = alignment.to_a
    borders = border(alignment.a, regions[0]) | {to_a[node_b] for node_b in border(alignment.b, regions[1])}
    return {node_a: a.values.get(node_a) for node_a in borders}


_OTHER_SIZE = " at another size of the input"

HEALED = 1e-10
"""|Δ| over the largest value up to which a difference is gone: rounding leaves less, an eps under a norm more."""

STEPS = 40
"""Operations of B that a difference is followed through, at most, to see whether it heals."""


def difference_vanishes(alignment: Alignment, a: Side, b: Side, pair: Pair, region: Sequence[int]) -> bool:
    """Say whether the difference at a pair is gone again where its readers in B come back to A's values."""
    graph, to_a = alignment.b.graph, alignment.to_a
    wrong: dict[int, Any] = {}
    computed: dict[int, Any] = {}  # without it, a value that two operations read would be computed twice, and so on
    run = Execution()

    def known(node_id: int) -> Any:
        if node_id in wrong:
            return wrong[node_id]
        if node_id in computed:
            return computed[node_id]
        if node_id in to_a and node_id != pair[1]:
            return a.values.get(to_a[node_id])
        node = graph.nodes[node_id]
        if operation(node.op).is_fixed:
            return b.leaf(node)
        if alignment.b.weights[node_id] or node_id in region or node_id not in to_a:
            computed[node_id] = _tried(node, [known(value) for value in node.inputs], b, run)
            return computed[node_id]
        return None

    with torch.no_grad():
        wrong[pair[1]] = known(pair[1])
        steps = 0
        for node_id in alignment.b.nodes[alignment.b.nodes.index(pair[1]) + 1 :]:
            node = graph.nodes[node_id]
            if not any(value in wrong for value in node.inputs):
                continue
            steps += 1
            value = _tried(node, [known(source) for source in node.inputs], b, run)
            found = Distance(float("inf"))
            if isinstance(value, Tensor) and isinstance(a.values.get(to_a.get(node_id, -1)), Tensor):
                found = distance_between(a.values[to_a[node_id]], value)
            if found.relative > HEALED:
                wrong[node_id] = value
            if steps > STEPS or (node_id in graph.outputs and node_id in wrong):
                return False
    return pair[1] not in graph.outputs


def _feeds(borders: Mapping[int, Any]) -> list[tuple[str, dict[int, Tensor]]]:
    if not all(isinstance(value, Tensor) for value in borders.values()):
        return []
    generator = torch.Generator().manual_seed(2)

    def drawn(shape: tuple[int, ...], like: Tensor, scale: float) -> Tensor:
        if not like.is_floating_point():
            return like
        return scale * torch.randn(shape, generator=generator, dtype=torch.float64)

    def grown(value: Tensor) -> tuple[int, ...]:
        return (*value.shape[:2], *(size + 1 for size in value.shape[2:])) if value.ndim == 4 else tuple(value.shape)

    return [
        ("", dict(borders)),
        (" on small values", {key: drawn(tuple(value.shape), value, 1e-3) for key, value in borders.items()}),
        (" on large values", {key: drawn(tuple(value.shape), value, 20.0) for key, value in borders.items()}),
        (_OTHER_SIZE, {key: drawn(grown(value), value, 3.0) for key, value in borders.items()}),
    ]


def _compared(
    alignment: Alignment, sides: tuple[Side, Side], regions: Regions, borders: Mapping[int, Any],
    pair: Pair,
    *,
    forward: bool = False,
) -> tuple[str, float] | None:  # fmt: skip
    """Return what differs ("" for nothing) and by how much, or None where neither region could be run."""
    if not all(isinstance(value, Tensor) for value in borders.values()):
        return None
    given = {key: value.detach().clone().requires_grad_(value.is_floating_point()) for key, value in borders.items()}
    run_a, run_b = Execution(), Execution()
    try:
        value_a = _evaluated(sides[0], regions[0], given, run_a)
        value_b = _evaluated(sides[1], regions[1], {alignment.to_b[key]: v for key, v in given.items()}, run_b)
    except (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError):
        return None
    if not isinstance(value_a, Tensor) or not isinstance(value_b, Tensor):
        return None
    if value_a.shape != value_b.shape:
        return f"other shapes, {'×'.join(map(str, value_a.shape))} and {'×'.join(map(str, value_b.shape))}", 0.0
    values = distance_between(value_a, value_b)
    if not PROOF.holds(values) or forward:
        return "" if PROOF.holds(values) else f"max |Δ| {values.delta:.3g}", values.delta
    both = zip(run_a.statistics.get(pair[0], ()), run_b.statistics.get(pair[1], ()), strict=False)
    statistics = [distance_between(left, right) for left, right in both]
    if not PROOF.holds(*statistics):
        return f"running statistics, max |Δ| {largest_delta(statistics):.3g}", largest_delta(statistics)
    gradients = _gradients(value_a, value_b, [value for value in given.values() if value.requires_grad])
    if not PROOF.holds(*gradients):
        return f"gradients, max |Δ| {largest_delta(gradients):.3g}", largest_delta(gradients)
    return "", values.delta


def _evaluated(side: Side, region: Sequence[int], fed: Mapping[int, Tensor], run: Execution) -> Any:
    """Compute a region from the values at its border."""
    graph = side.skeleton.graph
    values: dict[int, Any] = dict(fed)

    def value_of(node_id: int) -> Any:
        if node_id not in values:
            node = graph.nodes[node_id]
            if operation(node.op).is_fixed:
                values[node_id] = side.leaf(node)
            else:
                values[node_id] = evaluate(node, [value_of(value) for value in node.inputs], side.constants, run)
        return values[node_id]

    for node_id in region:
        values.pop(node_id, None)  # the region's own node is computed even where it is fed elsewhere
        value_of(node_id)
    return values[region[-1]]


def _gradients(value_a: Tensor, value_b: Tensor, leaves: list[Tensor]) -> list[Distance]:
    """Compare the gradients that two values give to `leaves`, under one random projection."""
    if not leaves or not value_a.is_floating_point():
        return []
    weight = torch.randn(value_a.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found: list[tuple[Tensor | None, ...]] = []
    for result in (value_a, value_b):
        if result.requires_grad:
            found.append(torch.autograd.grad((result * weight).sum(), leaves, allow_unused=True, retain_graph=True))
        else:
            found.append((None,) * len(leaves))
    whole = [
        [torch.zeros_like(leaf) if gradient is None else gradient for gradient, leaf in zip(side, leaves, strict=True)]
        for side in found
    ]
    return distances_between(*whole)
