"""Trials in processes of this machine, several at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from diagnose.probe.journal import RUNNING, Journal
from diagnose.probe.trials import TrialSpec, to_json
from diagnose.values import Trial

PAUSE = 0.05
"""Seconds between two looks at the running processes."""

RETRIES = 1
"""How often a trial whose process died is taken up again from its last epoch."""


def run(specs: Sequence[TrialSpec], folder: Path, images_file: Path, *, workers: int) -> Iterator[Trial]:
    """Run trials and yield each as it ends; those that ended before are read from their journals.

    Leaving the iterator, also by Ctrl-C, ends the processes; each trial keeps its whole epochs.
    """
    waiting = [(spec, 0) for spec in specs]
    running: dict[subprocess.Popen[bytes], tuple[TrialSpec, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                spec, tries = waiting.pop(0)
                if ended := finished(spec, folder):
                    yield ended
                else:
                    running[_start(spec, folder, images_file)] = spec, tries
            for process in [process for process in running if process.poll() is not None]:
                spec, tries = running.pop(process)
                ended = finished(spec, folder)
                if ended is None and tries < RETRIES:
                    waiting.insert(0, (spec, tries + 1))
                else:
                    yield ended or spec.result(_journal(spec, folder).curve(), _failure(process, spec, folder))
            time.sleep(PAUSE if running else 0)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def finished(spec: TrialSpec, folder: Path) -> Trial | None:
    """Return a trial that has ended, None where it has not."""
    journal = _journal(spec, folder)
    status = journal.status()
    return None if status == RUNNING else spec.result(journal.curve(), status)


def unfinished(spec: TrialSpec, folder: Path) -> Trial:
    """Return a trial as far as it has come."""
    return finished(spec, folder) or spec.result(_journal(spec, folder).curve(), RUNNING)


def _journal(spec: TrialSpec, folder: Path) -> Journal:
    return Journal(folder / spec.key)


def _start(spec: TrialSpec, folder: Path, images_file: Path) -> subprocess.Popen[bytes]:
    journal = _journal(spec, folder)
    journal.open(to_json(spec))
    threads = str(spec.numerics.threads)
    environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    with (journal.folder / "errors.txt").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "diagnose.probe.worker", str(journal.folder), str(images_file)],
            stdout=errors,
            stderr=errors,
            env=environment,
        )


def _failure(process: subprocess.Popen[bytes], spec: TrialSpec, folder: Path) -> str:
    code = process.returncode
    if code < 0:
        killed = "; the kernel does so when memory runs out" if code == -9 else ""
        return f"failed: its process was ended by signal {-code}{killed}"
    lines = (_journal(spec, folder).folder / "errors.txt").read_text(errors="replace").strip().splitlines()
    return f"failed: {lines[-1] if lines else f'its process ended with {code}'}"
