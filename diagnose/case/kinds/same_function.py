"""Two networks as the same function or not, and where they differ."""

from __future__ import annotations

from diagnose.case.keys import Key, text, texts, word
from diagnose.case.kind import Assessment, Evidence, Kind
from diagnose.case.kinds.comparison import comparison, deltas, initial, structural
from diagnose.case.measurements import Measurements
from diagnose.values import Claim, Equivalence, GraphDiff, Ruling, Significance, SizeOutcome


def measure(claim: Claim, measurements: Measurements) -> GraphDiff:
    """Compare the two networks."""
    return measurements.compared(claim.get("a"), claim.get("b"))


def judge(claim: Claim, diff: GraphDiff) -> Assessment:
    """Hold the belief against the diff's verdict, and a named place against its real findings."""
    if diff.verdict in (Equivalence.UNDETERMINED, Equivalence.NUMBERS):
        return Assessment(Ruling.UNDETERMINED, "Whether the two networks are the same function could not be decided.")
    if diff.validity.limited:
        return Assessment(Ruling.UNDETERMINED, f"{_answer(diff)} At {_sizes_apart(diff)} they are not.")
    same = diff.verdict is Equivalence.EQUIVALENT
    if claim.get("belief") == "same":
        return Assessment(Ruling.SUPPORTED if same else Ruling.REFUTED, _answer(diff))
    if same:
        named = _cosmetic(claim, diff)
        return Assessment(Ruling.REFUTED, f"{_answer(diff)}{named}")
    return _placed(claim, diff)


def _answer(diff: GraphDiff) -> str:
    if diff.verdict is Equivalence.EQUIVALENT:
        inputs = diff.proof.inputs
        start = " What does differ is where training starts: the initial weights." if initial(diff) else ""
        return (
            f"They are the same function at {', '.join(diff.validity.inputs)}. Their canonical forms "
            f"{'are equal' if diff.same_form else 'differ in written sizes alone'}, and their numbers are equal on "
            f"{inputs} random inputs with the same weights in {diff.proof.dtype} (largest differences: "
            f"{deltas(diff.proof)}).{start}"
        )
    real = structural(diff)
    count = sum(finding.count for finding in real)
    return f"They are different functions, with {count} real {'difference' if count == 1 else 'differences'}."


def _sizes_apart(diff: GraphDiff) -> str:
    return " and ".join(", ".join(trial.inputs) for trial in diff.validity.sizes if trial.outcome is SizeOutcome.APART)


def _cosmetic(claim: Claim, diff: GraphDiff) -> str:
    """Say that what was believed to differ was found and is cosmetic."""
    named = [place for place in claim.get("in", ()) if any(_mentions(f, place) for f in diff.findings)]
    return f" What looks different ({', '.join(named)}) is cosmetic." if named else ""


def _placed(claim: Claim, diff: GraphDiff) -> Assessment:
    """Judge a difference that is believed to be in certain places: being different elsewhere does not support it."""
    places = claim.get("in", ())
    real = structural(diff)
    missing = [place for place in places if not any(_mentions(finding, place) for finding in real)]
    if not missing:
        return Assessment(Ruling.SUPPORTED, _answer(diff))
    doubtful = [finding for finding in diff.findings if finding.verdict is Significance.UNDETERMINED]
    if any(_mentions(finding, place) for finding in doubtful for place in missing):
        return Assessment(Ruling.UNDETERMINED, f"{_answer(diff)} Whether in {', '.join(missing)} is undetermined.")
    return Assessment(Ruling.REFUTED, f"{_answer(diff)} None of them is in {', '.join(missing)}.")


def _mentions(finding: object, place: str) -> bool:
    said = " ".join((getattr(finding, "kind", ""), getattr(finding, "message", ""), *getattr(finding, "where", ())))
    return place.casefold() in said.casefold()


def evidence(claim: Claim, diff: GraphDiff) -> Evidence:
    """Show the proof, what differs, and the aligned module trees."""
    return comparison(diff)


KIND = Kind(
    "same function",
    'that `a` and `b` compute the `belief` "same" or "different" function; `in` names where they are said to differ',
    (
        Key("a", text, models=True),
        Key("b", text, models=True),
        Key("belief", word("same", "different")),
        Key("in", texts, required=False),
    ),
    measure,
    judge,
    evidence,
)
