"""Trials at hand: journals in a folder, and the file that goes with a case."""

import json
from dataclasses import replace

import pytest

from diagnose.case.trials.comparable_trials import is_narrowed_version, probes_between
from diagnose.case.trials.stored_trials import AvailableTrials, StoredTrial, as_stored, digest, journals_in, kept_in
from diagnose.errors import DiagnoseError, UsageError
from diagnose.networks import digest_of_code
from diagnose.probe.trial.journal import Journal
from diagnose.probe.trial.spec import to_json
from diagnose.recipes import load
from diagnose.values import ArmRole, Setting, TrialEnd, TrialOutcome
from tests.case.trained import runs, spread


def journal(folder, run, *, ended=True):
    """Leave a trial's journal as a probe does."""
    written = Journal(folder / run.spec.key)
    written.open(to_json(run.spec))
    for result in run.trial.curve:
        written.append(result)
    if ended:
        written.finish(run.trial.end)
    return written


def test_journals_are_read_and_others_are_named(tmp_path):
    first, second = runs({"end": (60.0, 61.0)})
    journal(tmp_path / "probe", first)
    journal(tmp_path / "probe", second, ended=False)
    (tmp_path / "probe" / "three").mkdir()
    (tmp_path / "probe" / "three" / "trial.json").write_text("{}")
    found = journals_in(tmp_path)
    assert [(run.spec.seed, run.trial.accuracy) for run in found.runs] == [(0, 0.6)]
    assert {item.what: item.reason for item in found.skipped} == {
        "prodpoly, end, seed 1": "not finished",
        "three": "no journal of a trial: KeyError",
    }
    assert journals_in(tmp_path / "nowhere") == AvailableTrials()


def test_kept_trials_come_back_as_they_were(tmp_path):
    whole = (
        *runs({"start": spread(40.0), "end": spread(45.0, 0.2)}),
        *runs({"end": (1.0,)}, model="mm", status="diverged in step 3"),
    )
    path = tmp_path / "case.trials.json"
    path.write_text(as_stored(whole))
    assert set(kept_in(path).runs) == set(whole)
    assert as_stored(kept_in(path).runs) == as_stored(
        reversed(whole)
    )  # in one order, whatever order they were found in
    assert json.loads(path.read_text())["schema"] == "diagnose.trials/1"


def test_a_trial_in_both_places_counts_once(tmp_path):
    whole = runs({"start": spread(40.0)})
    for run in whole[:2]:
        journal(tmp_path, run)
    assert len(AvailableTrials(whole).with_more(journals_in(tmp_path)).runs) == 5


def test_trials_of_code_that_was_edited_since_are_no_evidence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("def net(width): ...\n")
    models, second = ("net.py:net(width=8)", "net.py:net(width=16)"), "elsewhere.py:net"
    whole = [run for model in (*models, second, "prodpoly") for run in runs({"start": (60.0,)}, model=model)]
    whole = [StoredTrial(replace(run.spec, code=digest_of_code(run.spec.model)), run.trial) for run in whole]
    assert AvailableTrials(tuple(whole)).of_this_code(models[:1]).runs == tuple(whole)
    (tmp_path / "net.py").write_text("def net(width): return None\n")
    found = AvailableTrials(tuple(whole)).of_this_code(models[:1])
    assert [run.spec.model for run in found.runs] == [second, "prodpoly"]
    assert [(item.what, item.reason) for item in found.skipped] == [
        (f"{model}, start, seed 0", "the network's code is not here as it was trained") for model in models
    ]


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "null", '{"schema": "other", "arms": []}', '{"schema": "diagnose.trials/1", "arms": 3}',
     '{"schema": "diagnose.trials/1", "arms": [{"trial": {}, "seeds": [{"seed": 0}]}]}', "[" * 100_000, "\xff"],
    ids=range(9),
)  # fmt: skip
def test_another_file_is_no_trials(tmp_path, content):
    path = tmp_path / "case.trials.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(DiagnoseError, match=r"holds no trials|is not UTF-8") as caught:
        kept_in(path)
    assert isinstance(caught.value, UsageError)
    with pytest.raises(DiagnoseError, match="cannot read the file of trials"):
        kept_in(tmp_path / "nowhere.json")


def test_the_digest_changes_with_what_the_trials_came_to(tmp_path):
    first, second = runs({"end": (60.0, 61.0)})
    written = journal(tmp_path, first, ended=False)
    before = digest(None, tmp_path)
    assert digest(None, tmp_path) == before
    (written.folder / "errors.txt").write_text("noise")
    assert digest(None, tmp_path) == before
    written.finish(TrialEnd(TrialOutcome.DONE))
    ended = digest(None, tmp_path)
    assert ended != before
    journal(tmp_path, second)
    assert digest(None, tmp_path) not in (before, ended)
    assert digest(None, tmp_path / "nowhere") == digest(None, None)


@pytest.mark.parametrize(
    ("trained", "model", "expected"),
    [
        ("prodpoly", "prodpoly", True),
        ("prodpoly(base_channels=16)", "prodpoly", True),
        ("torch(width=16)", "torch", True),
        ("mm(backbone={'base_channels': 16, 'stem_channels': 16}, head={'in_channels': 128})", "mm", True),
        ("prodpoly(blocks=[1, 1, 1, 1])", "prodpoly", False),
        ("prodpoly(blocks=[1, 1, 1, 1], base_channels=16)", "prodpoly", False),
        ("mm(head={'in_channels': 128})", "mm", False),
        ("torch(width=16)", "mm", False),
        ("resnet.py:net(width=16)", "resnet.py:net", False),
    ],
)
def test_which_networks_are_a_model_with_fewer_channels(trained, model, expected):
    assert is_narrowed_version(trained, model) is expected


def test_a_spec_of_another_seed_has_another_key():
    (run,) = runs({"end": (60.0,)})
    assert replace(run.spec, seed=9).key != run.spec.key


def test_a_trial_that_is_two_arms_of_a_probe_stands_under_both():
    """Where the recipes differ in the momentum alone, its arm and the other recipe are one and the same trial."""
    start = load("reproduction")
    end = start.moved([Setting("momentum", 0.9, "")])
    found = runs({"start": spread(40.0), "again": spread(40.1), "momentum": spread(45.0)}, recipes=(start, end))
    (probe,) = probes_between(found, start, end, ("prodpoly",))
    assert probe.accuracies("prodpoly", probe.arm(ArmRole.END)) == pytest.approx(spread(45.0))
    assert probe.effects[0].gap.difference == pytest.approx(5.0)
