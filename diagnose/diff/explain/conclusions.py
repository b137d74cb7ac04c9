"""Turn changes and numbers into findings and one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from diagnose.diff.explain.change import Change
from diagnose.diff.explain.facts import AttributeChanges, Facts
from diagnose.diff.explain.phrases import sentence
from diagnose.diff.explain.state_findings import FACTS
from diagnose.values import (
    DifferenceKind,
    Equivalence,
    Finding,
    Proof,
    Significance,
    SizeOutcome,
    SizeTrial,
    WeightMapping,
)

_ENOUGH_SIZES = 2
ORDER = (Significance.REAL, Significance.UNDETERMINED, Significance.COSMETIC)


def downgraded(change: Change) -> Change:
    """Make a change undetermined if only numbers support it, the networks agree, and another change may cancel it.

    An operation that differs by itself, with nothing changed around it, stays different: the inputs did not reach it.
    """
    if change.verdict is not Significance.REAL or change.certain or change.alone:
        return change
    return replace(
        change, verdict=Significance.UNDETERMINED, evidence=("the networks agree as a whole", *change.evidence)
    )


ARRANGING = {"dim", "start", "stop", "step", "index", "split", "order", "size", "over", "slots", "equation"}
"""Attributes that say which element is which: another order of a weight's rows may make up for them."""


def alone_responsible(found: Sequence[tuple[Change, str]], proof: Proof) -> list[tuple[Change, str]]:
    """Make the one change of attributes real that could not be run by itself, where nothing else can be the cause.

    The networks are apart with every weight matched, and there is no other change in their graphs.
    """
    groups = {(change.kind, change.facts) for change, _ in found}
    lone = len(groups) == 1 and all(change.kind is DifferenceKind.ATTRIBUTE for change, _ in found)
    delta = max((value for value in (proof.eval, proof.train) if value is not None), default=0.0)
    names = {item.name for change, _ in found if isinstance(change.facts, AttributeChanges)
             for item in change.facts.changes}  # fmt: skip
    if not lone or not names or names & ARRANGING or not delta:
        return list(found)
    evidence = f"no other operation differs, every weight is matched, and the networks are apart: max |Δ| {delta:.3g}"
    return [
        (replace(change, verdict=Significance.REAL, evidence=(evidence, *change.evidence[1:])), seen_in)
        if change.verdict is Significance.UNDETERMINED
        else (change, seen_in)
        for change, seen_in in found
    ]


def held_to_sizes(change: Change, trials: Sequence[SizeTrial]) -> Change:
    """Make a change cosmetic that two graphs show at another size alone, where the networks themselves are equal there.

    A graph holds the sizes that a network computed as numbers; the network computes them anew.
    """
    if (
        not change.sizes
        or len(trials) < _ENOUGH_SIZES
        or any(trial.outcome is not SizeOutcome.EQUAL for trial in trials)
    ):
        return change
    sizes = " and ".join(", ".join(trial.inputs) for trial in trials)
    evidence = (f"the networks themselves are equal at {sizes}", *change.evidence[1:])
    return replace(change, verdict=Significance.COSMETIC, evidence=evidence)


def grouped(found: Sequence[tuple[Change, str]]) -> list[Finding]:
    """Return one finding per kind, verdict, facts and mode: an edit repeated in each block is one line.

    So is one that grows from block to block, as the rate of stochastic depth does: its message gives the range.
    """
    groups: dict[tuple[DifferenceKind, Significance, Facts, str], list[Change]] = {}
    for change, seen_in in found:
        groups.setdefault((change.kind, change.verdict, change.facts, seen_in), []).append(change)
    findings = []
    for (kind, verdict, _, seen_in), members in groups.items():
        message = sentence(kind, [change.facts for change in members])
        message = message if seen_in == "train" else f"{message} (in eval mode alone)"
        where = tuple(change.where for change in members)
        findings.append(Finding(kind, verdict, where, len(members), message, members[0].evidence))
    return sorted(findings, key=lambda finding: (ORDER.index(finding.verdict), -finding.count))


def unmapped(
    mapping: WeightMapping, states: tuple[Mapping[str, Tensor], Mapping[str, Tensor]], found: Sequence[object]
) -> list[Finding]:
    """Return the parameters that nothing reads, unless the graphs differ, which may be the reason."""
    if found:
        return []
    findings = []
    for name, names, state in (("A", mapping.only_a, states[0]), ("B", mapping.only_b, states[1])):
        unused = [tensor for tensor in names if isinstance(state[tensor], nn.Parameter)]
        if unused:
            message = f"{len(unused)} parameters of {name} have no part in the forward pass"
            findings.append(
                Finding(DifferenceKind.UNUSED, Significance.COSMETIC, tuple(unused[:5]), len(unused), message)
            )
    return findings


def verdict_of(
    same: bool, proof: Proof, findings: Sequence[Finding], *, trusted: bool, steady: bool
) -> tuple[Equivalence, list[Finding]]:
    """Return the verdict, and the doubts that keep it from being a clearer one."""
    differences = [finding for finding in findings if finding.kind != DifferenceKind.INITIAL_WEIGHTS]
    real = [finding for finding in differences if finding.verdict is Significance.REAL]
    is_open = any(finding.verdict is Significance.UNDETERMINED for finding in differences)
    doubts = []
    if not trusted:
        doubts.append(_doubt("the canonical form does not reproduce the network's own outputs; it is not relied upon"))
    if not steady:
        doubts.append(_doubt("a second capture gave another graph: the network draws random numbers in Python"))
    if same and not real and proof.agrees is False:
        doubts.append(_doubt("the canonical forms are equal, but the numbers after the transplant are not"))
    if same and proof.agrees is None:
        doubts.append(_doubt("the canonical forms are equal, but neither network could be run to confirm it"))
    if not same and not real and not is_open:
        doubts.append(_doubt("the canonical forms differ in a way that no finding names"))
    if any(finding.kind in FACTS for finding in real) or (real and trusted):
        return Equivalence.DIFFERENT, doubts
    return (Equivalence.UNDETERMINED if doubts or is_open or not same else Equivalence.EQUIVALENT), doubts


def _doubt(message: str) -> Finding:
    return Finding(DifferenceKind.CAPTURE, Significance.UNDETERMINED, (), 1, message)
