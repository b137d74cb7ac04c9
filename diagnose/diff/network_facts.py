"""What the networks themselves show, beside their graphs: results, constants, what is trained, gradients, paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from diagnose.diff.align.captures import AlignedCaptures
from diagnose.diff.explain.path_findings import open_branches, path_findings
from diagnose.diff.explain.returns import result_findings
from diagnose.diff.explain.state_findings import (
    constant_findings,
    gradient_findings,
    hook_findings,
    trained_findings,
)
from diagnose.diff.proof.gradients import gradient_differences
from diagnose.diff.proof.random_weights import state_of
from diagnose.diff.proof.reach import first_apart
from diagnose.diff.proof.returned import compare_returned
from diagnose.diff.proof.transplant import Transplant
from diagnose.diff.weights.fixed import constant_differences
from diagnose.diff.weights.state_kinds import StateKind
from diagnose.values import Finding, InputSpec


def network_facts(
    modules: tuple[nn.Module, nn.Module],
    pairs: Mapping[bool, AlignedCaptures],
    prepared: Transplant,
    inputs: Sequence[InputSpec],
    *,
    seed: int,
    same: bool,
    agrees: bool | None,
    shared: bool,
) -> list[Finding]:
    """Return what the networks show in the modes of `pairs`; what is trained is a fact of train mode.

    Where weights are `shared` in one network alone, their gradients differ for that, which is no second cause.
    """
    returned = [
        compare_returned(prepared, inputs, seed=seed, training=training)
        for training, pair in pairs.items()
        if pair.a.signature.values or pair.b.signature.values or (len(pair.results.a) > 1 and agrees is False)
    ]
    states = state_of(modules[0]), state_of(modules[1])
    trains = any(StateKind.TRAINED in kinds.values() for kinds in prepared.kinds)
    found = [
        *result_findings(pairs.values(), returned, same=same),
        *constant_findings(constant_differences(prepared.matches, states, prepared.kinds), trains=trains),
    ]
    apart = first_apart(prepared, inputs) if agrees and any(map(open_branches, pairs.values())) else None
    found += path_findings(pairs, apart)
    if True in pairs:
        found += trained_findings(prepared.matches, prepared.kinds, modules)
        if agrees is False and not shared:
            found += gradient_findings(gradient_differences(prepared, inputs, seed=seed))
        found += hook_findings(modules)
    return found
