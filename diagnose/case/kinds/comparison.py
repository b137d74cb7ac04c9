"""What a diff of two networks shows in a claim's evidence."""

from __future__ import annotations

from typing import Any

from diagnose.case.kind import Evidence
from diagnose.values import AlignedTree, Cell, Column, Finding, GraphDiff, Proof, Prose, Section, Table, Verdict

INITIAL = "initial weights"
"""The kind of finding that tells networks apart before training, and not the functions they can become."""

MOST_PLACES = 4


def structural(diff: GraphDiff) -> tuple[Finding, ...]:
    """Return the real differences of the functions, without those of the initial weights."""
    return tuple(each for each in diff.findings if each.verdict is Verdict.REAL and each.kind != INITIAL)


def initial(diff: GraphDiff) -> tuple[Finding, ...]:
    """Return the findings about initial weights."""
    return tuple(each for each in diff.findings if each.kind == INITIAL)


def deltas(proof: Proof) -> str:
    """Return the largest differences that were seen: "eval 0, train 0, gradients 0, buffers 0"."""
    parts = (("eval", proof.eval), ("train", proof.train), ("gradients", proof.gradients), ("buffers", proof.buffers))
    return ", ".join(f"{name} {value:.3g}" for name, value in parts if value is not None) or "none could be run"


def comparison(diff: GraphDiff) -> Evidence:
    """Return the evidence of a diff: findings, proof, and the two module trees with aligned rows."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(map(_row, diff.findings))
    columns = (Column("Difference"), Column("Times", numeric=True), Column("What"), Column("Where"))
    marked = tuple(i for i, each in enumerate(diff.findings) if each.verdict is Verdict.REAL)
    found = Table(
        "",
        columns,
        rows,
        marked=marked,
        note=f"A is {diff.a.model}, B is {diff.b.model}. Real: what is computed, or what training starts from. "
        "Cosmetic: only what is printed.",
    )
    proof = Prose(
        f"{diff.matched:,} operations are aligned, of {diff.a.nodes:,} in {diff.a.model} and {diff.b.nodes:,} in "
        f"{diff.b.model}. With A's weights in B, in {diff.proof.dtype}: max |Δ| {deltas(diff.proof)}."
    )
    tree = AlignedTree("Modules, aligned by what they compute", diff.a.model, diff.b.model, diff.tree)
    return Evidence((found, proof, Section("The two networks side by side", (tree,), folded=True)), _data(diff),
                    diff.skipped)  # fmt: skip


def _row(finding: Finding) -> tuple[Cell, ...]:
    more = len(finding.where) - MOST_PLACES
    where = ", ".join(finding.where[:MOST_PLACES]) + (f" and {more:,} more" if more > 0 else "")
    return (finding.verdict.value, finding.count, finding.message, where)


def _data(diff: GraphDiff) -> dict[str, Any]:
    proof = diff.proof
    return {
        "verdict": diff.verdict,
        "a": diff.a.model,
        "b": diff.b.model,
        "matched": diff.matched,
        "proof": {"eval": proof.eval, "train": proof.train, "gradients": proof.gradients, "buffers": proof.buffers,
                  "atol": proof.atol, "rtol": proof.rtol},
        "findings": [
            {"kind": each.kind, "verdict": each.verdict.value, "count": each.count, "message": each.message}
            for each in diff.findings
        ],
    }  # fmt: skip
