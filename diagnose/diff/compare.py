"""The whole diff: capture both networks, align, transplant, localise, explain, and judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from diagnose.diff.align.captures import AlignedCaptures, align_captures
from diagnose.diff.capture.capture import Capture
from diagnose.diff.capture.draws import MIDDLE, draws_at
from diagnose.diff.capture.tape import CannotCapture
from diagnose.diff.explain.change import Change
from diagnose.diff.explain.conclusions import (
    alone_responsible,
    downgraded,
    grouped,
    held_to_sizes,
    unmapped,
    verdict_of,
)
from diagnose.diff.explain.cosmetic import cosmetic_findings
from diagnose.diff.explain.mode_verdicts import ModeEvidence, by_numbers, draws, mode_verdict
from diagnose.diff.explain.module_tree import module_tree
from diagnose.diff.explain.path_findings import both_ways
from diagnose.diff.explain.state_findings import with_constants
from diagnose.diff.network_facts import network_facts
from diagnose.diff.proof.experiments import (
    Experiment,
    all_changes,
    canonical_form_reproduces,
    mode_changes,
    set_up_experiment,
)
from diagnose.diff.proof.random_weights import roles, state_of
from diagnose.diff.proof.ranges import accepted, in_range
from diagnose.diff.proof.sizes import try_sizes
from diagnose.diff.proof.transplant import Transplant, prove, set_up_transplant, stress
from diagnose.diff.weights.initial import initial_weights
from diagnose.diff.weights.mapping import WeightMatch, as_mapping, weight_matches
from diagnose.diff.weights.state_kinds import StateKind
from diagnose.values import (
    DifferenceKind,
    DiffSide,
    Equivalence,
    Finding,
    GraphDiff,
    InputSpec,
    Proof,
    Significance,
    Skipped,
    Validity,
)

MODES = (True, False)
"""Train mode first: its graph says more."""

UNCHECKED = Skipped("the check of the canonical form", "an output of the graph could not be computed")


@dataclass(frozen=True, slots=True)
class Model:
    """A network under comparison, with its name as the user knows it."""

    name: str
    module: nn.Module


@dataclass(frozen=True, slots=True)
class NetworkDiff:
    """A diff, and what it was read from: which weights are which, both networks captured in eval mode, the inputs."""

    diff: GraphDiff
    matches: tuple[WeightMatch, ...]
    evaluated: AlignedCaptures
    inputs: tuple[InputSpec, ...]


def diff(a: Model, b: Model, inputs: Sequence[InputSpec], *, seed: int = 0, initial: bool = True) -> GraphDiff:
    """Compare two networks and judge their differences; see `compare_networks`."""
    return compare_networks(a, b, inputs, seed=seed, initial=initial).diff


def compare_networks(
    a: Model,
    b: Model,
    inputs: Sequence[InputSpec],
    *,
    seed: int = 0,
    initial: bool = True,
    modes: Sequence[bool] = MODES,
) -> NetworkDiff:
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
    with draws_at(MIDDLE, seed):
        return _compared(a, b, tuple(inputs), seed=seed, initial=initial, modes=modes)


def _captured(
    a: Model, b: Model, inputs: tuple[InputSpec, ...], modes: Sequence[bool]
) -> tuple[tuple[InputSpec, ...], dict[bool, AlignedCaptures], tuple[Skipped, ...]]:
    """Capture both networks in each mode, on a batch of two, or on the batch that was asked for if they refuse that."""
    larger = paired(inputs)
    try:
        return larger, {training: align_captures(a.module, b.module, larger, training) for training in modes}, ()
    except CannotCapture as error:
        if larger == inputs:
            raise
        try:
            pairs = {training: align_captures(a.module, b.module, inputs, training) for training in modes}
        except CannotCapture:
            raise error from None
        return inputs, pairs, (Skipped(f"a batch of two, {', '.join(map(str, larger))}", str(error)),)


def _compared(
    a: Model, b: Model, inputs: tuple[InputSpec, ...], *, seed: int, initial: bool, modes: Sequence[bool]
) -> NetworkDiff:
    inputs, pairs, refused = _captured(a, b, inputs, modes)
    aligned = [pair.alignment for pair in pairs.values()]
    inputs = in_range(inputs, [side.form.graph for pair in pairs.values() for side in (pair.a, pair.b)])
    inputs = accepted(inputs, (a.module, b.module))
    same = all(alignment.equal for alignment in aligned)
    matches = weight_matches(aligned)
    states = state_of(a.module), state_of(b.module)
    kinds = roles([alignment.a for alignment in aligned]), roles([alignment.b for alignment in aligned])
    results = {training: pair.results for training, pair in pairs.items()}
    prepared = set_up_transplant(a.module, b.module, matches, kinds, inputs, results, seed=seed)
    experiments = []
    for training, pair in pairs.items():
        experiments.append(set_up_experiment(pair, prepared, inputs, training))
        matches = (*matches, *(match for group in experiments[-1].groups for match in group.matches))
        prepared = replace(prepared, matches=matches)
    mapping = as_mapping(matches, *states)
    proof, skipped = prove(prepared, inputs, seed=seed, modes=modes)
    checked = [
        canonical_form_reproduces(prepared, pair, inputs, training, agrees=proof.agrees)
        for training, pair in pairs.items()
    ]
    trusted = False not in checked
    unchecked = (UNCHECKED,) if None in checked else ()
    steady = all(alignment.steady for pair in pairs.values() for alignment in (pair.a, pair.b))
    by_mode = mode_changes(experiments)
    found = with_constants(all_changes(by_mode), pairs)
    sizes = try_sizes(prepared, inputs) if proof.agrees else ()
    if found and proof.agrees and _ran(proof, modes) and not stress(prepared, inputs):
        found = [(downgraded(held_to_sizes(change, sizes)), seen_in) for change, seen_in in found]
    if not (trusted and steady):  # what was compared is not, or not always, what runs
        found = [(replace(change, verdict=Significance.UNDETERMINED), seen_in) for change, seen_in in found]
    elif unchecked and proof.agrees is not False:
        found = [(downgraded(change), seen_in) for change, seen_in in found]
    elif proof.agrees is False and not (mapping.only_a or mapping.only_b):
        found = alone_responsible(found, proof)
    proven = same and proof.agrees is True and not unmapped(mapping, states, ())
    shared = any(change.kind is DifferenceKind.SHARING for change, _ in found)
    modules = a.module, b.module

    def facts_in(some: Mapping[bool, AlignedCaptures]) -> list[Finding]:
        return network_facts(
            modules, some, prepared, inputs, seed=seed, same=proven, agrees=proof.agrees, shared=shared
        )

    facts = facts_in(pairs)
    train = pairs[modes[0]]
    found = [(change, seen_in if len(modes) > 1 else "train") for change, seen_in in found]
    findings = [
        *grouped(found),
        *facts,
        *unmapped(mapping, states, found),
        *(initial_weights(a.module, b.module, matches, _changed(matches, prepared)) if initial else ()),
        *cosmetic_findings(a.module, b.module, train, mapping),
    ]
    verdict, doubts = verdict_of(
        same or _same_but_for_sizes(found, experiments), proof, findings, trusted=trusted, steady=steady
    )
    drawing = not steady or any(draws(by_mode[training], pair.alignment) for training, pair in pairs.items())
    verdict = by_numbers(verdict, [*findings, *doubts], proof, mapping, modes, drawing=drawing)
    judged: dict[bool, Equivalence] = dict.fromkeys(modes, verdict)
    if len(modes) > 1 and verdict is not Equivalence.EQUIVALENT:
        for training, experiment, reproduced in zip(modes, experiments, checked, strict=True):
            pair, own = pairs[training], by_mode[training]
            alike = pair.alignment.equal or _same_but_for_sizes(_of_mode(found, own), [experiment])
            known = facts_in({training: pair}) if facts else ()
            evidence = ModeEvidence(training, pair, alike, reproduced is not False, own, known)
            judged[training] = mode_verdict(evidence, found, proof, mapping)
    notes = [note for pair in pairs.values() for alignment in (pair.a, pair.b) for note in alignment.skipped]
    answer = GraphDiff(
        verdict,
        _side(a, train.a, train.alignment.a.nodes),
        _side(b, train.b, train.alignment.b.nodes),
        len(train.alignment.to_b),
        same,
        mapping,
        proof,
        (*findings, *doubts),
        tuple(dict.fromkeys([*refused, *notes, *skipped, *unchecked])),
        module_tree(a.module, b.module, train.alignment, found),
        Validity(
            tuple(map(str, inputs)),
            tuple("train" if training else "eval" for training in modes),
            sizes if verdict is not Equivalence.DIFFERENT else (),
            max(map(both_ways, pairs.values())),
        ),
        inference=judged.get(False),
        training=judged.get(True),
    )
    return NetworkDiff(answer, matches, pairs[modes[-1]], inputs)


def _of_mode(found: Sequence[tuple[Change, str]], own: Sequence[Change]) -> list[tuple[Change, str]]:
    """Return those of the judged changes that one mode shows."""
    places = {(change.kind, change.where) for change in own}
    return [(change, seen_in) for change, seen_in in found if (change.kind, change.where) in places]


def _same_but_for_sizes(found: Sequence[tuple[Change, str]], experiments: Sequence[Experiment]) -> bool:
    """Say whether every operation that is not alike in the graphs is a change of written sizes that changes nothing."""
    if not found or any(change.verdict is not Significance.COSMETIC for change, _ in found):
        return False
    return all(experiment.alignment.equal or len(experiment.pairs) <= len(found) for experiment in experiments)


def _changed(matches: Sequence[WeightMatch], prepared: Transplant) -> set[str]:
    """Return the names in A of matched buffers that forward passes change in both networks."""
    kinds_a, kinds_b = prepared.kinds
    changed = StateKind.CHANGED
    return {match.a.name for match in matches if kinds_a[match.a.name] is changed is kinds_b[match.b.name]}


def _ran(proof: Proof, modes: Sequence[bool]) -> bool:
    """Say whether the outputs of every mode could be compared."""
    return None not in [proof.train if training else proof.eval for training in modes]


def paired(inputs: Sequence[InputSpec]) -> tuple[InputSpec, ...]:
    """Return the inputs with a batch of two at least: a norm needs more than one value."""
    return tuple(replace(spec, shape=(max(2, spec.shape[0]), *spec.shape[1:])) for spec in inputs)


def _side(model: Model, captured: Capture, nodes: Sequence[int]) -> DiffSide:
    parameters = sum(parameter.numel() for parameter in model.module.parameters())
    return DiffSide(model.name, len(nodes), parameters, captured.form.graph.capture)


__all__ = ["CannotCapture", "Model", "WeightMatch", "diff"]
