"""Learning curves for TensorBoard, read back with its own reader."""

import sys

import pytest

from diagnose.errors import DiagnoseError
from diagnose.probe.report.tensorboard import check, write
from diagnose.values import EpochResult, Numerics, Trial, TrialEnd, TrialOutcome


def trial(model="<../../m>"):
    curve = (EpochResult(1, 2.0, 0.25, 1.0), EpochResult(2, 1.5, 0.5, 1.0))
    return Trial(model, "start", "r", (), 7, 2, 20, 100, "d", Numerics(), curve, 0.5, TrialEnd(TrialOutcome.DONE))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_curves_are_written_over_steps_and_replaced_by_a_second_call(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):
        write((trial(),), tmp_path / "runs")
    (file,) = tmp_path.rglob("events.out.tfevents.*")
    assert file.parent == tmp_path / "runs" / "m" / "start" / "2-epochs-seed-7"
    read = EventAccumulator(str(file.parent))
    read.Reload()
    assert [(event.step, event.value) for event in read.Scalars("test_accuracy")] == [(10, 0.25), (20, 0.5)]
    assert [event.value for event in read.Scalars("train_loss")] == [2.0, 1.5]


def test_without_tensorboard_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(DiagnoseError) as caught:
        check()
    assert "diagnose[tensorboard]" in caught.value.hint
