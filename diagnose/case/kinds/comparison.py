"""What a diff of two networks shows in a claim's evidence."""

from __future__ import annotations

from typing import Any

from diagnose.case.kind import Evidence
from diagnose.values import (
    AlignedTree,
    Cell,
    Column,
    Finding,
    GraphDiff,
    Item,
    Proof,
    Prose,
    Section,
    Significance,
    Table,
    TreeRow,
)

INITIAL = "initial weights"
"""The kind of finding that tells networks apart before training, and not the functions they can become."""

MOST_PLACES = 4
BLOCK_DEPTH = 3
"""From which depth on a row stands within a block: below the network, its stage and the block itself."""


def structural(diff: GraphDiff) -> tuple[Finding, ...]:
    """Return the real differences of the functions, without those of the initial weights."""
    return tuple(
        finding for finding in diff.findings if finding.verdict is Significance.REAL and finding.kind != INITIAL
    )


def initial(diff: GraphDiff) -> tuple[Finding, ...]:
    """Return the findings about initial weights."""
    return tuple(finding for finding in diff.findings if finding.kind == INITIAL)


def deltas(proof: Proof) -> str:
    """Return the largest differences that were seen: "eval 0, train 0, gradients 0, buffers 0"."""
    parts = (("eval", proof.eval), ("train", proof.train), ("gradients", proof.gradients), ("buffers", proof.buffers))
    return ", ".join(f"{name} {value:.3g}" for name, value in parts if value is not None) or "none could be run"


def comparison(diff: GraphDiff) -> Evidence:
    """Return the evidence of a diff: findings, proof, and the two module trees with aligned rows."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(map(_row, diff.findings))
    columns = (Column("Difference", verdict=True), Column("Times", numeric=True), Column("What"), Column("Where"))
    marked = tuple(i for i, finding in enumerate(diff.findings) if finding.verdict is Significance.REAL)
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
        f"{diff.b.model}. With A's weights in B, in {diff.proof.dtype}, the largest differences are: "
        f"{deltas(diff.proof)}."
    )
    return Evidence((found, proof, *_side_by_side(diff)), _data(diff), diff.skipped)


def _side_by_side(diff: GraphDiff) -> tuple[Item, ...]:
    """Return the aligned trees as far as the first block that looks different, and the rest folded."""
    title, end = "Modules, aligned by what they compute", _first_block(diff.tree)
    whole = AlignedTree(title, diff.a.model, diff.b.model, diff.tree)
    if not 0 < end < len(diff.tree):
        return (whole,) if diff.tree else ()
    first = AlignedTree(f"{title}: the first {end} of {len(diff.tree)}", diff.a.model, diff.b.model, diff.tree[:end])
    return (first, Section(f"All {len(diff.tree)} modules side by side", (whole,), folded=True))


def _first_block(tree: tuple[TreeRow, ...]) -> int:
    """Return the row after the first block in which something differs or stands on one side alone; 0 for none."""
    for index, row in enumerate(tree):
        if row.depth >= BLOCK_DEPTH and (row.verdict or None in (row.a, row.b)):
            rest = (later for later in range(index, len(tree)) if tree[later].depth < row.depth)
            return next(rest, len(tree))
    return 0


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
            {"kind": finding.kind, "verdict": finding.verdict.value, "count": finding.count, "message": finding.message}
            for finding in diff.findings
        ],
    }  # fmt: skip
