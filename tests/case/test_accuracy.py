"""What trials say of an accuracy that falls short: trials and means whose truth is chosen here."""

from pathlib import Path

import pytest

from diagnose.case.case import parse
from diagnose.case.kinds.accuracy import KIND, AccuracyEvidence, Mean, _mean, judge
from diagnose.case.measurements import Measurements
from diagnose.case.run import judge_claim
from diagnose.case.trials.stored_trials import AvailableTrials
from diagnose.recipes import load
from diagnose.values import Claim, Curves, Intervals, Ruling, Section, Table
from tests.case.trained import END, START, called, runs, spread

CLAIM = Claim("a", KIND.name, "it", "", True, (("reported", 94.0), ("reproduced", 92.0)), 1)
CASE = """title = "t"
summary = "s"
[models]
ours = "prodpoly"
theirs = "mm"
[[claim]]
kind = "accuracy"
says = "It is an error."
model = "ours"
reference = "theirs"
recipe = "reproduction"
against = "authors-2022"
reported = 94.0
reproduced = 92.0
"""
FULL = {"epochs": 120, "images": 50_000, "data": "CIFAR-10"}


def mean(model, low, high, recipe=END.name):
    return Mean(model, recipe, (low, high), (low + high) / 2, low, high)


def judged(*found):
    """Judge the claim by trials at hand; its networks' operations are counted, nothing is trained."""
    case = parse(CASE, "case", "case.toml")
    measurements = Measurements(case)
    measurements.available_trials = lambda: AvailableTrials(tuple(run for trials in found for run in trials))
    return judge_claim(case.claims[0], measurements)


def sections(judgement):
    return {item.title: item for item in judgement.evidence if isinstance(item, Section)}


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ((), Ruling.UNDETERMINED),
        ((mean("ours", 93.9, 94.3),), Ruling.REFUTED),
        ((mean("ours", 93.5, 94.3),), Ruling.REFUTED),
        ((mean("ours", 93.4, 94.3),), Ruling.UNDETERMINED),
        ((mean("ours", 91.0, 92.0),), Ruling.UNDETERMINED),
        ((mean("ours", 91.0, 92.0), mean("theirs", 93.8, 94.2)), Ruling.SUPPORTED),
        ((mean("ours", 91.0, 92.0), mean("theirs", 93.0, 94.2)), Ruling.UNDETERMINED),
        ((mean("ours", 91.0, 92.0), mean("theirs", 93.8, 94.2, START.name)), Ruling.UNDETERMINED),
        ((mean("ours", 93.9, 94.3, START.name),), Ruling.UNDETERMINED),
        ((mean("theirs", 93.9, 94.3),), Ruling.UNDETERMINED),
    ],
)
def test_only_a_whole_interval_decides(means, expected):
    assert judge(CLAIM, AccuracyEvidence((START, END), "ours", means, (), 1_000, ())).ruling is expected


def test_trials_of_full_length_that_reach_it_with_the_other_recipe_refute_it():
    judgement = judged(runs({"start": spread(92.0), "end": spread(94.0)}, **FULL))
    assert judgement.ruling is Ruling.REFUTED
    assert "94.00 % (n = 5" in judgement.answer
    figure = next(item for item in judgement.evidence if isinstance(item, Intervals))
    assert [interval.label for interval in figure.intervals] == ["prodpoly, reproduction", "prodpoly, authors-2022"]


def test_a_reference_that_reaches_it_where_this_one_does_not_supports_it():
    ours, theirs = runs({"end": spread(92.0)}, **FULL), runs({"end": spread(94.0)}, model="mm", **FULL)
    assert judged(ours, theirs).ruling is Ruling.SUPPORTED
    assert judged(ours).ruling is Ruling.UNDETERMINED


@pytest.mark.parametrize(
    "changes",
    [{"epochs": 119}, {"images": 49_000}, {"data": "a JPEG copy of CIFAR-10"}, {"model": "prodpoly(base_channels=16)"}],
)
def test_only_the_network_itself_with_a_whole_recipe_on_its_images_counts(changes):
    accuracies = {"start": spread(92.0), "again": spread(92.0), "end": spread(94.0)}
    judgement = judged(runs(accuracies, **(FULL | changes)))
    assert judgement.ruling is Ruling.UNDETERMINED
    assert judgement.data["full_length"] == []
    assert judgement.data["other_trials"] == 15


def test_a_trial_that_diverged_leaves_no_mean_and_is_named():
    ended = runs({"end": spread(94.0)}, **FULL)
    diverged = runs({"end": (1, 1, 1, 1, 1, 1)}, status="diverged in step 7", **FULL)[-1:]
    judgement = judged((*ended, *diverged))
    assert judgement.ruling is Ruling.UNDETERMINED
    assert [item.reason for item in judgement.skipped] == ["diverged in step 7"]


@pytest.mark.parametrize(("values", "decided"), [((94.0, 94.1, 94.2), True), ((94.0, 94.2), False)])
def test_fewer_than_three_seeds_have_no_mean(values, decided):
    judgement = judged(runs({"end": values}, **FULL))
    assert bool(judgement.data["full_length"]) is decided


def test_short_trials_show_their_effects_and_decide_nothing():
    accuracies = {"start": spread(40.0), "again": spread(40.1), "end": spread(45.0, 0.2), "momentum": spread(43.0, 0.2)}
    judgement = judged(runs(accuracies, model="prodpoly(base_channels=16)"))
    assert judgement.ruling is Ruling.UNDETERMINED
    assert "the recipe authors-2022 moves prodpoly(base_channels=16) by +5.00 points" in judgement.answer
    assert "momentum by itself +3.00" in judgement.answer
    assert "not known from there" in judgement.answer
    shown = sections(judgement)["Trials of prodpoly(base_channels=16): reproduction against authors-2022"]
    curves = next(item for item in shown.items if isinstance(item, Curves))
    start = next(curve for curve in curves.curves if curve.label.startswith("the recipe,"))
    # The accuracy grows by a fifth in each epoch, to 40 ± 0.2.
    assert start.y == pytest.approx((8.0, 16.0, 24.0, 32.0, 40.0))
    assert (start.low[-1], start.high[-1]) == pytest.approx((39.8, 40.2))


def test_trials_without_both_end_points_say_so():
    judgement = judged(runs({"start": spread(40.0), "momentum": spread(43.0)}))
    assert "not of both recipes" in judgement.answer


def test_what_a_trial_did_counts_and_not_what_it_calls_itself():
    accuracies = {"start": spread(40.0), "again": spread(40.1), "end": spread(45.0, 0.2)}
    assert judged(called(runs(accuracies), "mine")).data == judged(runs(accuracies)).data


def test_trials_of_other_networks_or_recipes_are_no_evidence():
    accuracies = {"start": spread(40.0), "again": spread(40.1), "end": spread(45.0, 0.2)}
    second = runs(accuracies, recipes=(load("lightning"), load("mmpretrain")))
    judgement = judged(runs(accuracies, model="torch"), second)
    assert judgement.data["effects"] == []
    assert "no trials at hand" in judgement.answer


def test_the_interval_is_students():
    found = _mean("ours", END.name, (90.0, 91.0, 92.0))
    assert found.mean == pytest.approx(91.0)
    # t of 2 degrees of freedom at 97.5 % is 4.3027 (Student's table); the spread of 90, 91, 92 is 1.
    assert found.high - found.mean == pytest.approx(4.3027 / 3**0.5, rel=1e-4)


def test_the_plan_costs_what_the_recipes_say():
    judgement = judged()
    plan = sections(judgement)["Trials that would settle it"].items[0]
    assert isinstance(plan, Table)
    macs = 404_427_776
    needed = {"reproduction": 3 * 5 * 120 * 40_000 * macs, "authors-2022": 3 * 5 * 120 * 50_000 * macs}
    assert judgement.data["macs_to_settle"] == needed
    assert plan.rows == (
        ("prodpoly, reproduction", 5, 120, 24_000_000, "2.9 × 10¹⁶", "8.1"),
        ("prodpoly, authors-2022", 5, 120, 30_000_000, "3.6 × 10¹⁶", "10.1"),
    )


def test_a_file_of_trials_that_is_none_leaves_the_claim_open(tmp_path):
    from dataclasses import replace

    from diagnose.case.cache import NoCache
    from diagnose.case.run import judge_case

    path = Path(tmp_path / "case.trials.json")
    path.write_text('{"schema": "diagnose.trials/1", "arms": [{}]}')
    case = replace(parse(CASE, "case", "case.toml"), trials=str(path))
    (judgement,), _ = judge_case(case, NoCache())
    assert judgement.ruling is Ruling.UNDETERMINED
    assert "case.trials.json holds no trials" in judgement.answer
