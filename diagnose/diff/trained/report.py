"""What `diagnose diff` says of trained weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from diagnose.diff.proof.distance import Distance
from diagnose.diff.trained.compare_trained import INPUTS
from diagnose.diff.trained.trained_comparison import EXACT, OperationDistance, TrainedComparison, WeightDelta
from diagnose.values import Cell, Column, DifferenceKind, Equivalence, Finding, Prose, Section, Significance, Table

SHOWN = 12
"""Weights that differ, and operations, shown in the opened section; the folded ones hold all."""


def trained_verdict(trained: TrainedComparison, a: str, b: str) -> Prose:
    """Say in a sentence whether the networks compute the same with the given weights."""
    step = trained.first
    if trained.verdict == "equal":
        text = f"With these weights they compute the same: {_equal(trained)}."
        return Prose(text, "good")
    if trained.outputs is None:
        return Prose("With these weights no comparison could be run.", "caution")
    if trained.verdict == "different":
        where = f"; they first part at {_place(step)} ({_amount(step.distance)})" if step else ""
        return Prose(
            f"With these weights {a} and {b} compute different outputs: {_amount(trained.outputs)}{where}.", "bad"
        )
    told = f"{len(trained.differing)} of {len(trained.weights)} matched weights differ, but the outputs are equal"
    if not trained.differing:
        told = f"all {len(trained.weights)} matched weights are equal, and so are the outputs"
    return Prose(
        f"With these weights it is undetermined: {told} on {INPUTS} random inputs within rtol {EXACT.rtol:g}.",
        "caution",
    )


def trained_finding(trained: TrainedComparison) -> Finding:
    """Return the finding on the weights: real if the outputs differ and a weight differs."""
    differing = trained.differing
    where = tuple(_pair(weight.a, weight.b) for weight in differing)
    evidence = _evidence(trained)
    if not differing:
        message = f"{_equal(trained)}"
        if trained.verdict == "different":
            message += ": what differs in the outputs comes from the networks"
        verdict = Significance.UNDETERMINED if trained.outputs is None else Significance.COSMETIC
        return Finding(DifferenceKind.TRAINED_WEIGHTS, verdict, (), 1, message, evidence)
    message = f"{len(differing)} of {len(trained.weights)} matched weights differ: {_grouped(differing)}"
    verdict = Significance.REAL if trained.verdict == "different" else Significance.UNDETERMINED
    return Finding(DifferenceKind.TRAINED_WEIGHTS, verdict, where, len(differing), message, evidence)


def trained_section(trained: TrainedComparison, a: str, b: str) -> Section:
    """Return the section on the weights: whose they are, which differ, and where the values part."""
    said = [Prose(f"A is {a} with {trained.a}. B is {b} with {trained.b}.")]
    if trained.unmatched:
        unread = (
            "the networks read none of them"
            if trained.architecture is Equivalence.EQUIVALENT
            else "they are not compared"
        )
        count = len(trained.unmatched)
        said.append(Prose(f"{count} {'tensor has' if count == 1 else 'tensors have'} no counterpart; {unread}."))
    parted = trained.parted
    opened = [_weights("Weights that differ", trained.differing[:SHOWN])] if trained.differing else []
    if parted:
        opened.append(_steps(f"Where they part first, of {len(parted)} operations that do", parted[:SHOWN]))
    whole = (_weight_groups(trained.weights), _weights("All matched weights", trained.weights))
    folded = Section(
        "All weights and operations", (*whole, _steps("All aligned operations", trained.steps)), folded=True
    )
    return Section("With these weights", (*said, *opened, folded))


def trained_data(trained: TrainedComparison) -> dict[str, Any]:
    """Return the JSON form; numbers that are not finite stand as null."""
    first = trained.first
    return {
        "verdict": trained.verdict,
        "a": trained.a,
        "b": trained.b,
        "dtype": "float64",
        "inputs": INPUTS,
        "rtol": EXACT.rtol,
        "outputs": None if trained.outputs is None else _numbers(trained.outputs),
        "first_divergence": None if first is None else _step_data(first),
        "weights": [
            {
                "a": weight.a,
                "b": weight.b,
                "group": weight.group,
                "equal": not weight.distance.delta,
                **_numbers(weight.distance),
            }
            for weight in trained.weights
        ],
        "unmatched": list(trained.unmatched),
        "operations": [_step_data(step) for step in trained.steps],
    }


def _equal(trained: TrainedComparison) -> str:
    renamed = sum(weight.a != weight.b for weight in trained.weights)
    return f"all {len(trained.weights)} matched weights are equal" + (
        f", {renamed} under other names" if renamed else ""
    )


def _evidence(trained: TrainedComparison) -> tuple[str, ...]:
    if trained.outputs is None:
        return ()
    lines = [f"outputs on {INPUTS} random inputs, in eval mode and float64: {_amount(trained.outputs)}"]
    step = trained.first
    if step is not None:
        cause = "a weight that it reads differs" if step.own else "the weights that it reads are equal"
        lines.append(f"first divergence: {_place(step)}, {_amount(step.distance)}; {cause}")
        lines += [step.source] if step.source else []
    return tuple(lines)


def _grouped(differing: Sequence[WeightDelta]) -> str:
    counts: dict[str, int] = {}
    for weight in differing:
        counts[weight.group] = counts.get(weight.group, 0) + 1
    return ", ".join(f"{count} {group}" for group, count in counts.items())


def _weight_groups(weights: Sequence[WeightDelta]) -> Table:
    groups: dict[str, list[WeightDelta]] = {}
    for weight in weights:
        groups.setdefault(weight.group, []).append(weight)
    rows: list[tuple[Cell, ...]] = []
    for name, members in groups.items():
        distances = [member.distance for member in members]
        different = sum(bool(distance.delta) for distance in distances)
        worst = max(distance.delta for distance in distances), max(distance.relative for distance in distances)
        rows.append((name, len(members), len(members) - different, different, *map(_number, worst)))
    columns = (Column("class of layer"), Column("weights", numeric=True), Column("equal", numeric=True),
               Column("different", numeric=True), Column("max |Δ|"), Column("relative"))  # fmt: skip
    return Table("By class of layer", columns, tuple(rows))


def _weights(title: str, weights: Sequence[WeightDelta]) -> Table:
    columns = (
        Column("A"),
        Column("B"),
        Column("class of layer", low_priority=True),
        Column("max |Δ|"),
        Column("relative"),
    )
    rows = tuple((weight.a, weight.b, weight.group, *_cells(weight.distance)) for weight in weights)
    note = "Compared bit for bit, through the mapping: permuted, reshaped and fused tensors part by part."
    return Table(title, columns, rows, note=note)


def _steps(title: str, steps: Sequence[OperationDistance]) -> Table:
    columns = (Column("operation"), Column("in A"), Column("in B"), Column("max |Δ|"), Column("relative"),
               Column("its weights", low_priority=True))  # fmt: skip
    rows = tuple(
        (weight.op, weight.a, weight.b, *_cells(weight.distance), "differ" if weight.own else "") for weight in steps
    )  # fmt: skip
    note = f"Each network on its own activations, the worst of {INPUTS} random inputs; relative to A's largest value."
    return Table(title, columns, rows, note=note)


def _cells(found: Distance) -> tuple[Cell, ...]:
    return _number(found.delta), _number(found.relative)


def _number(value: float) -> str:
    return f"{value:.3g}" if isfinite(value) else "not finite"


def _amount(found: Distance) -> str:
    if found.delta == float("inf"):
        return "other shapes, or NaN or infinity on one side"
    return f"max |Δ| {found.delta:.3g}, relative {found.relative:.3g}"


def _numbers(found: Distance) -> dict[str, float | None]:
    finite = {"max_delta": found.delta, "relative": found.relative}
    return {name: value if isfinite(value) else None for name, value in finite.items()}


def _step_data(step: OperationDistance) -> dict[str, Any]:
    return {
        "op": step.op,
        "a": step.a,
        "b": step.b,
        "source": step.source,
        "weights_differ": step.own,
        **_numbers(step.distance),
    }


def _place(step: OperationDistance) -> str:
    return f"{step.op} in {_pair(step.a, step.b) or 'the network itself'}"


def _pair(a: str, b: str) -> str:
    return a if a == b else f"{a} ↔ {b}"
