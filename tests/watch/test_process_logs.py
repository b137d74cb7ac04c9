"""The logs of processes as they are read back."""

import json

import pytest

from diagnose.errors import CannotRun, UsageError
from diagnose.watch.launch import Outcome, command_line
from diagnose.watch.process_logs import read_logs, training_process
from diagnose.watch.run import ending_of, observed, read

PROCESS = {"event": "process", "t": 0.0, "pid": 1, "parent": 0, "forked": False, "rank": None, "world": None}


def write(folder, name, *events, rank=None):
    lines = [json.dumps(event) for event in ({**PROCESS, "rank": rank}, *events)]
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path):
    write(tmp_path, "1-1", {"event": "step", "number": 1})
    with (tmp_path / "1-1.jsonl").open("a") as file:
        file.write('{"event": "step", "numb')
    (log,) = read_logs(tmp_path)
    assert [event["event"] for event in log.events] == ["process", "step"]


def test_of_several_ranks_the_first_speaks(tmp_path):
    for rank in (1, 0):
        write(tmp_path, f"{rank}-1", {"event": "step", "number": 1}, rank=rank)
    write(tmp_path, "launcher-1")
    assert training_process(read_logs(tmp_path)).rank == 0


def test_a_process_without_training_is_not_chosen(tmp_path):
    write(tmp_path, "1-1")
    write(tmp_path, "2-1", {"event": "step", "number": 1}, {"event": "backward", "value": 1.0})
    assert len(training_process(read_logs(tmp_path)).events) == 3


def test_no_log_is_an_error_with_the_reason(tmp_path):
    with pytest.raises(CannotRun, match="imported torch"):
        observed(tmp_path, ("train.py",), Outcome(0))
    with pytest.raises(UsageError):
        read(tmp_path / "none")


@pytest.mark.parametrize(
    ("events", "outcome", "ending"),
    [
        ([{"event": "end"}], Outcome(0), "by itself"),
        ([{"event": "end"}], Outcome(2), "with an error"),
        ([{"event": "error", "name": "ValueError"}, {"event": "end"}], Outcome(1), "with an error"),
        ([{"event": "error", "name": "KeyboardInterrupt"}, {"event": "end"}], Outcome(-2), "interrupted"),
        ([{"event": "end"}], Outcome(0, interrupted=True), "interrupted"),
        ([], Outcome(-9), "killed"),
        ([], None, "unknown"),
        (
            [{"event": "stopped", "reason": "epochs"}, {"event": "end"}],
            Outcome(0),
            "after the epochs that were asked for",
        ),
    ],
)
def test_how_a_script_ended(tmp_path, events, outcome, ending):
    write(tmp_path, "1-1", *events)
    assert ending_of(read_logs(tmp_path)[0], outcome) == ending


def test_what_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").touch()
    assert command_line(["train.py", "--lr", "1"])[1:] == ["train.py", "--lr", "1"]
    assert command_line(["-m", "package"])[1:] == ["-m", "package"]
    assert command_line(["torchrun", "x.py"])[0].endswith("/torchrun")
    for words in ([], ["none.py"], ["no-such-program"]):
        with pytest.raises(UsageError):
            command_line(words)


def test_a_damaged_log_is_an_error_that_names_its_folder(tmp_path):
    write(tmp_path, "1-1", {"event": "step", "number": 1}, {"event": "error"})
    with pytest.raises(CannotRun, match="is damaged") as caught:
        read(tmp_path)
    assert str(tmp_path) in str(caught.value)
