"""The trials of `diagnose report`: run as `diagnose probe` runs them, or kept in a file that goes with the case."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from diagnose.cli.output import write_file
from diagnose.errors import INTERRUPTED, USAGE, DiagnoseError
from diagnose.values import Case

GRACE = 10
"""Seconds in which a probe that the terminal has interrupted, too, writes down what it has."""


def run_trials(case: Case, options: Sequence[str], *, download: bool) -> bool:
    """Run the probes that a case asks for, one after the other; return whether they were interrupted.

    Each is a `diagnose probe` of its own, so what it prepares, journals and resumes is the same.

    Raises:
        DiagnoseError: no claim asks for trials (exit code 2), or a probe could not run; it has said why.
    """
    from diagnose.case.wanted import wanted

    asked = wanted(case, download=download)
    if not asked:
        raise DiagnoseError(
            f"No claim of {case.name} asks for trials that may be run.",
            hint="Claims of the kinds accuracy and cause do; models that are code run with --trust.",
            exit_code=USAGE,
        )
    for each in asked:
        between = ["--recipe", each.recipe, "--against", each.against]
        code = _probe([*each.models, *between, *options, *(["--download"] if download else [])])
        if code == INTERRUPTED:
            return True
        if code:
            named = ", ".join(each.models)
            raise DiagnoseError(f"The probe of {named} could not run: see above.", exit_code=code if code > 0 else 3)
    return False


def _probe(arguments: Sequence[str]) -> int:
    """Run `diagnose probe` to its end and return its exit code; its report is not shown, its progress is."""
    command = [sys.executable, "-m", "diagnose", "probe", *arguments, "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # a terminal sends it to the probe as well, `kill` does not
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                process.wait()
            return INTERRUPTED


def keep_trials(case: Case, runs: Path, path: Path) -> int:
    """Write the trials at hand of the case's networks into one file, and return how many they are."""
    from diagnose.case.bench import Bench
    from diagnose.case.probes import is_kin
    from diagnose.case.trials import kept

    at_hand = Bench(case, runs).at_hand()
    models = [text for _, text in case.models]
    own = [run for run in at_hand.runs if any(is_kin(run.spec.model, model) for model in models)]
    write_file(path, kept(own))
    return len(own)
