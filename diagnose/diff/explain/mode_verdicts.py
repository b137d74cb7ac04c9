"""The verdict on one mode, inference or training, and the outcome between proven and open: equal by numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from diagnose.diff.align.align import Alignment
from diagnose.diff.align.captures import AlignedCaptures
from diagnose.diff.explain.change import Change
from diagnose.diff.explain.conclusions import grouped, verdict_of
from diagnose.diff.explain.state_findings import FACTS
from diagnose.diff.ir.operation_table import operation
from diagnose.values import DifferenceKind, Equivalence, Finding, Proof, Significance, WeightMapping


@dataclass(frozen=True, slots=True)
class ModeEvidence:
    """What is known of one mode: its graphs, whether they are the same and trusted, its own changes, and the facts."""

    training: bool
    pair: AlignedCaptures
    same: bool
    trusted: bool
    changes: Sequence[Change]
    facts: Sequence[Finding]

    @property
    def steady(self) -> bool:
        """Return whether both networks compute the same each time."""
        return self.pair.a.steady and self.pair.b.steady


def mode_verdict(
    evidence: ModeEvidence, found: Sequence[tuple[Change, str]], proof: Proof, mapping: WeightMapping
) -> Equivalence:
    """Return the verdict on one mode; `found` are the changes of all modes as they were judged in the end."""
    judged = {(change.kind, change.where): change for change, _ in found}
    own = []
    for change in evidence.changes:
        whole = judged.get((change.kind, change.where), change)
        judgement = change.verdict if whole.verdict is Significance.REAL else whole.verdict
        own.append((replace(change, verdict=judgement), "train"))
    agrees = proof.training if evidence.training else proof.inference
    part = replace(proof, agrees=agrees)
    findings = [*grouped(own), *evidence.facts]
    verdict, doubts = verdict_of(evidence.same, part, findings, trusted=evidence.trusted, steady=evidence.steady)
    drawing = not evidence.steady or draws(evidence.changes, evidence.pair.alignment)
    return by_numbers(verdict, [*findings, *doubts], part, mapping, (evidence.training,), drawing=drawing)


def by_numbers(
    verdict: Equivalence,
    findings: Sequence[Finding],
    proof: Proof,
    mapping: WeightMapping,
    modes: Sequence[bool],
    *,
    drawing: bool,
) -> Equivalence:
    """Return "equal by numbers" in place of "undetermined" where that is so."""
    if verdict is not Equivalence.UNDETERMINED:
        return verdict
    return Equivalence.NUMBERS if equal_by_numbers(findings, proof, mapping, modes, drawing=drawing) else verdict


def equal_by_numbers(
    findings: Sequence[Finding], proof: Proof, mapping: WeightMapping, modes: Sequence[bool], *, drawing: bool
) -> bool:
    """Say whether all numbers agree with every weight matched, and at most one finding says what is open.

    Numbers say nothing of random draws (`drawing`), of paths that were not taken, or of what could not be compared.
    """
    deltas = [*((proof.eval,) if False in modes else ()),
              *((proof.train, proof.gradients, proof.buffers) if True in modes else ())]  # fmt: skip
    undetermined = [
        finding
        for finding in findings
        if finding.verdict is Significance.UNDETERMINED and finding.kind != DifferenceKind.INITIAL_WEIGHTS
    ]
    complete = proof.agrees is True and None not in deltas and not (mapping.only_a or mapping.only_b)
    return complete and not drawing and len(undetermined) <= 1 and all(item.kind not in FACTS for item in undetermined)


def draws(changes: Sequence[Change], alignment: Alignment) -> bool:
    """Say whether an operation that draws random numbers takes part in a change."""
    nodes = [alignment.a.graph.nodes[number] for change in changes for number in change.nodes_a]
    nodes += [alignment.b.graph.nodes[number] for change in changes for number in change.nodes_b]
    return any(operation(node.op).draws or node.get("dropout_p") for node in nodes)
