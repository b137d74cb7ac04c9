"""Experiments on two aligned networks: what the rules are held to, and what changes the numbers show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diagnose.diff.align.align import Alignment
from diagnose.diff.align.captures import AlignedCaptures
from diagnose.diff.align.regions import Pair, touched
from diagnose.diff.capture.capture import Capture
from diagnose.diff.explain.change import Change
from diagnose.diff.explain.changes import changes
from diagnose.diff.proof.distance import PROOF, distance_between
from diagnose.diff.proof.doubles import doubled
from diagnose.diff.proof.localise import Side, run_graph
from diagnose.diff.proof.random_weights import ProofArithmetic, samples, state_of
from diagnose.diff.proof.transplant import Transplant, outputs, restored_state
from diagnose.diff.weights.unpaired import RegionGroup, observations, pair_unpaired
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec, Significance


@dataclass(frozen=True, slots=True)
class Experiment:
    """Both networks laid out for experiments in one mode: A's values are computed, and free weights were paired."""

    training: bool
    alignment: Alignment
    a: Side
    b: Side
    pairs: tuple[Pair, ...] = ()
    groups: tuple[RegionGroup, ...] = ()


def set_up_experiment(
    compared: AlignedCaptures, prepared: Transplant, inputs: Sequence[InputSpec], training: bool
) -> Experiment:
    """Compute A's values, and pair the free weights of each region that differs."""
    alignment = compared.alignment
    a = Side(alignment.a, state_of(prepared.a), _constants(compared.a))
    b = Side(alignment.b, state_of(prepared.b), _constants(compared.b))
    if alignment.equal:
        return Experiment(training, alignment, a, b)
    with ProofArithmetic():  # type: ignore[no-untyped-call]
        run_graph(a, samples(inputs, torch.Generator().manual_seed(5), torch.float64))
        pairs = tuple(touched(alignment))
        groups = pair_unpaired(alignment, a, b, prepared.matches, pairs, prepared.kept)
    return Experiment(training, alignment, a, b, pairs, groups)


def canonical_form_reproduces(
    prepared: Transplant, pair: AlignedCaptures, inputs: Sequence[InputSpec], training: bool, *, agrees: bool | None
) -> bool | None:
    """Say whether the canonical graph of A, and of B, computes what the module computes: the rules' own proof.

    None where an output could not be computed on one side. Where the two graphs are equal and the two modules agree,
    A's stands for both.
    """
    drawn = samples(inputs, torch.Generator().manual_seed(7), torch.float64)
    sides = ((prepared.a, pair.alignment.a, pair.a), (prepared.b, pair.alignment.b, pair.b))
    whole = True
    for module, skeleton, captured in sides[:1] if pair.alignment.equal and agrees else sides:
        side = Side(skeleton, state_of(module), _constants(captured))
        try:
            with torch.no_grad(), in_mode(module, training=training), ProofArithmetic():  # type: ignore[no-untyped-call]
                run_graph(side, drawn)
                with restored_state(module):
                    expected = outputs(module, drawn, captured.places)
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError):
            whole = False  # the proof says what cannot be run in float64
            continue
        for node, value in zip(skeleton.graph.outputs, expected, strict=False):
            computed = side.values.get(node)
            if not isinstance(computed, Tensor):
                whole = False
            elif not PROOF.holds(distance_between(value, computed)):
                return False
    return True if whole else None


def mode_changes(experiments: Sequence[Experiment]) -> dict[bool, tuple[Change, ...]]:
    """Return the changes that each mode shows, by whether it is train mode."""
    found: dict[bool, tuple[Change, ...]] = {}
    for experiment in experiments:
        found[experiment.training] = ()
        if experiment.alignment.equal:
            continue
        with ProofArithmetic():  # type: ignore[no-untyped-call]
            observed = observations(
                experiment.alignment, experiment.a, experiment.b, experiment.pairs, experiment.groups
            )
        found[experiment.training] = changes(experiment.alignment, observed)
    return found


def all_changes(by_mode: Mapping[bool, Sequence[Change]]) -> list[tuple[Change, str]]:
    """Return the changes in train mode, then those that only eval mode shows, each with its mode."""
    found: list[tuple[Change, str]] = []
    for training, more in by_mode.items():
        found = _merged(found, more, "train" if training else "eval")
    return found


def _merged(found: Sequence[tuple[Change, str]], more: Sequence[Change], seen_in: str) -> list[tuple[Change, str]]:
    """Add the changes that are new; one known but undetermined becomes real where the other mode shows it so."""
    known = {(change.kind, change.where): index for index, (change, _) in enumerate(found)}
    result = list(found)
    for change in more:
        index = known.get((change.kind, change.where))
        if index is None:
            result.append((change, seen_in))
        elif change.verdict is Significance.REAL and result[index][0].verdict is not Significance.REAL:
            evidence = change.evidence
            if not change.certain:
                measured, *sources = evidence
                evidence = (f"{measured} in {seen_in} mode", *sources)
            result[index] = (replace(result[index][0], verdict=Significance.REAL, evidence=evidence), result[index][1])
    return result


def _constants(captured: Capture) -> Mapping[str, Tensor]:
    return {digest: doubled(tensor) for digest, tensor in captured.constants.items()}
