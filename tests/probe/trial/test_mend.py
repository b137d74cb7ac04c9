"""Damaged files of a trial: each is found, and what the trial keeps is removed, so that it is trained anew."""

from dataclasses import asdict

import pytest
import torch

from diagnose.errors import CannotRun
from diagnose.probe.trial.hyperparameters import hyperparameters_of
from diagnose.probe.trial.journal import RUNNING, Journal
from diagnose.probe.trial.mend import mend
from diagnose.probe.trial.spec import TrialLength, TrialSpec, to_json
from diagnose.values import EpochResult, Numerics, Recipe, Setting, TrialEnd, TrialOutcome

CURVE = tuple(EpochResult(epoch, 1.0 / epoch, 0.5, 2.0) for epoch in (1, 2, 3))
DONE, DIVERGED = TrialEnd(TrialOutcome.DONE), TrialEnd(TrialOutcome.DIVERGED, 25)


def spec(seed=0):
    settings = hyperparameters_of(Recipe("r", "r", (Setting("batch_size", 10, ""),)))[0]
    length = TrialLength(3, 100, 3)  # 10 steps an epoch
    return TrialSpec("m", "start", "r", (), seed, settings, length, "d", "d", Numerics())


def journal(folder, *, end=None, curve=CURVE, trial=None):
    """Leave the files of a trial that ended, or of one that was killed after its last epoch."""
    trial = trial or spec()
    written = Journal(folder / trial.key)
    written.open(to_json(trial))
    for result in curve:
        written.append(result)
    state = {"model": {}, "optimizer": {}, "epoch": len(curve), "curve": [asdict(result) for result in curve]}
    written.keep(state | {"trial": trial.key})
    if end:
        written.finish(end)
    return written


@pytest.mark.parametrize(("end", "curve"), [(None, CURVE[:2]), (DONE, CURVE), (DIVERGED, CURVE[:2])])
def test_whole_files_are_left_as_they_are(tmp_path, end, curve):
    written = journal(tmp_path, end=end, curve=curve)
    before = {path.name: path.read_bytes() for path in written.folder.iterdir()}
    assert mend(spec(), tmp_path) is None
    assert before.items() <= {path.name: path.read_bytes() for path in written.folder.iterdir()}.items()
    assert mend(spec(seed=1), tmp_path) is None  # which has no files


LINE = '{"epoch": 1, "train_loss": 1.0, "test_accuracy": %s, "seconds": 1.0}\n'
STATUSES = [b"", b"\xff\xfe", b"don", b"done\n", b"diverged in step 0", b"diverged in step 31", b"x" * (2 << 20)]
LINES = [b"", b"\xff\xfe\x00", b"[]\n", (LINE % "7").encode(), (LINE % "NaN").encode(), (LINE % '"x"').encode()]


@pytest.mark.parametrize("content", STATUSES)
def test_a_damaged_status_is_named_and_the_trial_begins_anew(tmp_path, content):
    written = journal(tmp_path, end=DONE)
    written.ended.write_bytes(content)
    assert mend(spec(), tmp_path).path == written.ended
    assert (written.end(), written.curve(), written.state()) == (RUNNING, (), None)


@pytest.mark.parametrize("end", [DONE, DIVERGED])
@pytest.mark.parametrize("content", LINES)
def test_a_damaged_journal_of_a_trial_that_ended_is_named(tmp_path, content, end):
    written = journal(tmp_path, end=end)
    written.lines.write_bytes(content)
    assert mend(spec(), tmp_path).path == written.lines
    assert (written.end(), written.curve()) == (RUNNING, ())


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut", "no state", "of another trial", "a folder"])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    written = journal(tmp_path, curve=CURVE[:2])
    held = written.checkpoint.read_bytes()
    if damage == "no state":
        torch.save([1, 2], written.checkpoint)
    elif damage == "of another trial":
        stranger = journal(tmp_path, curve=CURVE[:2], trial=spec(seed=1))
        written.checkpoint.write_bytes(stranger.checkpoint.read_bytes())
    elif damage == "a folder":
        written.checkpoint.unlink()
        written.checkpoint.mkdir()
        with pytest.raises(CannotRun, match=r"checkpoint\.pt is damaged and cannot be removed"):
            mend(spec(), tmp_path)
        return
    else:
        contents = {"garbage": b"\x80\x04garbage", "empty": b"", "cut": held[: len(held) // 2]}
        written.checkpoint.write_bytes(contents[damage])
    assert mend(spec(), tmp_path).path == written.checkpoint
    assert (written.state(), written.curve()) == (None, ())


def test_a_damaged_description_is_written_anew_and_costs_no_trial(tmp_path):
    written = journal(tmp_path, end=DONE)
    written.spec.write_bytes(b"{}")
    assert mend(spec(), tmp_path) is None
    assert written.spec.read_text() == to_json(spec())
    assert (written.end(), written.curve()) == (DONE, CURVE)


def test_a_trial_that_another_process_trains_is_left_alone(tmp_path):
    written = journal(tmp_path, curve=CURVE[:2])
    written.checkpoint.write_bytes(b"half")
    with Journal(tmp_path / spec().key).alone():
        assert mend(spec(), tmp_path) is None
    assert written.checkpoint.exists()


def test_a_folder_that_cannot_be_written_is_left_alone(tmp_path):
    written = journal(tmp_path, end=DONE)
    written.ended.write_bytes(b"don")
    (written.folder / "lock").unlink(missing_ok=True)
    (written.folder / "lock").mkdir()  # which no process can open for writing, not even root's
    assert mend(spec(), tmp_path) is None
    assert written.ended.read_bytes() == b"don"
