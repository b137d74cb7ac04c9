"""Capture a network in one mode, and say how it was done and whether it computes the same each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from diagnose.diff.canonical.canonical import Canonical, canonical
from diagnose.diff.capture.draws import MIDDLE, DrawLog, draws_at
from diagnose.diff.capture.export import export_tape
from diagnose.diff.capture.functionalise import functional
from diagnose.diff.capture.paths import RandomPaths, ValueBranch, branches_of, random_paths
from diagnose.diff.capture.reads import ReadOrigin
from diagnose.diff.capture.record import record_tape
from diagnose.diff.capture.results import Signature
from diagnose.diff.capture.steady import is_steady
from diagnose.diff.capture.tape import CannotCapture, Ref, Tape
from diagnose.diff.ir.digest import digest, is_weight_leaf, short, weight_root
from diagnose.diff.ir.graph import Graph
from diagnose.networks.process_state import attributes_kept, in_mode
from diagnose.values import Skipped

SEEDS = (1, 2, 3, 4, 5, 6)
"""Seeds from which a network is captured again, where it draws numbers in Python."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A network's canonical form in one mode, and the tensors of its constants by their digest.

    `steady` is False where two forward passes called other operators; `signature` says where the outputs stand in what
    the network returns, and `places` where each output of the graph does. `branches` are the values read into Python
    on which its path depends, `truths` the truth values read, by their index, and `random` what draws choose.
    """

    form: Canonical
    constants: Mapping[str, Tensor]
    signature: Signature
    steady: bool
    skipped: tuple[Skipped, ...] = ()
    places: tuple[str, ...] = ()
    branches: tuple[ValueBranch, ...] = ()
    truths: Mapping[int, bool] = field(default_factory=dict)
    random: RandomPaths = field(default_factory=RandomPaths)


def capture(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    *,
    training: bool,
    recorder: bool = False,
    twice: bool = True,
    forced: Mapping[int, Any] | None = None,
) -> Capture:
    """Capture a module on `inputs`; its modes are restored.

    Args:
        module: the network; its weights are not read, the values of its constants are.
        inputs: of which export reads shape and element type alone; the recorder runs them.
        training: the mode to capture.
        recorder: run the module and record it, without trying `torch.export` first.
        twice: follow more forward passes and compare them, to notice other paths and randomness.
        forced: the values that reads into Python return in place of their own, by their index; for the recorder.

    Raises:
        CannotCapture: neither way works.
    """
    skipped: tuple[Skipped, ...] = ()
    with in_mode(module, training=training), attributes_kept(module):
        passes = _ForwardPasses(module, inputs, training, recorder, forced or {})
        try:
            tape, log = passes.tape()
        except CannotCapture as error:
            if recorder:
                raise
            skipped = (Skipped("torch.export", str(error)),)
            passes.recorder = True
            tape, log = passes.tape()
        form = passes.form(tape)
        branches: tuple[ValueBranch, ...] = ()
        random, steady = RandomPaths(), True
        if twice:
            passes.order = {name: index for index, name in enumerate(dict.fromkeys(_weights_read(form.graph)))}
            taken = passes.told(form.graph)
            reads_draws = any(read.origin is ReadOrigin.RANDOM for read in tape.reads)
            steady = passes.steady(taken, others=log.others or reads_draws)
            if log.draws or reads_draws:
                random = random_paths(passes.digest)
            branches, tape.watched = passes.branches(tape, taken)
            form = passes.form(tape) if tape.watched else form
    places = *tape.signature.places, *tape.signature.losses
    truths = {read.index: read.value for read in tape.reads if isinstance(read.value, bool)}
    return Capture(form, tape.constants, tape.signature, steady, skipped, places, branches, truths, random)


def _weights_read(graph: Graph) -> list[str]:
    """Return the name of each weight that an operation reads, in the order of the operations."""
    weights = is_weight_leaf(graph)
    operations = [node for node in graph.nodes if not weights[node.id]]
    read = [graph.nodes[value] for node in operations for value in node.inputs if weights[value]]
    return [weight_root(graph, node).name for node in read]


@dataclass(slots=True)
class _ForwardPasses:
    """Forward passes of one module in its present mode, captured in one way."""

    module: nn.Module
    inputs: tuple[Tensor, ...]
    training: bool
    recorder: bool
    forced: Mapping[int, Any]
    order: Mapping[str, int] = field(default_factory=dict)

    def told(self, graph: Graph) -> str:
        """Return the digest of a graph that tells its weights from each other, by their order in the first graph."""
        order = dict(self.order)
        weights = [order.setdefault(name, len(order)) for name in _weights_read(graph)]
        return short(f"{digest(graph)}{weights}")

    def tape(
        self, quantile: float = MIDDLE, forced: Mapping[int, Any] | None = None, seed: int = 0
    ) -> tuple[Tape, DrawLog]:
        """Return the tape of a pass, and what it drew in Python."""
        with draws_at(quantile, seed) as log:
            if self.recorder:
                values = {**self.forced, **(forced or {})}
                tape = record_tape(self.module, self.inputs, quantile=quantile, forced=values)
            else:
                tape = export_tape(self.module, self.inputs)
        return tape, log

    def form(self, tape: Tape) -> Canonical:
        """Return the canonical form of a tape."""
        name = "recorder" if self.recorder else "export"
        return canonical(functional(tape, training=self.training, capture=name), constants=tape.constants)

    def digest(self, quantile: float = MIDDLE, forced: Mapping[int, Any] | None = None, seed: int = 0) -> str:
        """Return the digest of what a pass computes; an error is a path of its own."""
        try:
            return self.told(self.form(self.tape(quantile, forced, seed)[0]).graph)
        except CannotCapture:
            if forced:
                raise
            return "an error"

    def branches(self, tape: Tape, taken: str) -> tuple[tuple[ValueBranch, ...], list[Ref]]:
        """Return the reads on which the path depends, and the tensors of those that are truth values."""
        reads = [read for read in tape.reads if read.origin is ReadOrigin.DATA]
        found = branches_of(reads, taken, lambda forced: self.digest(forced=forced))
        watched = [read.tensor for read, branch in found if branch.other is not None and read.tensor is not None]
        return tuple(branch for _, branch in found), watched

    def steady(self, taken: str, *, others: bool) -> bool:
        """Say whether the module computes the same each time; where that cannot be told cheaply, capture it again.

        `others` says that it draws numbers that no quantile stands for: it is captured from several seeds.
        """
        if others:
            return all(self.digest(seed=seed) == taken for seed in SEEDS)
        steady = None if self.recorder else is_steady(self.module, self.inputs)
        return self.digest(seed=SEEDS[0]) == taken if steady is None else steady
