"""The trials of `diagnose report`: run as `diagnose probe` runs them, or kept in a file that goes with the case."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diagnose.cli.common.listening import listener_of, may_fetch
from diagnose.cli.common.output import Result, write_file
from diagnose.cli.probe import budget_of
from diagnose.errors import CannotRun, DiagnoseError, UsageError
from diagnose.values import Case, PartialNumerics

if TYPE_CHECKING:
    from diagnose.case.trials.requested_trials import RequestedTrials


@dataclass(frozen=True, slots=True)
class Options:
    """What `diagnose report` says of its probes; `budget` is as it was typed, None where it was not."""

    data: str
    download: bool
    device: str
    runs: Path
    budget: str | None
    seeds: int | None


def run_trials(case: Case, options: Options, result: Result) -> bool:
    """Run the probes that a case asks for, one after the other; return whether they were interrupted.

    Raises:
        DiagnoseError: no claim asks for trials or a probe is not possible (exit code 2), or one could not run (3).
    """
    from diagnose.case.permission import consented
    from diagnose.case.trials.requested_trials import requested_trials

    asked = requested_trials(case, download=options.download)
    if not asked:
        raise UsageError(
            f"No claim of {case.name} asks for trials that may be run.",
            hint="Claims of the kinds accuracy and cause do; models that are code run with --trust.",
        )
    try:
        with consented(case, download=options.download):
            return any(_interrupted(request, options, result, case.trusted) for request in asked)
    except KeyboardInterrupt:  # before the first trial
        return True


def _interrupted(asked: RequestedTrials, options: Options, result: Result, trusted: bool) -> bool:
    """Run one probe as `diagnose probe` runs it; its journals stay, and the claims are judged by them.

    Compiling a network runs code that is written on the way, which the guard of a case that is not trusted refuses.
    """
    from diagnose.probe import run
    from diagnose.probe.request import SEEDS, request_of
    from diagnose.recipes import load_both

    budget = budget_of(options.budget)
    try:
        request = request_of(
            asked.models,
            load_both(asked.recipe, asked.against),
            device=options.device,
            budget=budget,
            numerics=PartialNumerics(engine=None if trusted else "eager"),
            seeds=options.seeds or SEEDS,
        )
        data = run.ImageSource(options.data, options.download, ask=may_fetch)
        return run.probe(request, data, options.runs, listener=listener_of(result)).interrupted
    except DiagnoseError as error:
        message = f"The probe of {', '.join(asked.models)} could not run: {error.message}"
        kind = UsageError if isinstance(error, UsageError) else CannotRun
        raise kind(message, hint=error.template, options=error.options) from error


def keep_trials(case: Case, runs: Path, path: Path) -> int:
    """Write the trials at hand of the case's networks into one file, and return how many they are."""
    from diagnose.case.measurements import Measurements
    from diagnose.case.trials.comparable_trials import is_narrowed_version
    from diagnose.case.trials.stored_trials import as_stored

    available = Measurements(case, runs).available_trials()
    models = [text for _, text in case.models]
    own = [run for run in available.runs if any(is_narrowed_version(run.spec.model, model) for model in models)]
    write_file(path, as_stored(own))
    return len(own)
