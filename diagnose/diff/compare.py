"""The whole diff: capture both networks, align, transplant, localise, explain, and judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from diagnose.diff.align.captures import Compared, compared
from diagnose.diff.capture.capture import Captured
from diagnose.diff.capture.tape import CannotCapture
from diagnose.diff.explain.cosmetic import cosmetic_findings
from diagnose.diff.explain.findings import doubted, grouped, judged, unmapped
from diagnose.diff.explain.module_tree import module_tree
from diagnose.diff.proof.experiments import all_changes, bench, faithful
from diagnose.diff.proof.random_weights import roles, state_of
from diagnose.diff.proof.transplant import prepare, prove, stress
from diagnose.diff.weights.initial import initial_weights
from diagnose.diff.weights.mapping import Move, as_mapping, moves
from diagnose.values import DiffSide, GraphDiff, InputSpec, Proof, Verdict

MODES = (True, False)
"""Train mode first: its graph says more."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network under comparison, with its name as the user knows it."""

    name: str
    module: nn.Module


@dataclass(frozen=True, slots=True)
class Outcome:
    """A diff, and what it was read from: which weights are which, and both networks captured in eval mode."""

    diff: GraphDiff
    moves: tuple[Move, ...]
    evaluated: Compared


def diff(a: Model, b: Model, inputs: Sequence[InputSpec], *, seed: int = 0, initial: bool = True) -> GraphDiff:
    """Compare two networks and judge their differences; see `measured`."""
    return measured(a, b, inputs, seed=seed, initial=initial).diff


def measured(
    a: Model,
    b: Model,
    inputs: Sequence[InputSpec],
    *,
    seed: int = 0,
    initial: bool = True,
    modes: Sequence[bool] = MODES,
) -> Outcome:
    """Compare two networks, judge their differences, and keep what later questions are answered from.

    Args:
        a: the first network; its weights are read for their initial distribution alone.
        b: the second one.
        inputs: shapes and element types of the forward pass; a batch of 1 becomes 2, as norms need two values.
        seed: of the proof's random weights and inputs.
        initial: compare the initial weights, too.
        modes: those to compare, True for train mode; the last one's graphs are kept.

    Raises:
        CannotCapture: a network can be captured in no way.
    """
    inputs = paired(inputs)
    pairs = {training: compared(a.module, b.module, inputs, training) for training in modes}
    aligned = [pair.alignment for pair in pairs.values()]
    same = all(alignment.equal for alignment in aligned)
    moved = moves(aligned)
    states = state_of(a.module), state_of(b.module)
    kinds = roles([each.a for each in aligned]), roles([each.b for each in aligned])
    prepared = prepare(a.module, b.module, moved, kinds, inputs, seed=seed)
    benches = []
    for training, pair in pairs.items():
        benches.append(bench(pair, prepared, inputs, training))
        moved = (*moved, *(move for group in benches[-1].groups for move in group.moves))
        prepared = replace(prepared, moves=moved)
    mapping = as_mapping(moved, *states)
    proof, skipped = prove(prepared, inputs, seed=seed, modes=modes)
    trusted = all(faithful(prepared, pair, inputs, training, agrees=proof.agrees) for training, pair in pairs.items())
    steady = all(each.steady for pair in pairs.values() for each in (pair.a, pair.b))
    found = all_changes(benches)
    if found and proof.agrees and _ran(proof, modes) and not stress(prepared, inputs):
        found = [(doubted(change), seen_in) for change, seen_in in found]
    if not (trusted and steady):  # what was compared is not, or not always, what runs
        found = [(replace(change, verdict=Verdict.UNDETERMINED), seen_in) for change, seen_in in found]
    train = pairs[modes[0]]
    found = [(change, seen_in if len(modes) > 1 else "train") for change, seen_in in found]
    findings = [
        *grouped(found),
        *unmapped(mapping, states, found),
        *(initial_weights(a.module, b.module, moved) if initial else ()),
        *cosmetic_findings(a.module, b.module, train, mapping),
    ]
    verdict, doubts = judged(same, proof, findings, trusted=trusted, steady=steady)
    notes = [note for pair in pairs.values() for each in (pair.a, pair.b) for note in each.skipped]
    answer = GraphDiff(
        verdict,
        _side(a, train.a, train.alignment.a.nodes),
        _side(b, train.b, train.alignment.b.nodes),
        len(train.alignment.to_b),
        same,
        mapping,
        proof,
        (*findings, *doubts),
        tuple(dict.fromkeys([*notes, *skipped])),
        module_tree(a.module, b.module, train.alignment, found),
    )
    return Outcome(answer, moved, pairs[modes[-1]])


def _ran(proof: Proof, modes: Sequence[bool]) -> bool:
    """Say whether the outputs of every mode could be compared."""
    return None not in [proof.train if training else proof.eval for training in modes]


def paired(inputs: Sequence[InputSpec]) -> tuple[InputSpec, ...]:
    """Return the inputs with a batch of two at least: a norm needs more than one value."""
    return tuple(replace(spec, shape=(max(2, spec.shape[0]), *spec.shape[1:])) for spec in inputs)


def _side(model: Model, captured: Captured, nodes: Sequence[int]) -> DiffSide:
    parameters = sum(parameter.numel() for parameter in model.module.parameters())
    return DiffSide(model.name, len(nodes), parameters, captured.form.graph.capture)


__all__ = ["CannotCapture", "Model", "Move", "diff"]
