"""Learning curves for TensorBoard: one run of `train_loss` and `test_accuracy` for each trial."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from diagnose.errors import CannotRun, MissingDependency, Option
from diagnose.values import Trial


def check() -> None:
    """Raise where TensorBoard is not installed, before anything is trained.

    Raises:
        DiagnoseError: it is not; the hint says what to install.
    """
    from importlib import import_module

    try:
        import_module("tensorboard")
    except ImportError as error:
        hint = "pip install 'diagnose[tensorboard]'"
        raise MissingDependency("Learning curves for TensorBoard need the package tensorboard.", hint=hint) from error


def write(trials: Sequence[Trial], folder: Path) -> None:
    """Write the epochs of every trial, over steps, to `folder`/MODEL/ARM/EPOCHS-epochs-seed-SEED.

    A second call with the same trials replaces their files.

    Raises:
        DiagnoseError: the folder cannot be written.
    """
    from torch.utils.tensorboard.writer import SummaryWriter

    try:
        for trial in trials:
            run = folder / _named(trial.model) / _named(trial.arm) / f"{trial.epochs}-epochs-seed-{trial.seed}"
            for old in run.glob("events.out.tfevents.*"):
                old.unlink()
            with SummaryWriter(str(run)) as writer:
                for result in trial.curve:
                    step = result.epoch * trial.steps // trial.epochs
                    writer.add_scalar("train_loss", result.train_loss, step)
                    writer.add_scalar("test_accuracy", result.test_accuracy, step)
    except OSError as error:
        raise CannotRun(
            f"cannot write {folder}: {error.strerror}",
            hint="Choose another folder for {}.",
            options=(Option("tensorboard"),),
        ) from error


def _named(text: str) -> str:
    """Return a name that is a folder's on every system; what is not a letter, digit, dot or hyphen becomes one."""
    return re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII).strip("-.") or "model"
