"""What the process of a trial does: train it, or time a few steps of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnose.errors import CannotRun
from diagnose.files import read_text
from diagnose.probe.trial.journal import LONGEST_SPEC, RUNNING, Journal
from diagnose.values import EpochResult, TrialEnd, TrialOutcome

if TYPE_CHECKING:
    from diagnose.probe.data.image_cache import Splits
    from diagnose.probe.executors.executor import TrialCost
    from diagnose.probe.trial.spec import TrialSpec

State = dict[str, Any]


def work(folder: Path, images_file: Path) -> None:
    """Run the trial of `folder` to its end, from its last whole epoch on; how it ended stands in its journal."""
    from diagnose.probe.trial.spec import from_json
    from diagnose.probe.trial.train import DivergedError

    journal, parent = Journal(folder), os.getppid()
    spec = from_json(read_text(journal.spec, "trial", most=LONGEST_SPEC))
    with journal.alone():
        if journal.end() != RUNNING:
            return
        state = journal.resume()
        try:
            for result, now in epochs(spec, _splits(images_file), state):
                journal.keep(now)
                journal.append(result)
                if os.getppid() != parent:
                    return  # the probe was killed: nobody waits for this trial
        except DivergedError as error:
            journal.finish(TrialEnd(TrialOutcome.DIVERGED, error.step))
        else:
            journal.finish(TrialEnd(TrialOutcome.DONE))


def epochs(spec: TrialSpec, splits: Splits, state: State | None) -> Iterator[tuple[EpochResult, State]]:
    """Train and yield each epoch with the state to go on from, which holds the curve up to it.

    Raises:
        DivergedError: the loss is not finite.
        DiagnoseError: the model cannot be built, or is no longer the one that the trial is of.
    """
    from diagnose.networks import digest_of_code
    from diagnose.probe.data.images import Images
    from diagnose.probe.trial.initial_weights import initialised
    from diagnose.probe.trial.train import train

    if spec.code and digest_of_code(spec.model) != spec.code:
        raise CannotRun(f"{spec.model} is not here as it was when the probe began.", hint="Start the probe again.")
    curve: list[dict[str, Any]] = list(state["curve"]) if state else []
    kept: State = {}
    images = Images(spec.images_name, spec.images_key, (), *splits)
    model = initialised(spec.model, spec.settings.init, spec.seed)
    options: dict[str, Any] = {"length": spec.length, "seed": spec.seed, "numerics": spec.numerics, "state": state}
    for result in train(model, images, spec.settings, **options, keep=lambda _, now: kept.update(now)):
        curve.append(asdict(result))
        yield result, kept | {"curve": list(curve), "trial": spec.key}


def clock(spec: TrialSpec, splits: Splits, journal: Journal, began: float) -> TrialCost:
    """Time the parts of a trial that trains two short epochs, of which the last counts.

    `began` is when its process began, by `time.perf_counter`.
    """
    from diagnose.probe.executors.executor import TrialCost

    few = splits[0], splits[1], splits[2][:1], splits[3][:1]
    seconds, keeping = [], []
    for result, state in epochs(spec, few, None):
        before = time.perf_counter()
        journal.keep(state)
        keeping.append(time.perf_counter() - before)
        seconds.append(result.seconds)
    start = time.perf_counter() - began - sum(keeping) - len(seconds) * seconds[-1]
    size = min(spec.settings.batch_size, spec.length.images)
    train = seconds[-1] / (spec.length.images // size * size)
    return TrialCost(max(start, 0.0), train, _evaluation(spec, splits), keeping[-1])


def _evaluation(spec: TrialSpec, splits: Splits) -> float:
    """Return the seconds of one test image."""
    import torch

    from diagnose.probe.trial.initial_weights import initialised
    from diagnose.probe.trial.train import TEST_BATCH, placed, timed_evaluation

    model = placed(initialised(spec.model, spec.settings.init, spec.seed), spec.numerics)
    pixels, labels = (torch.from_numpy(array[:TEST_BATCH]).to(spec.numerics.device) for array in splits[2:])
    return timed_evaluation(model, pixels, labels, spec.settings, spec.numerics)


def time_steps(folder: Path, images_file: Path) -> None:
    """Time the trial of `folder` and write what it found beside it."""
    from diagnose.probe.trial.spec import from_json

    began = time.perf_counter()
    journal = Journal(folder)
    found = clock(from_json(read_text(journal.spec, "trial", most=LONGEST_SPEC)), _splits(images_file), journal, began)
    (folder / "clock.json").write_text(json.dumps(asdict(found)))


def _splits(images_file: Path) -> Splits:
    from diagnose.probe.data.image_cache import read

    splits = read(images_file)
    if splits is None:
        raise CannotRun(f"cannot read the images {images_file}")
    return splits
