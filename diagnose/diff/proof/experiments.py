"""Experiments on two aligned networks: what the rules are held to, and what changes the numbers show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diagnose.diff.align.align import Alignment
from diagnose.diff.align.captures import Compared
from diagnose.diff.align.regions import Pair, touched
from diagnose.diff.capture.capture import Captured
from diagnose.diff.explain.changes import Change, changes
from diagnose.diff.proof.localise import Side, run_graph
from diagnose.diff.proof.random_weights import Survival, samples, state_of
from diagnose.diff.proof.transplant import Prepared, Worst, outputs, restored_state
from diagnose.diff.weights.unpaired import Group, complete, observations
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec, Verdict


@dataclass(frozen=True, slots=True)
class Bench:
    """Both networks laid out for experiments in one mode: A's values are computed, and free weights were paired."""

    training: bool
    alignment: Alignment
    a: Side
    b: Side
    pairs: tuple[Pair, ...] = ()
    groups: tuple[Group, ...] = ()


def bench(compared: Compared, prepared: Prepared, inputs: Sequence[InputSpec], training: bool) -> Bench:
    """Compute A's values, and pair the free weights of each region that differs."""
    alignment = compared.alignment
    a = Side(alignment.a, state_of(prepared.a), _constants(compared.a))
    b = Side(alignment.b, state_of(prepared.b), _constants(compared.b))
    if alignment.equal:
        return Bench(training, alignment, a, b)
    with Survival():  # type: ignore[no-untyped-call]
        run_graph(a, samples(inputs, torch.Generator().manual_seed(5), torch.float64))
        pairs = tuple(touched(alignment))
        groups = complete(alignment, a, b, prepared.moves, pairs)
    return Bench(training, alignment, a, b, pairs, groups)


def faithful(
    prepared: Prepared, pair: Compared, inputs: Sequence[InputSpec], training: bool, *, agrees: bool | None
) -> bool:
    """Say whether the canonical graph of A, and of B, computes what the module computes: the rules' own proof.

    Where the two graphs are equal and the two modules agree, A's stands for both.
    """
    drawn = samples(inputs, torch.Generator().manual_seed(7), torch.float64)
    sides = ((prepared.a, pair.alignment.a, pair.a), (prepared.b, pair.alignment.b, pair.b))
    for module, skeleton, captured in sides[:1] if pair.alignment.equal and agrees else sides:
        side = Side(skeleton, state_of(module), _constants(captured))
        try:
            with torch.no_grad(), in_mode(module, training=training), Survival():  # type: ignore[no-untyped-call]
                run_graph(side, drawn)
                with restored_state(module):
                    expected = outputs(module, drawn)
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError):
            continue  # what cannot be run in float64 is reported by the proof
        worst = Worst()
        for node, value in zip(skeleton.graph.outputs, expected, strict=False):
            computed = side.values.get(node)
            if isinstance(computed, Tensor):
                worst.see(value, computed)
        if not worst.within:
            return False
    return True


def all_changes(benches: Sequence[Bench]) -> list[tuple[Change, str]]:
    """Return the changes in train mode, then those that only eval mode shows, each with its mode."""
    found: list[tuple[Change, str]] = []
    for bench in benches:
        if bench.alignment.equal:
            continue
        with Survival():  # type: ignore[no-untyped-call]
            observed = observations(bench.alignment, bench.a, bench.b, bench.pairs, bench.groups)
        found = _merged(found, changes(bench.alignment, observed), "train" if bench.training else "eval")
    return found


def _merged(found: Sequence[tuple[Change, str]], more: Sequence[Change], seen_in: str) -> list[tuple[Change, str]]:
    """Add the changes that are new; one known but undetermined becomes real where the other mode shows it so."""
    known = {(change.kind, change.where): index for index, (change, _) in enumerate(found)}
    result = list(found)
    for change in more:
        index = known.get((change.kind, change.where))
        if index is None:
            result.append((change, seen_in))
        elif change.verdict is Verdict.REAL and result[index][0].verdict is not Verdict.REAL:
            evidence = tuple(f"{each} in {seen_in} mode" if "Δ" in each else each for each in change.evidence)
            result[index] = (replace(result[index][0], verdict=Verdict.REAL, evidence=evidence), result[index][1])
    return result


def _constants(captured: Captured) -> Mapping[str, Tensor]:
    return {
        digest: tensor.double() if tensor.is_floating_point() else tensor
        for digest, tensor in captured.constants.items()
    }
