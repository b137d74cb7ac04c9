"""Schedules against torch's own schedulers, and what a trial assumes or refuses."""

import pytest
import torch

from diagnose.errors import DiagnoseError, UsageError
from diagnose.probe.trial.hyperparameters import hyperparameters_of
from diagnose.values import Augmentation, Recipe, Schedule, Setting


def recipe(**values):
    return Recipe("r", "r", tuple(Setting(key, value, "test") for key, value in values.items()))


def rates(epochs, per_epoch, planned, **values):
    settings, _ = hyperparameters_of(recipe(**values))
    return [settings.rate(step, per_epoch, epochs, planned) for step in range(epochs * per_epoch)]


def torchs(make, epochs, per_epoch, *, per_step, lr=0.1):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    found = []
    for step in range(epochs * per_epoch):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if per_step or (step + 1) % per_epoch == 0:
            scheduler.step()
    return found


def test_milestones_at_full_length_are_torchs():
    schedule = Schedule("step", (4.0, 6.0), 0.1)
    theirs = torchs(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [4, 6], 0.1), 8, 5, per_step=False)
    assert rates(8, 5, 8, learning_rate=0.1, schedule=schedule) == pytest.approx(theirs)


def test_one_cycle_is_torchs():
    make = lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=101)  # noqa: E731
    theirs = torchs(make, 1, 101, per_step=True, lr=0.05)
    assert rates(1, 101, 30, schedule=Schedule("one-cycle", peak=0.1)) == pytest.approx(theirs)


def test_a_schedule_is_compressed_in_proportion():
    schedule = Schedule("step", (40.0, 60.0, 80.0, 100.0), 0.1)
    found = rates(6, 20, 120, learning_rate=0.1, schedule=schedule)  # 120 epochs in 120 steps: one step an epoch
    assert [step for step in range(1, 120) if found[step] < found[step - 1]] == [40, 60, 80, 100]


def test_stepping_before_each_epoch_drops_one_epoch_earlier():
    given = {"learning_rate": 0.1, "schedule": Schedule("step", (40.0,), 0.1)}
    after, before = (rates(120, 1, 120, schedule_steps=f"{when} each epoch", **given) for when in ("after", "before"))
    assert (after.index(0.1 * 0.1), before.index(0.1 * 0.1)) == (40, 39)


def test_what_is_not_stated_is_assumed_and_named():
    settings, assumed = hyperparameters_of(recipe(momentum=0.9))
    assert settings.momentum == 0.9
    assert settings.batch_size == 128
    assert "batch_size" in assumed
    assert "momentum" not in assumed


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "AdamW"},
        {"loss": "BCE"},
        {"schedule": Schedule("other", text="LinearLR")},
        {"augmentation": Augmentation(other=("Mixup",))},
    ],
)
def test_what_a_trial_cannot_do_is_refused(values):
    with pytest.raises(DiagnoseError) as caught:
        hyperparameters_of(recipe(**values))
    assert isinstance(caught.value, UsageError)
