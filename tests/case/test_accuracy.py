"""What trials say of an accuracy that falls short: journals and means whose truth is chosen here."""

from dataclasses import replace

import pytest

from diagnose.case.kinds.accuracy import KIND, Mean, Trained, _is_full, _means, evidence, judge
from diagnose.case.trials import trials_in
from diagnose.probe.journal import Journal
from diagnose.probe.settings import settings_of
from diagnose.probe.train import Length, Numerics
from diagnose.probe.trials import TrialSpec, to_json
from diagnose.recipe import load
from diagnose.values import Claim, Curves, EpochResult, Ruling, Section, Trial

START, END = load("reproduction"), load("authors-2022")
CLAIM = Claim("a", KIND.name, "it", "", True, (("reported", 94.0), ("reproduced", 92.0)), 1)


def mean(model, low, high, recipe=END.name):
    return Mean(model, recipe, (low, high), (low + high) / 2, low, high)


def trained(*means, others=()):
    return Trained((START, END), "ours", means, others, 1_000, ())


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
    assert judge(CLAIM, trained(*means)).ruling is expected


def trial(seed=0, **changes):
    whole = Trial(
        "ours", "end", END.name, (), seed, 120, 46_800, 50_000, "cifar10", "cpu", "fp32", 1,
        (EpochResult(1, 2.0, 0.5, 1.0), EpochResult(2, 1.0, 0.9 + seed / 100, 1.0)), 0.9 + seed / 100, "done",
    )  # fmt: skip
    return replace(whole, **changes)


@pytest.mark.parametrize(
    "changes",
    [{"epochs": 5}, {"images": 40_000}, {"data": "synthetic"}, {"changed": (("momentum", "0"),)}, {"recipe": "paper"}],
)
def test_only_a_recipe_as_it_is_to_its_end_counts(changes):
    assert _is_full(trial(), (START, END))
    assert not _is_full(trial(**changes), (START, END))


def test_the_interval_is_students_and_needs_three_seeds():
    (found,) = _means([trial(seed) for seed in (0, 1, 2)])
    assert found.mean == pytest.approx(91.0)
    # t of 2 degrees of freedom at 97.5 % is 4.3027 (Student's table); the spread of 90, 91, 92 is 1.
    assert found.high - found.mean == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert list(_means([trial(0), trial(1)])) == []


def test_other_trials_are_shown_and_decide_nothing():
    others = tuple(trial(seed, epochs=5) for seed in (0, 2))
    measured = trained(others=others)
    assert judge(CLAIM, measured).ruling is Ruling.UNDETERMINED
    section = evidence(CLAIM, measured).items[0]
    assert isinstance(section, Section)
    (curves,) = section.items
    assert isinstance(curves, Curves)
    (curve,) = curves.curves
    assert curve.y == pytest.approx((50.0, 91.0))
    assert (curve.low[1], curve.high[1]) == pytest.approx((90.0, 92.0))


def test_the_plan_costs_what_the_recipes_say():
    plan = evidence(CLAIM, trained()).items[-1].items[0]
    assert plan.rows == (
        ("reproduction", 5, 120, 5 * 120 * 40_000, 3 * 5 * 120 * 40_000 * 1_000),
        ("authors-2022", 5, 120, 5 * 120 * 50_000, 3 * 5 * 120 * 50_000 * 1_000),
    )


def test_journals_are_read_and_others_are_named(tmp_path):
    settings, _ = settings_of(END)
    spec = TrialSpec("ours", "end", END.name, (), 3, settings, Length(2, 100, 120), "cifar10", "key", Numerics())
    journal = Journal(tmp_path / "probe" / "one")
    journal.open(to_json(spec))
    journal.append(EpochResult(1, 2.0, 0.4, 1.0))
    journal.append(EpochResult(2, 1.0, 0.6, 1.0))
    journal.finish("done")
    unfinished = Journal(tmp_path / "probe" / "two")
    unfinished.open(to_json(replace(spec, seed=4)))
    (tmp_path / "probe" / "three").mkdir()
    (tmp_path / "probe" / "three" / "trial.json").write_text("{}")
    trials, skipped = trials_in(tmp_path)
    assert sorted((each.seed, each.accuracy) for each in trials if each.accuracy) == [(3, 0.6)]
    assert len(trials) == 2
    assert [each.what for each in skipped] == ["three"]
    assert trials_in(tmp_path / "nowhere") == ((), ())
