"""What happens in a process of Ray: a trial is trained or timed, and each epoch is sent home."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diagnose.probe.data.image_cache import Splits
from diagnose.probe.executors.executor import AttemptOutcome, cause_of
from diagnose.probe.trial.devices import freed_memory
from diagnose.probe.trial.journal import Journal
from diagnose.probe.trial.spec import from_json
from diagnose.values import TrialEnd, TrialOutcome

Place = tuple[str, bool]
"""The folder where the probe was started, and whether a process keeps the memory that tensors free."""

EPOCH, TIMED = "epoch", "timed"
"""How an item begins that ends nothing, and one of a timing that went well."""

Item = tuple[str, Any, bytes]
"""What a task yields: (EPOCH, its result, the state to go on from) or (an `AttemptOutcome`, why, b"")."""


def train_here(text: str, splits: Splits, place: Place, state: bytes | None) -> Iterator[Item]:
    """Train a trial and yield each epoch with its state, then how it ended."""
    import torch

    from diagnose.probe.trial.train import DivergedError
    from diagnose.probe.trial.worker import epochs

    _settle(place)
    try:
        start = None if state is None else torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        for result, now in epochs(from_json(text), splits, start):
            held = io.BytesIO()
            torch.save(now, held)
            yield EPOCH, asdict(result), held.getvalue()
    except DivergedError as error:
        yield AttemptOutcome.ENDED, str(TrialEnd(TrialOutcome.DIVERGED, error.step)), b""
    except Exception as error:
        yield *cause_of(error), b""
    else:
        yield AttemptOutcome.ENDED, str(TrialEnd(TrialOutcome.DONE)), b""


def time_here(text: str, splits: Splits, place: Place) -> tuple[str, Any]:
    """Time a trial and return ("timed", its clock's parts), or how it failed and why."""
    import tempfile
    import time

    from diagnose.probe.trial.worker import clock

    began = time.perf_counter()
    _settle(place)
    try:
        with tempfile.TemporaryDirectory() as name:
            found = clock(from_json(text), splits, Journal(Path(name)), began)
    except Exception as error:
        return cause_of(error)
    return TIMED, tuple(asdict(found).values())


def _settle(place: Place) -> None:
    """Go where the probe was started, for files of models, and be still about images that Ray shares read-only."""
    folder, keeps = place
    freed_memory(kept=keeps)  # a process is used again
    import warnings

    warnings.filterwarnings("ignore", "The given NumPy array is not writable")
    if Path(folder).is_dir():
        os.chdir(folder)
