"""A difference as a cause: the proof decides on the architecture, trials of full length on the initial weights."""

from types import SimpleNamespace

import pytest

from diagnose.case.case import parse
from diagnose.case.measurements import Measurements
from diagnose.case.run import judge_claim
from diagnose.case.trials.stored_trials import AvailableTrials
from diagnose.values import (
    DiffSide,
    Equivalence,
    Finding,
    GraphDiff,
    Intervals,
    Proof,
    Ruling,
    Section,
    Significance,
    Table,
    WeightMapping,
)
from tests.case.trained import runs, spread

CASE = """title = "t"
summary = "s"
[models]
a = "torch"
b = "mm"
[[claim]]
kind = "cause"
says = "It explains 88 against 92."
a = "a"
b = "b"
accuracy_a = 88.0
accuracy_b = 92.0
cause = "{}"
"""
FULL = {"epochs": 120, "images": 50_000, "data": "CIFAR-10"}
INITIAL = Finding("initial weights", Significance.REAL, ("convolutions",), 20, "convolutions 0.41")
PROOF = Proof("float64", 2, 0.0, 0.0, 0.0, 0.0, 1e-9, 1e-9, True)


def diff(verdict, *findings):
    sides = (DiffSide(model, 68, 11_173_962, "export") for model in ("torch", "mm"))
    return GraphDiff(
        Equivalence(verdict), *sides, 68, verdict == "equivalent", WeightMapping(()), PROOF, findings, (), ()
    )


def judged(cause, verdict, *found, findings=(INITIAL,)):
    """Judge the claim by a diff and trials that are chosen here."""
    case = parse(CASE.format(cause), "case", "case.toml")
    measurements = Measurements(case)
    measurements.available_trials = lambda: AvailableTrials(tuple(run for trials in found for run in trials))
    measurements.compared = lambda a, b: diff(verdict, *findings)
    return judge_claim(case.claims[0], measurements)


def trained(gap, **options):
    """Return trials of both networks with the reproduction's recipe, whose means are `gap` points apart."""
    return runs({"start": spread(88.0)}, model="torch", **options), runs(
        {"start": spread(88.0 + gap)}, model="mm", **options
    )


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("equivalent", Ruling.REFUTED),
        ("different", Ruling.UNDETERMINED),
        ("undetermined", Ruling.UNDETERMINED),
    ],
)
@pytest.mark.parametrize("gap", [None, 0.0, 4.0])
def test_the_proof_alone_decides_on_the_architecture(verdict, expected, gap):
    assert judged("architecture", verdict, *(trained(gap, **FULL) if gap is not None else ())).ruling is expected


@pytest.mark.parametrize(
    ("gap", "options", "verdict", "expected"),
    [
        (4.0, FULL, "equivalent", Ruling.SUPPORTED),
        (0.0, FULL, "equivalent", Ruling.REFUTED),
        (-4.0, FULL, "equivalent", Ruling.REFUTED),
        (4.0, FULL, "different", Ruling.UNDETERMINED),
        (4.0, FULL | {"epochs": 16}, "equivalent", Ruling.UNDETERMINED),
        (4.0, FULL | {"data": "a JPEG copy of CIFAR-10"}, "equivalent", Ruling.UNDETERMINED),
    ],
)
def test_trials_of_full_length_decide_on_the_initial_weights(gap, options, verdict, expected):
    assert judged("initial weights", verdict, *trained(gap, **options)).ruling is expected


def test_weights_that_are_drawn_alike_are_no_cause():
    assert judged("initial weights", "equivalent", findings=()).ruling is Ruling.REFUTED


def test_short_trials_of_both_are_shown_with_their_difference():
    start, second = {"start": spread(40.0), "end": spread(50.0)}, {"start": spread(41.0), "end": spread(50.0)}
    narrow = {"backbone": {"base_channels": 16, "stem_channels": 16}, "head": {"in_channels": 128}}
    mm = f"mm({', '.join(f'{key}={value!r}' for key, value in narrow.items())})"
    judgement = judged("architecture", "equivalent", runs(start, model="torch(width=16)"), runs(second, model=mm))
    assert "with reproduction +1.00 points" in judgement.answer
    assert "with authors-2022 +0.00 points" in judgement.answer
    section = next(item for item in judgement.evidence if isinstance(item, Section))
    figure = next(item for item in section.items if isinstance(item, Intervals))
    assert [interval.value for interval in figure.intervals] == pytest.approx([1.0, 0.0])
    table = next(item for item in section.items if isinstance(item, Table))
    # Welch's t of two samples of five with a spread of 0.158 is 10 standard errors of 0.1: an effect.
    assert table.rows[0][1] == "effect"
    assert judgement.data["between"][0]["n"] == 5


def test_networks_of_another_width_are_not_compared():
    found = runs({"start": spread(40.0)}, model="torch(width=16)"), runs({"start": spread(50.0)}, model="mm")
    assert judged("architecture", "equivalent", *found).data["between"] == []


def test_what_the_recipe_moves_stands_among_the_suspects():
    accuracies = {"start": spread(40.0), "again": spread(40.1), "end": spread(45.0, 0.2)}
    table = judged("architecture", "equivalent", runs(accuracies, model="torch")).evidence[0]
    found = SimpleNamespace(**dict(table.rows))
    assert "authors-2022 in place of reproduction moves torch by +5.00 points" in found.recipe
