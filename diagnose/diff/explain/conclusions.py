"""From changes and numbers to findings and one verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from diagnose.diff.explain.changes import Change
from diagnose.diff.explain.state_findings import FACTS
from diagnose.values import Finding, Proof, Significance, WeightMapping

_GRADED = re.compile(r"(?:(?<=rate )|(?<=factor )|(?<=\(p ))-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
"""Numbers that grow from block to block in one edit: a rate of dropping, and the factor that makes up for it."""


def downgraded(change: Change) -> Change:
    """Make a change undetermined if only numbers support it, the networks agree, and another change may cancel it.

    An operation that differs by itself, with nothing changed around it, stays different: the inputs did not reach it.
    """
    if change.verdict is not Significance.REAL or change.certain or change.alone:
        return change
    return replace(
        change, verdict=Significance.UNDETERMINED, evidence=("the networks agree as a whole", *change.evidence)
    )


def grouped(found: Sequence[tuple[Change, str]]) -> list[Finding]:
    """Return one finding per kind, verdict and message: an edit repeated in each block is one line.

    So is one that grows from block to block, as the rate of stochastic depth does: its message gives the range.
    """
    groups: dict[tuple[str, Significance, str], list[tuple[Change, str]]] = {}
    for change, seen_in in found:
        message = change.message if seen_in == "train" else f"{change.message} (in eval mode alone)"
        groups.setdefault((change.kind, change.verdict, _GRADED.sub("#", message)), []).append((change, message))
    findings = [
        Finding(
            kind,
            verdict,
            tuple(change.where for change, _ in members),
            len(members),
            _ranged([message for _, message in members]),
            members[0][0].evidence,
        )
        for (kind, verdict, _), members in groups.items()
    ]
    order = {Significance.REAL: 0, Significance.UNDETERMINED: 1, Significance.COSMETIC: 2}
    return sorted(findings, key=lambda finding: (order[finding.verdict], -finding.count))


def _ranged(messages: Sequence[str]) -> str:
    """Return messages that are alike but for graded numbers as one, with the range of each number."""
    columns = zip(*(_GRADED.findall(message) for message in messages), strict=True)
    ranges = [
        ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}"
        for ends in (sorted(column, key=float) for column in columns)
    ]
    return _GRADED.sub(lambda _: ranges.pop(0), messages[0])


def unmapped(
    mapping: WeightMapping, states: tuple[Mapping[str, Tensor], Mapping[str, Tensor]], found: Sequence[object]
) -> list[Finding]:
    """Return weights that nothing reads, where no change of the graph accounts for them."""
    if found:
        return []
    findings = []
    for name, names, state in (("A", mapping.only_a, states[0]), ("B", mapping.only_b, states[1])):
        unused = [tensor for tensor in names if isinstance(state[tensor], nn.Parameter)]
        if unused:
            message = f"{len(unused)} parameters of {name} have no part in the forward pass"
            findings.append(
                Finding("unused parameters", Significance.COSMETIC, tuple(unused[:5]), len(unused), message)
            )
    return findings


def verdict_of(
    same: bool, proof: Proof, findings: Sequence[Finding], *, trusted: bool, steady: bool
) -> tuple[str, list[Finding]]:
    """Return the verdict, and what stands against a clearer one."""
    real = [item for item in findings if item.verdict is Significance.REAL and item.kind != "initial weights"]
    open_ones = [item for item in findings if item.verdict is Significance.UNDETERMINED]
    doubts = []
    if not trusted:
        doubts.append(_doubt("the canonical form does not reproduce the network's own outputs; it is not relied upon"))
    if not steady:
        doubts.append(_doubt("a second capture gave another graph: the network draws random numbers in Python"))
    if same and not real and proof.agrees is False:
        doubts.append(_doubt("the canonical forms are equal, but the numbers after the transplant are not"))
    if same and proof.agrees is None:
        doubts.append(_doubt("the canonical forms are equal, but neither network could be run to confirm it"))
    if not same and not real and not open_ones:
        doubts.append(_doubt("the canonical forms differ in a way that no finding names"))
    if any(item.kind in FACTS for item in real) or (real and trusted):
        return "different", doubts
    return ("undetermined" if doubts or open_ones or not same else "equivalent"), doubts


def _doubt(message: str) -> Finding:
    return Finding("capture", Significance.UNDETERMINED, (), 1, message)
