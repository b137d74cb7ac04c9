"""Two networks with the weights of their checkpoints: which weights differ, and where the activations first part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn

from diagnose.diff.align.align import Alignment
from diagnose.diff.compare import NetworkDiff
from diagnose.diff.ir.digest import weight_root
from diagnose.diff.proof.localise import Side, run_graph
from diagnose.diff.proof.random_weights import DropoutKeepsAll, samples, state_of
from diagnose.diff.proof.tolerance import doubled, in_double, real_parts
from diagnose.diff.proof.transplant import outputs
from diagnose.diff.weights.checkpoint import Checkpoint, fill
from diagnose.diff.weights.initial import layer_class
from diagnose.diff.weights.mapping import WeightMatch
from diagnose.errors import in_one_line
from diagnose.networks.anatomy import anatomy
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec, Skipped

ATOL, RTOL = 1e-13, 1e-11
"""What two float64 runs are held to: |Δ| ≤ atol + rtol · largest |value| of A's tensor. Rounding stays below it; a
float32 weight changed in its last digit does not."""

FORM = 1e-6
"""The rtol of two ways to write one function: constants as 1/√2 are compared to seven digits there, too."""

INPUTS = 2


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two tensors are from each other: the largest |Δ|, and the largest |value| of A's."""

    delta: float = 0.0
    largest: float = 0.0

    @property
    def relative(self) -> float:
        """Return the largest |Δ| over the largest |value|."""
        if not self.delta:
            return 0.0
        return self.delta / self.largest if self.largest else float("inf")

    def within(self, rtol: float) -> bool:
        """Return whether a tolerance holds."""
        return self.delta <= ATOL + rtol * self.largest

    @property
    def differs(self) -> bool:
        """Return whether the tolerance between two sets of weights is exceeded."""
        return not self.within(RTOL)

    def worst(self, distance: Distance) -> Distance:
        """Return the larger of two deviations of one value."""
        return Distance(max(self.delta, distance.delta), max(self.largest, distance.largest))


@dataclass(frozen=True, slots=True)
class OperationDistance:
    """An aligned operation and how far its values are apart; `own` says that a weight it reads differs."""

    op: str
    a: str
    b: str
    source: str
    apart: Distance
    own: bool


@dataclass(frozen=True, slots=True)
class WeightDelta:
    """A pair of matched weights, compared through the mapping; `group` is its class of layer."""

    a: str
    b: str
    group: str
    apart: Distance


@dataclass(frozen=True, slots=True)
class TrainedComparison:
    """Two networks with given weights: `a` and `b` say whose; `outputs` is None where they could not be run.

    `weights` are all matched ones and `steps` all aligned operations, both in the order of A; `architecture` is the
    verdict without the weights. `unmatched` are tensors without a counterpart; equivalent networks read none of them.
    """

    a: str
    b: str
    architecture: str
    outputs: Distance | None
    steps: tuple[OperationDistance, ...]
    weights: tuple[WeightDelta, ...]
    unmatched: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def first(self) -> OperationDistance | None:
        """Return the first aligned operation whose values differ."""
        return next((step for step in self.steps if step.apart.differs), None)

    @property
    def differing(self) -> tuple[WeightDelta, ...]:
        """Return the matched weights that are not equal, bit for bit."""
        return tuple(weight for weight in self.weights if weight.apart.delta)

    @property
    def verdict(self) -> str:
        """Return "equal", "different" or "undetermined": outputs show a difference, never that there is none."""
        if self.outputs is None:
            return "undetermined"
        if self.architecture == "equivalent" and not self.differing:
            return "equal" if self.outputs.within(FORM) else "undetermined"
        return "different" if self.outputs.differs else "undetermined"


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A network with the weights it was given, a copy in float64; `told` says which they are."""

    module: nn.Module
    told: str


def loaded(module: nn.Module, checkpoint: Checkpoint | None, *, told: str) -> LoadedNetwork:
    """Return a copy of a network in float64 with a checkpoint's exact values; without one it keeps those it has.

    `told` says which these are.
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
        whole = _worst(_all_apart(outputs_a, outputs_b) for outputs_a, outputs_b in zip(*results, strict=True))
        sides = [
            Side(
                skeleton, state_of(network.module), {name: doubled(tensor) for name, tensor in known.constants.items()}
            )
            for skeleton, network, known in zip((alignment.a, alignment.b), networks, captured, strict=True)
        ]
        steps = _steps(alignment, sides, drawn, results, {network.a for network in weights if network.apart.delta})
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
    """Return all aligned operations, or nothing where the graphs do not give the modules' own outputs."""
    found: dict[tuple[int, int], Distance] = {}
    for index, tensors in enumerate(drawn):
        if not all(
            _reproduces(side, tensors, own_results[index]) for side, own_results in zip(sides, results, strict=True)
        ):
            return ()
        for node_a, node_b in alignment.to_b.items():
            a, b = sides[0].values.get(node_a), sides[1].values.get(node_b)
            if isinstance(a, Tensor) and isinstance(b, Tensor):
                found[node_a, node_b] = found.get((node_a, node_b), Distance()).worst(apart(a, b))
    return tuple(_step(alignment, pair, found[pair], differing) for pair in sorted(found))


def apart(a: Tensor, b: Tensor) -> Distance:
    """Compare two tensors; other shapes, and NaN in one alone, are infinitely far from each other."""
    if a.shape != b.shape:
        return Distance(float("inf"))
    if not a.numel():
        return Distance()
    a, b = real_parts(a), real_parts(b)
    if a.shape != b.shape:
        return Distance(float("inf"))
    same = (a == b) | (a.isnan() & b.isnan())
    delta = float(torch.where(same, 0.0, (a - b).abs()).nan_to_num(float("inf")).max())
    return Distance(delta, float(a.abs().nan_to_num(0.0, 0.0, 0.0).max()))


def _worst(found: Iterable[Distance]) -> Distance:
    return reduce(Distance.worst, found, Distance())


def _all_apart(outputs_a: Sequence[Tensor], outputs_b: Sequence[Tensor]) -> Distance:
    if len(outputs_a) != len(outputs_b):
        return Distance(float("inf"))
    return _worst(apart(a, b) for a, b in zip(outputs_a, outputs_b, strict=True))


def _weights(networks: tuple[LoadedNetwork, LoadedNetwork], matches: Iterable[WeightMatch]) -> tuple[WeightDelta, ...]:
    a, b = (state_of(delta.module) for delta in networks)
    places = anatomy(networks[0].module)
    order = {name: index for index, name in enumerate(a)}
    found = [
        WeightDelta(
            match.a.name,
            match.b.name,
            layer_class(networks[0].module, places, match.a.name),
            apart(match.a.read(a[match.a.name].detach()), match.b.read(b[match.b.name].detach())),
        )
        for match in matches
    ]
    return tuple(sorted(found, key=lambda delta: order[delta.a]))


def _outputs(
    module: nn.Module, tensors: tuple[Tensor, ...], places: Sequence[str], skipped: list[Skipped]
) -> list[Tensor]:
    try:
        with torch.no_grad(), in_mode(module, training=False), DropoutKeepsAll():  # type: ignore[no-untyped-call]
            return outputs(module, tensors, places)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError) as error:
        skipped.append(Skipped("outputs with the given weights, in float64", in_one_line(error)))
        return []


def _reproduces(side: Side, tensors: tuple[Tensor, ...], expected: Sequence[Tensor]) -> bool:
    """Compute a graph, and say whether it gives what the module gave."""
    with DropoutKeepsAll():  # type: ignore[no-untyped-call]
        run_graph(side, tensors)
    found = [side.values.get(node) for node in side.skeleton.graph.outputs]
    computed = [value for value in found if isinstance(value, Tensor)]
    return len(computed) == len(found) and _all_apart(expected, computed).within(FORM)


def _step(alignment: Alignment, pair: tuple[int, int], found: Distance, differing: set[str]) -> OperationDistance:
    graph = alignment.a.graph
    node, node_b = graph.nodes[pair[0]], alignment.b.graph.nodes[pair[1]]
    read = {weight_root(graph, graph.nodes[v]).name for v in node.inputs if alignment.a.weights[v]}
    return OperationDistance(node.op, node.module_path, node_b.module_path, node.source, found, bool(read & differing))
