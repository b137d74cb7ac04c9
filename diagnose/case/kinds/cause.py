"""A difference between two networks as the cause of two accuracies."""

from __future__ import annotations

from diagnose.case.bench import Bench
from diagnose.case.keys import Key, real, text, word
from diagnose.case.kind import Evidence, Kind, Opinion
from diagnose.case.kinds.comparison import comparison, initial
from diagnose.values import Cell, Claim, Column, GraphDiff, Prose, Ruling, Table

TRIALS = "Only trials can tell: `diagnose probe` trains both with the same recipe and the same seeds."


def measure(claim: Claim, bench: Bench) -> GraphDiff:
    """Compare the two networks."""
    return bench.compared(claim.get("a"), claim.get("b"))


def judge(claim: Claim, diff: GraphDiff) -> Opinion:
    """Refute a cause that is not there; one that is there is a suspect until trials show its effect."""
    gap = f"{claim.get('accuracy_a'):g} % against {claim.get('accuracy_b'):g} %"
    if claim.get("cause") == "initial weights":
        return _from_initial(diff, gap)
    if diff.verdict == "undetermined":
        return Opinion(Ruling.UNDETERMINED, f"Whether the architectures differ is undetermined, and so is {gap}.")
    if diff.verdict == "different":
        return Opinion(Ruling.UNDETERMINED, f"The architectures differ; whether that makes {gap} is not measured.")
    remains = "the initial weights, which do differ, and" if initial(diff) else "the random draw and"
    return Opinion(
        Ruling.REFUTED,
        f"The two networks are the same function, so their architecture cannot make {gap}. What remains: {remains} "
        "how each was trained.",
    )


def _from_initial(diff: GraphDiff, gap: str) -> Opinion:
    if initial(diff):
        return Opinion(Ruling.UNDETERMINED, f"The initial weights do differ; whether that makes {gap} is not measured.")
    return Opinion(Ruling.REFUTED, f"The initial weights are drawn alike, so they cannot make {gap}.")


def evidence(claim: Claim, diff: GraphDiff) -> Evidence:
    """Show what remains as a suspect; the diff itself stands with the claim about the functions."""
    found = comparison(diff)
    rows: tuple[tuple[Cell, ...], ...] = (
        ("architecture", {"equivalent": "ruled out: the same function", "different": "a suspect"}.get(
            diff.verdict, "undetermined")),
        ("initial weights", "; ".join(each.message for each in initial(diff)) or "drawn alike"),
        ("recipe and seed", "not part of the networks: see the claims about recipes"),
    )  # fmt: skip
    suspects = Table("What could make the accuracies differ", (Column("Suspect"), Column("Found")), rows)
    return Evidence((suspects, Prose(TRIALS, "hint")), found.data, found.skipped)


KIND = Kind(
    "cause",
    "that the `cause` makes the accuracies of `a` and `b` differ",
    (
        Key("a", text, models=True),
        Key("b", text, models=True),
        Key("accuracy_a", real(0, 100)),
        Key("accuracy_b", real(0, 100)),
        Key("cause", word("architecture", "initial weights")),
    ),
    measure,
    judge,
    evidence,
)
