"""Where two networks part: A's activations are fed into B at every aligned operation.

The *region* of a matched operation is what lies between it and the nearest matched operations before it. Both regions
of a pair get the same values at their borders; if what comes out differs, in value, gradient or running statistics,
the difference lies inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from diagnose.graph.align import Alignment
from diagnose.graph.execute import Run, evaluate
from diagnose.graph.labels import COMMUTATIVE
from diagnose.graph.skeleton import Skeleton
from diagnose.graph.transplant import Worst
from diagnose.values import Node

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Observed:
    """What feeding a pair of regions showed: `differs` is None where nothing could be run."""

    pair: Pair
    nodes_a: frozenset[int]
    nodes_b: frozenset[int]
    differs: bool | None
    how: str = ""
    delta: float = 0.0


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
            elif node.op in ("parameter", "buffer", "constant"):
                side.values[node.id] = side.leaf(node)
            elif all(side.values.get(value) is not None for value in node.inputs):
                side.values[node.id] = _tried(node, [side.values[value] for value in node.inputs], side, Run())


def _tried(node: Node, inputs: list[Any], side: Side, run: Run) -> Any:
    try:
        return evaluate(node, inputs, side.constants, run)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError):
        return None


def touched(alignment: Alignment) -> list[Pair]:
    """Return the pairs that are not alike by themselves and in what they read, in the order of B."""
    a, b = alignment.a, alignment.b
    back = alignment.to_a
    shared = _weight_conflicts(alignment)
    pairs = []
    for other in b.nodes:
        if other in back:
            one = back[other]
            theirs, mine = b.inputs(other), [alignment.to_b.get(value, -1) for value in a.inputs(one)]
            if a.graph.nodes[one].op in COMMUTATIVE:
                theirs, mine = sorted(theirs), sorted(mine)
            if a.labels[one][0] != b.labels[other][0] or mine != theirs or (one, other) in shared:
                pairs.append((one, other))
    for one, other in zip(a.graph.outputs, b.graph.outputs, strict=False):
        if alignment.to_b.get(one) != other:
            pairs.append((one, other))
    return pairs


def _weight_conflicts(alignment: Alignment) -> set[Pair]:
    """Return the pairs of operations that read a weight which has two partners."""
    partners: dict[int, set[int]] = {}
    for one, other in alignment.weights:
        partners.setdefault(one, set()).add(other)
        partners.setdefault(-other - 1, set()).add(one)
    doubled = {key for key, values in partners.items() if len(values) > 1}
    return {
        (one, other)
        for one, other in alignment.to_b.items()
        if any(value in doubled for value in alignment.a.graph.nodes[one].inputs)
        or any(-value - 1 in doubled for value in alignment.b.graph.nodes[other].inputs)
    }


def observe(alignment: Alignment, a: Side, b: Side, pair: Pair) -> Observed:
    """Feed both regions of a pair A's activations, then large values, then maps of another size."""
    borders: dict[int, Tensor] = {}
    region_a = _region(alignment.a, pair[0], set(alignment.to_b))
    region_b = _region(alignment.b, pair[1], set(alignment.to_a))
    to_a = alignment.to_a
    needed = _border(alignment.a, region_a) | {to_a[other] for other in _border(alignment.b, region_b)}
    for one in needed:
        value = a.values.get(one)
        if isinstance(value, Tensor):
            borders[one] = value
    found = Observed(pair, frozenset(region_a), frozenset(region_b), None)
    for how, values in _feeds(borders):
        seen = _compared(alignment, (a, b), (region_a, region_b), values, pair)
        if seen is None:
            continue
        kind, delta = seen
        if kind:
            return replace(found, differs=True, how=f"{kind}{how}", delta=delta)
        found = replace(found, differs=False)
    return found


def _feeds(borders: Mapping[int, Tensor]) -> list[tuple[str, dict[int, Tensor]]]:
    generator = torch.Generator().manual_seed(2)

    def drawn(shape: tuple[int, ...], like: Tensor, scale: float) -> Tensor:
        if not like.is_floating_point():
            return like
        return scale * torch.randn(shape, generator=generator, dtype=torch.float64)

    def grown(value: Tensor) -> tuple[int, ...]:
        return (*value.shape[:2], *(size + 1 for size in value.shape[2:])) if value.ndim == 4 else tuple(value.shape)

    return [
        ("", dict(borders)),
        (" on large values", {key: drawn(tuple(value.shape), value, 20.0) for key, value in borders.items()}),
        (" at another size of the input", {key: drawn(grown(value), value, 3.0) for key, value in borders.items()}),
    ]


def _region(skeleton: Skeleton, node: int, matched: set[int]) -> list[int]:
    """Return a node and the unmatched ones that lead to it, in topological order."""
    region, stack = {node}, skeleton.inputs(node)
    while stack:
        current = stack.pop()
        if current not in region and current not in matched:
            region.add(current)
            stack += skeleton.inputs(current)
    return sorted(region)


def _border(skeleton: Skeleton, region: Sequence[int]) -> set[int]:
    inside = set(region)
    return {value for node in region for value in skeleton.inputs(node) if value not in inside}


def _compared(
    alignment: Alignment, sides: tuple[Side, Side], regions: tuple[list[int], list[int]], borders: Mapping[int, Tensor],
    pair: Pair,
) -> tuple[str, float] | None:  # fmt: skip
    """Return what differs ("" for nothing) and by how much, or None where neither region could be run."""
    fed = {key: value.detach().clone().requires_grad_(value.is_floating_point()) for key, value in borders.items()}
    run_a, run_b = Run(), Run()
    try:
        one = _evaluated(sides[0], regions[0], fed, run_a)
        other = _evaluated(sides[1], regions[1], {alignment.to_b[key]: v for key, v in fed.items()}, run_b)
    except (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError):
        return None
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return None
    if one.shape != other.shape:
        return f"other shapes, {'×'.join(map(str, one.shape))} and {'×'.join(map(str, other.shape))}", 0.0
    forward = Worst()
    forward.see(one, other)
    if not forward.within:
        return f"max |Δ| {forward.delta:.3g}", forward.delta
    statistics = Worst()
    for left, right in zip(run_a.statistics.get(pair[0], ()), run_b.statistics.get(pair[1], ()), strict=False):
        statistics.see(left, right)
    if not statistics.within:
        return f"running statistics, max |Δ| {statistics.delta:.3g}", statistics.delta
    gradients = _gradients(one, other, [value for value in fed.values() if value.requires_grad])
    if not gradients.within:
        return f"gradients, max |Δ| {gradients.delta:.3g}", gradients.delta
    return "", forward.delta


def _evaluated(side: Side, region: Sequence[int], fed: Mapping[int, Tensor], run: Run) -> Any:
    """Compute a region from the values at its border."""
    graph = side.skeleton.graph
    values: dict[int, Any] = dict(fed)

    def value_of(node_id: int) -> Any:
        if node_id not in values:
            node = graph.nodes[node_id]
            if node.op in ("parameter", "buffer", "constant"):
                values[node_id] = side.leaf(node)
            else:
                values[node_id] = evaluate(node, [value_of(value) for value in node.inputs], side.constants, run)
        return values[node_id]

    for node_id in region:
        values.pop(node_id, None)  # the region's own node is computed even where it is fed elsewhere
        value_of(node_id)
    return values[region[-1]]


def _gradients(one: Tensor, other: Tensor, leaves: list[Tensor]) -> Worst:
    worst = Worst()
    if not leaves or not one.is_floating_point():
        return worst
    weight = torch.randn(one.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found: list[tuple[Tensor | None, ...]] = []
    for result in (one, other):
        if result.requires_grad:
            found.append(torch.autograd.grad((result * weight).sum(), leaves, allow_unused=True, retain_graph=True))
        else:
            found.append((None,) * len(leaves))
    for left, right, leaf in zip(*found, leaves, strict=True):
        worst.see(torch.zeros_like(leaf) if left is None else left, torch.zeros_like(leaf) if right is None else right)
    return worst
