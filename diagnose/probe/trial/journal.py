"""A trial's folder: its configuration, a journal of one line per epoch, and a checkpoint to go on from.

The checkpoint holds the curve up to its epoch and is replaced in one step, so whatever moment a process is killed in,
the next one goes on from a whole epoch.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diagnose.bounds import parse_json
from diagnose.errors import CannotRun
from diagnose.files import open_regular, read_text, replacing
from diagnose.values import EpochResult, TrialEnd, TrialOutcome

RUNNING = TrialEnd(TrialOutcome.UNFINISHED)

LONGEST, LONGEST_SPEC = 64 << 20, 1 << 20
"""Longest journal, and longest description and status of a trial, in bytes."""


class Journal:
    """The files of one trial in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spec, self.lines = folder / "trial.json", folder / "journal.jsonl"
        self.checkpoint, self.ended = folder / "checkpoint.pt", folder / "status"

    def open(self, spec: str) -> None:
        """Make the folder and write down what the trial is to do."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.spec.exists():
            replace_file(self.spec, spec.encode())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process, such as one whose parent was killed, works on the trial."""
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def alone_or_not(self) -> Iterator[bool]:
        """Yield whether this process alone works on the trial, without waiting; while it does, no other can begin.

        Where nothing can be written it does not.
        """
        with ExitStack() as stack:
            try:
                file = stack.enter_context((self.folder / "lock").open("w"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                alone = True
            except OSError:
                alone = False
            yield alone

    def append(self, result: EpochResult) -> None:
        """Add an epoch, on the disk when this returns."""
        with self.lines.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def rewrite(self, curve: tuple[EpochResult, ...]) -> None:
        """Set the journal back to a curve."""
        replace_file(self.lines, "".join(json.dumps(asdict(result)) + "\n" for result in curve).encode())

    def curve(self) -> tuple[EpochResult, ...]:
        """Return the epochs so far; a last line that a kill left torn is no epoch."""
        found: list[EpochResult] = []
        lines = read_text(self.lines, "journal", most=LONGEST).splitlines() if self.lines.exists() else []
        for line in lines:
            try:
                found.append(_result(parse_json(line), epoch=len(found) + 1))
            except (ValueError, TypeError):
                break
        return tuple(found)

    def keep(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint."""
        import torch

        with replacing(self.checkpoint) as file:
            torch.save(state, file)

    def state(self) -> dict[str, Any] | None:
        """Return the checkpoint, None where there is none, or it is damaged or another trial's."""
        import torch

        try:
            with open_regular(self.checkpoint, "checkpoint") as file:
                state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            curve = [_result(result, epoch=epoch) for epoch, result in enumerate(state["curve"], 1)]
            whole = len(curve) == state["epoch"] and {"model", "optimizer"} <= state.keys()
            return state if whole and state.get("trial", self.folder.name) == self.folder.name else None
        except Exception:  # a damaged file makes torch.load raise whatever it meets
            return None

    def resume(self) -> dict[str, Any] | None:
        """Return the checkpoint, and set the journal back to its epochs: a kill can come between the two."""
        state = self.state()
        self.rewrite(tuple(EpochResult(**result) for result in state["curve"]) if state else ())
        return state

    def finish(self, end: TrialEnd) -> None:
        """Write down how the trial ended; its checkpoint is no longer needed."""
        replace_file(self.ended, str(end).encode())
        self.checkpoint.unlink(missing_ok=True)

    def end(self) -> TrialEnd:
        """Return how the trial ended, `RUNNING` where it did not.

        Raises:
            DiagnoseError: its status is damaged.
        """
        if not self.ended.exists():
            return RUNNING
        try:
            return TrialEnd.parse(read_text(self.ended, "status", most=LONGEST_SPEC))
        except ValueError as error:
            hint = "The same command again trains this trial anew, if it may write there."
            raise CannotRun(f"{self.ended} is damaged: it does not say how the trial ended.", hint=hint) from error


def _result(raw: dict[str, Any], *, epoch: int) -> EpochResult:
    """Return the result of an epoch; raise ValueError or TypeError where the values are none."""
    result = EpochResult(**raw)
    numbers = (result.train_loss, result.test_accuracy, result.seconds)
    if result.epoch != epoch or not all(map(math.isfinite, numbers)) or not 0 <= result.test_accuracy <= 1:
        raise ValueError("no result of this epoch")
    return result


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in one atomic step, on the disk when this returns."""
    with replacing(path) as file:
        file.write(data)
