"""What `diagnose diff` says of its answer: the verdict, the differences that matter, then everything else folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diagnose.diff.trained.conversion import conversion_data, conversion_section
from diagnose.diff.trained.report import trained_data, trained_finding, trained_section, trained_verdict
from diagnose.diff.trained.trained_comparison import TrainedComparison
from diagnose.diff.weights.checkpoint import Conversion
from diagnose.environment import environment
from diagnose.values import (
    AlignedTree,
    Column,
    DifferenceKind,
    Equivalence,
    GraphDiff,
    Proof,
    Prose,
    Report,
    Section,
    Significance,
    SizeOutcome,
    Table,
    Validity,
)

SCHEMA = "diagnose.diff/1"


def diff_report(
    answer: GraphDiff, *, trained: TrainedComparison | None = None, conversion: Conversion | None = None
) -> Report:
    """Return the report of two compared networks, with their trained weights and a converted checkpoint if any."""
    a, b = answer.a.model, answer.b.model
    sections = [Section("", tuple(_verdict(answer, trained)))]
    if trained is not None:
        sections.append(trained_section(trained, a, b))
    if conversion is not None:
        sections.append(conversion_section(conversion))
    sections.append(Section("The proof", (_proof(answer.proof),), folded=True))
    tree = AlignedTree("Modules", a, b, answer.tree)
    sections.append(Section("Module trees", (tree,), folded=True))
    return Report(
        schema=SCHEMA,
        title=f"{a} against {b}",
        environment=environment(("torch", "torchvision", "mmpretrain", "timm")),
        sections=tuple(sections),
        findings=(*answer.findings, *(() if trained is None else (trained_finding(trained),))),
        skipped=(*answer.skipped, *(() if trained is None else trained.skipped)),
        data={
            **_data(answer),
            **({} if trained is None else {"trained": trained_data(trained)}),
            **({} if conversion is None else {"converted": conversion_data(conversion)}),
        },
    )


def _verdict(answer: GraphDiff, trained: TrainedComparison | None) -> list[Prose]:
    a, b = answer.a.model, answer.b.model
    differences = [finding for finding in answer.findings if finding.kind != DifferenceKind.INITIAL_WEIGHTS]
    real = [finding for finding in differences if finding.verdict is Significance.REAL]
    said = []
    if answer.verdict is Equivalence.EQUIVALENT:
        same = "the same function" if trained is None else "the same network"
        where = " at this input size alone" if answer.validity.limited else ""
        forms = "equal" if answer.same_form else "equal but for sizes that one writes as numbers"
        said.append(Prose(f"{a} and {b} are {same}{where}: their canonical forms are {forms}.", "verdict"))
    elif answer.verdict is Equivalence.DIFFERENT:
        said.append(Prose(_differing(answer, sum(finding.count for finding in real)), "verdict"))
    elif answer.verdict is Equivalence.NUMBERS:
        said.append(Prose(_by_numbers(answer), "verdict"))
    else:
        said.append(Prose(f"Whether {a} and {b} are the same function is undetermined.", "verdict"))
    if trained is not None:
        said.append(trained_verdict(trained, a, b))
    said.append(Prose(_numbers(answer.proof), "plain" if answer.proof.agrees else "caution"))
    if answer.verdict in (Equivalence.EQUIVALENT, Equivalence.NUMBERS):
        said.append(Prose(_held(answer.validity), "caution" if answer.validity.limited else "plain"))
    if any(finding.kind == DifferenceKind.INITIAL_WEIGHTS for finding in answer.findings):
        said.append(
            Prose("They start from different initial weights: what training makes of them may differ.", "caution")
        )
    said.append(
        Prose(
            f"{answer.matched:,} operations are aligned, of {answer.a.nodes:,} in {a} and {answer.b.nodes:,} in {b}; "
            f"captured by {_ways(answer)}. A is {a}, B is {b}."
        )
    )
    return said


def _differing(answer: GraphDiff, count: int) -> str:
    """Say that two networks differ, and in which mode they do not."""
    both, how = f"{answer.a.model} and {answer.b.model}", f"{count} real {_plural(count)}"
    same = {Equivalence.EQUIVALENT: "the same function", Equivalence.NUMBERS: "equal by numbers"}
    if answer.inference in same:
        return f"{both} are {same[answer.inference]} at inference; in training they differ: {how}."
    if answer.training in same:
        return f"{both} are {same[answer.training]} in training; at inference they differ: {how}."
    return f"{both} are different functions: {how}."


def _by_numbers(answer: GraphDiff) -> str:
    where = " at this input size alone" if answer.validity.limited else ""
    return (
        f"{answer.a.model} and {answer.b.model} are equal by numbers{where}: every weight has its partner and all that "
        "was run agrees, but that their forms are equal is not proven."
    )


def _plural(count: int) -> str:
    return "difference" if count == 1 else "differences"


def _ways(answer: GraphDiff) -> str:
    ways = {"export": "torch.export", "recorder": "running and recording one forward pass"}
    return " and ".join(dict.fromkeys(ways[side.capture] for side in (answer.a, answer.b)))


def _numbers(proof: Proof) -> str:
    """Say what the transplant showed, and never more than it did."""
    if proof.agrees is None:
        return "With A's weights in B no comparison could be run."
    parts = [f"{name} {value:.3g}" for name, value in _deltas(proof) if value is not None]
    held = "not equal"
    if proof.agrees:
        held = f"equal on {proof.inputs} random inputs within atol {proof.atol:g} and rtol {proof.rtol:g}"
    numbers = ", ".join(parts) or "none run"
    return f"With random weights of A in B, in {proof.dtype}, they are {held}; max |Δ|: {numbers}."


def _held(validity: Validity) -> str:
    """Say at which inputs and in which modes two networks are the same, and what other sizes showed."""
    modes = " and ".join(f"{mode} mode" for mode in validity.modes)
    said = f"That holds at the input {_inputs(validity.inputs)}, in {modes}"
    outcomes = {
        SizeOutcome.EQUAL: "by numbers, also at",
        SizeOutcome.APART: "they are apart at",
        SizeOutcome.A_ALONE: "A alone runs at",
        SizeOutcome.B_ALONE: "B alone runs at",
    }
    for outcome, words in outcomes.items():
        sizes = [_inputs(trial.inputs) for trial in validity.sizes if trial.outcome is outcome]
        if sizes:
            said = f"{said}; {words} {' and '.join(sizes)}"
    if validity.branches:
        count = validity.branches
        said = f"{said}; {count} {'branch' if count == 1 else 'branches'} on values followed both ways, one at a time"
    return f"{said}."


def _inputs(inputs: Sequence[str]) -> str:
    return f"({', '.join(inputs)})" if len(inputs) > 1 else "".join(inputs)


def _deltas(proof: Proof) -> Sequence[tuple[str, float | None]]:
    return (("eval", proof.eval), ("train", proof.train), ("gradients", proof.gradients), ("buffers", proof.buffers))


def _proof(proof: Proof) -> Table:
    columns = (Column("compared"), Column("max |Δ|"))
    names = {
        "eval": "outputs in eval mode",
        "train": "outputs in train mode",
        "gradients": "gradients of the parameters",
        "buffers": "buffers after one step",
    }
    rows = tuple((names[name], "not run" if value is None else f"{value:.3g}") for name, value in _deltas(proof))
    note = (
        f"{proof.dtype}, {proof.inputs} random inputs; all weights and running statistics of A drawn at random, then "
        f"transplanted into B; held to |Δ| ≤ {proof.atol:g} · max(1, largest) + {proof.rtol:g} · largest. "
        "Random operations take the sample in which everything survives."
    )
    return Table("With A's weights in B", columns, rows, note=note)


def _data(answer: GraphDiff) -> dict[str, Any]:
    proof = answer.proof
    return {
        "verdict": answer.verdict.value,
        "inference": answer.inference and answer.inference.value,
        "training": answer.training and answer.training.value,
        "a": _side(answer.a),
        "b": _side(answer.b),
        "matched": answer.matched,
        "same_form": answer.same_form,
        "weight_mapping": [[pair.a, pair.b, pair.transform] for pair in answer.mapping.pairs],
        "only_a": list(answer.mapping.only_a),
        "only_b": list(answer.mapping.only_b),
        "proof": {"dtype": proof.dtype, "inputs": proof.inputs, **dict(_deltas(proof)), "atol": proof.atol,
                  "rtol": proof.rtol, "agrees": proof.agrees},
        "validity": {
            "inputs": list(answer.validity.inputs),
            "modes": list(answer.validity.modes),
            "sizes": [{"inputs": list(trial.inputs), "outcome": trial.outcome.value}
                      for trial in answer.validity.sizes],
            "branches": answer.validity.branches,
        },
        "findings": [
            {"kind": str(finding.kind), "verdict": finding.verdict.value,
             "where": list(finding.where), "count": finding.count,
             "message": finding.message}
            for finding in answer.findings
        ],
    }  # fmt: skip


def _side(side: Any) -> dict[str, Any]:
    return {"model": side.model, "nodes": side.nodes, "parameters": side.parameters, "capture": side.capture}
