"""Compare two networks with given weights: which weights differ, and where the activations first part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn

from diagnose.diff.align.align import Alignment
from diagnose.diff.compare import NetworkDiff
from diagnose.diff.ir.digest import weight_root
from diagnose.diff.proof.distance import Distance, distance_between, distances_between
from diagnose.diff.proof.doubles import doubled, in_double
from diagnose.diff.proof.localise import Side, run_graph
from diagnose.diff.proof.random_weights import ProofArithmetic, samples, state_of
from diagnose.diff.proof.transplant import outputs
from diagnose.diff.trained.trained_comparison import (
    SAME_FUNCTION,
    OperationDistance,
    TrainedComparison,
    WeightDelta,
)
from diagnose.diff.weights.checkpoint import Checkpoint, fill
from diagnose.diff.weights.initial import layer_class
from diagnose.diff.weights.mapping import WeightMatch
from diagnose.errors import in_one_line
from diagnose.networks.anatomy import anatomy
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec, Skipped

INPUTS = 2


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A copy of a network in float64 with given weights; `told` says where these are from."""

    module: nn.Module
    told: str


def loaded(module: nn.Module, checkpoint: Checkpoint | None, *, told: str) -> LoadedNetwork:
    """Return a copy of a network in float64 with the exact values of a checkpoint, or with its own weights.

    `told` says what its own weights are.
    """
    twin = in_double(module)
    if checkpoint is None:
        return LoadedNetwork(twin, told)
    fill(checkpoint, twin)
    prefix = f", the prefix {checkpoint.prefix} left out" if checkpoint.prefix else ""
    return LoadedNetwork(twin, f"{checkpoint.path}{prefix}")


def compare_trained(
    networks: tuple[LoadedNetwork, LoadedNetwork], outcome: NetworkDiff, inputs: Sequence[InputSpec], *, seed: int = 0
) -> TrainedComparison:
    """Compare two networks as they are, in eval mode and float64, on the same random inputs.

    Args:
        networks: both, with their weights.
        outcome: of the comparison without the weights: the alignment in eval mode, and which weights are which.
        inputs: shapes and element types of the forward pass.
        seed: of the inputs.
    """
    answer, alignment = outcome.diff, outcome.evaluated.alignment
    generator = torch.Generator().manual_seed(seed + 1)
    drawn = [samples(inputs, generator, torch.float64) for _ in range(INPUTS)]
    skipped: list[Skipped] = []
    captured = outcome.evaluated.a, outcome.evaluated.b
    results = [
        [_outputs(network.module, tensors, side.places, skipped) for tensors in drawn]
        for network, side in zip(networks, captured, strict=True)
    ]
    weights = _weights(networks, outcome.matches)
    steps: tuple[OperationDistance, ...] = ()
    whole: Distance | None = None
    if not skipped:
        pairs = zip(*results, strict=True)
        whole = _worst(distance for outputs_pair in pairs for distance in distances_between(*outputs_pair))
        sides = [
            Side(
                skeleton, state_of(network.module), {name: doubled(tensor) for name, tensor in known.constants.items()}
            )
            for skeleton, network, known in zip((alignment.a, alignment.b), networks, captured, strict=True)
        ]
        steps = _steps(alignment, sides, drawn, results, {network.a for network in weights if network.distance.delta})
        if not steps:
            skipped.append(Skipped("the divergence per operation", "the canonical graph does not give the outputs"))
    told = networks[0].told, networks[1].told
    unmatched = *answer.mapping.only_a, *answer.mapping.only_b
    return TrainedComparison(*told, answer.verdict, whole, steps, weights, unmatched, tuple(dict.fromkeys(skipped)))


def _steps(
    alignment: Alignment,
    sides: Sequence[Side],
    drawn: Sequence[tuple[Tensor, ...]],
    results: Sequence[Sequence[Sequence[Tensor]]],
    differing: set[str],
) -> tuple[OperationDistance, ...]:
    """Return the distances of all aligned operations; nothing if a graph does not give its module's outputs."""
    found: dict[tuple[int, int], Distance] = {}
    for index, tensors in enumerate(drawn):
        if not all(
            _reproduces(side, tensors, own_results[index]) for side, own_results in zip(sides, results, strict=True)
        ):
            return ()
        for node_a, node_b in alignment.to_b.items():
            a, b = sides[0].values.get(node_a), sides[1].values.get(node_b)
            if isinstance(a, Tensor) and isinstance(b, Tensor):
                found[node_a, node_b] = found.get((node_a, node_b), Distance()).worst(distance_between(a, b))
    return tuple(_step(alignment, pair, found[pair], differing) for pair in sorted(found))


def _worst(found: Iterable[Distance]) -> Distance:
    return reduce(Distance.worst, found, Distance())


def _weights(networks: tuple[LoadedNetwork, LoadedNetwork], matches: Iterable[WeightMatch]) -> tuple[WeightDelta, ...]:
    a, b = (state_of(delta.module) for delta in networks)
    places = anatomy(networks[0].module)
    order = {name: index for index, name in enumerate(a)}
    found = [
        WeightDelta(
            match.a.name,
            match.b.name,
            layer_class(networks[0].module, places, match.a.name),
            distance_between(match.a.read(a[match.a.name].detach()), match.b.read(b[match.b.name].detach())),
        )
        for match in matches
    ]
    return tuple(sorted(found, key=lambda delta: order[delta.a]))


def _outputs(
    module: nn.Module, tensors: tuple[Tensor, ...], places: Sequence[str], skipped: list[Skipped]
) -> list[Tensor]:
    try:
        with torch.no_grad(), in_mode(module, training=False), ProofArithmetic():  # type: ignore[no-untyped-call]
            return outputs(module, tensors, places)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError) as error:
        skipped.append(Skipped("outputs with the given weights, in float64", in_one_line(error)))
        return []


def _reproduces(side: Side, tensors: tuple[Tensor, ...], expected: Sequence[Tensor]) -> bool:
    """Run a graph, and say whether it gives the outputs of its module."""
    with ProofArithmetic():  # type: ignore[no-untyped-call]
        run_graph(side, tensors)
    found = [side.values.get(node) for node in side.skeleton.graph.outputs]
    computed = [value for value in found if isinstance(value, Tensor)]
    return len(computed) == len(found) and SAME_FUNCTION.holds(*distances_between(expected, computed))


def _step(alignment: Alignment, pair: tuple[int, int], found: Distance, differing: set[str]) -> OperationDistance:
    graph = alignment.a.graph
    node, node_b = graph.nodes[pair[0]], alignment.b.graph.nodes[pair[1]]
    read = {weight_root(graph, graph.nodes[v]).name for v in node.inputs if alignment.a.weights[v]}
    return OperationDistance(node.op, node.module_path, node_b.module_path, node.source, found, bool(read & differing))
