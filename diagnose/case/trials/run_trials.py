"""The trials of a case: the probes that its claims ask for are run, and what is at hand is kept in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from diagnose.case.measurements import Measurements
from diagnose.case.permission import consented
from diagnose.case.trials.comparable_trials import is_narrowed_version
from diagnose.case.trials.requested_trials import RequestedTrials, requested_trials
from diagnose.case.trials.stored_trials import as_stored
from diagnose.errors import CannotRun, DiagnoseError, Option, UsageError
from diagnose.files import write_whole
from diagnose.probe import run
from diagnose.probe.answer import ProbeAnswer
from diagnose.probe.request import SEEDS, Budget, request_of
from diagnose.recipes import load_both
from diagnose.values import Case, PartialNumerics


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """How the probes of a case are run: on which images and device, within which budget; journals go to `runs`."""

    images: run.ImageSource
    runs: Path
    device: str = "cpu"
    budget: Budget = "auto"
    seeds: int = SEEDS


def run_trials(case: Case, options: TrialOptions, listener: run.Listener | None = None) -> Iterator[ProbeAnswer]:
    """Run the probes that a case asks for, one after the other, and yield what each found; Ctrl-C ends with one.

    Raises:
        UsageError: no claim asks for trials that may be run, or a probe is not possible.
        CannotRun: a probe could not run.
    """
    asked = requested_trials(case, download=options.images.download)
    if not asked:
        raise UsageError(
            f"No claim of {case.name} asks for trials that may be run.",
            hint="Claims of the kinds accuracy and cause do; models that are code run with {}.",
            options=(Option("trust", True),),
        )
    with consented(case, download=options.images.download):
        for trials in asked:
            answer = _run(trials, options, listener, trusted=case.trusted)
            yield answer
            if answer.interrupted:
                return


def _run(
    trials: RequestedTrials, options: TrialOptions, listener: run.Listener | None, *, trusted: bool
) -> ProbeAnswer:
    """Run one probe; its journals stay, and the claims are judged by them.

    Compiling a network runs code that is written on the way, which the guard of a case that is not trusted refuses.
    """
    try:
        request = request_of(
            trials.models,
            load_both(trials.recipe, trials.against),
            device=options.device,
            budget=options.budget,
            numerics=PartialNumerics(engine=None if trusted else "eager"),
            seeds=options.seeds,
        )
        return run.probe(request, options.images, options.runs, listener=listener)
    except DiagnoseError as error:
        message = f"The probe of {', '.join(trials.models)} could not run: {error.message}"
        kind = UsageError if isinstance(error, UsageError) else CannotRun
        raise kind(message, hint=error.template, options=error.options) from error


def keep_trials(case: Case, runs: Path, path: Path) -> int:
    """Write the trials at hand of the case's networks into one file, and return how many they are."""
    available = Measurements(case, runs).available_trials()
    models = [text for _, text in case.models]
    own = [trial for trial in available.runs if any(is_narrowed_version(trial.spec.model, model) for model in models)]
    write_whole(path, as_stored(own).encode("utf-8", errors="backslashreplace"))
    return len(own)
