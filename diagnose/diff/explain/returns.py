"""What differs in the results that two networks hand over, beside the numbers in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diagnose.diff.align.captures import AlignedCaptures
from diagnose.diff.align.outputs import ResultPairs
from diagnose.diff.capture.results import Packing
from diagnose.diff.proof.returned import ReturnedOutputs
from diagnose.values import DifferenceKind, Finding, Significance

_PACKING = {Packing.ITSELF: "by itself", Packing.POSITIONS: "by position", Packing.NAMES: "by name"}


def result_findings(
    pairs: Iterable[AlignedCaptures], returned: Iterable[ReturnedOutputs], *, same: bool
) -> list[Finding]:
    """Return what differs in the results of two networks, in any mode; `same` where their graphs and numbers are equal.

    A number that depends on the data is evidence only where they are.
    """
    found: list[Finding] = []
    for pair in pairs:
        found += _missing(pair.results)
        found += _handed_over(pair.results)
        found += _opaque(pair)
    for outputs in returned:
        found += _values(outputs, same=same)
        found += _exchanged(outputs)
    return list({finding.message: finding for finding in found}.values())


def _missing(results: ResultPairs) -> list[Finding]:
    found = []
    for name, partner, places in (("A", "B", results.only_a), ("B", "A", results.only_b)):
        if places:
            message = f"{name} returns {_count(places)} that {partner} does not: {_listed(places)}"
            found.append(Finding(DifferenceKind.OUTPUTS, Significance.REAL, places, len(places), message))
    if results.renamed:
        renamed = [(a, b) for a, b in zip(results.a, results.b, strict=True) if a != b]
        where = tuple(f"{_shown(a)} ↔ {_shown(b)}" for a, b in renamed)
        message = f"outputs stand under other names: {', '.join(f'{_shown(a)} → {_shown(b)}' for a, b in renamed)}"
        found.append(Finding(DifferenceKind.OUTPUTS, Significance.REAL, where, len(renamed), message))
    if any(results.losses):
        counts = " and ".join(f"{len(losses)} in {name}" for name, losses in zip("AB", results.losses, strict=True))
        message = (
            f"losses that a forward pass leaves on the modules: {counts}; what a training does with them is unknown"
        )
        where = tuple(place for losses in results.losses for place in losses)
        found.append(Finding(DifferenceKind.OUTPUTS, Significance.UNDETERMINED, where, len(where), message))
    return found


def _handed_over(results: ResultPairs) -> list[Finding]:
    if results.a == results.b or results.renamed or not results.a:
        return []
    ways = " and ".join(f"{_PACKING[way]} in {name}" for name, way in zip("AB", results.packing, strict=True))
    message = f"the same outputs are handed over {ways}: {_listed(results.a)} is {_listed(results.b)}"
    return [Finding(DifferenceKind.OUTPUTS, Significance.COSMETIC, results.b, len(results.b), message)]


def _opaque(pair: AlignedCaptures) -> list[Finding]:
    found = []
    for name, captured in (("A", pair.a), ("B", pair.b)):
        for place, kind in captured.signature.opaque:
            message = f"{name} returns a {kind} at {_shown(place)}, which cannot be compared"
            found.append(Finding(DifferenceKind.OUTPUTS, Significance.UNDETERMINED, (place,), 1, message))
    if not pair.results.a and not found:
        message = "nothing that the networks return could be compared: no tensor of A has a partner in B"
        found.append(Finding(DifferenceKind.OUTPUTS, Significance.UNDETERMINED, (), 1, message))
    return found


def _values(returned: ReturnedOutputs, *, same: bool) -> list[Finding]:
    found = []
    for value in returned.values:
        verdict = Significance.REAL if value.fixed or same else Significance.UNDETERMINED
        message = f"the value returned at {_shown(value.place)}: {value.a!r:.60} in A, {value.b!r:.60} in B"
        found.append(Finding(DifferenceKind.OUTPUTS, verdict, (value.place,), 1, message))
    return found


def _exchanged(returned: ReturnedOutputs) -> list[Finding]:
    if not returned.exchanged:
        return []
    texts = ", ".join(f"{_shown(a)} of A is {_shown(b)} of B" for a, b in returned.exchanged)
    message = f"outputs stand in each other's place: {texts}"
    where = tuple(f"{_shown(a)} ↔ {_shown(b)}" for a, b in returned.exchanged)
    evidence = ("with A's weights in B they are equal by numbers at these places, and not at their own",)
    return [Finding(DifferenceKind.OUTPUTS, Significance.REAL, where, len(where), message, evidence)]


def _shown(place: str) -> str:
    return place or "the result itself"


def _listed(places: Sequence[str]) -> str:
    shown = ", ".join(map(_shown, places[:6]))
    return shown if len(places) <= 6 else f"{shown} and {len(places) - 6} more"


def _count(places: Sequence[str]) -> str:
    return "an output" if len(places) == 1 else f"{len(places)} outputs"
