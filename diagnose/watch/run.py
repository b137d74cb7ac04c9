"""Watch a training script: run it, read what its processes wrote, and say what acted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from diagnose.errors import CannotRun, in_one_line
from diagnose.files import check_folder
from diagnose.values import (
    Ending,
    RateCourse,
    ScriptError,
    ShortenedLoader,
    WatchedScript,
)
from diagnose.watch.data_fields import data_fields
from diagnose.watch.faults import find_faults
from diagnose.watch.launch import Outcome, Shortening, launch
from diagnose.watch.observed_facts import observed_facts
from diagnose.watch.optimizer_fields import optimizer_fields
from diagnose.watch.process_logs import ProcessLog, read_logs, training_process
from diagnose.watch.schedule_fields import schedule_fields
from diagnose.watch.training_fields import training_fields
from diagnose.watch.training_log import TrainingLog


def watch(words: Sequence[str], shortening: Shortening, *, logs: Path | None = None) -> WatchedScript:
    """Run a command, shortened, and return what was seen of it; `logs` is a folder that keeps the observations.

    Raises:
        DiagnoseError: the command cannot be started, or no process of it imported torch.
    """
    if logs is not None:
        check_folder(logs)
        logs.mkdir(parents=True, exist_ok=True)
        if any(logs.glob("*.jsonl")):
            raise CannotRun(f"{logs} holds the observations of another run.", hint="Name an empty folder.")
        return observed(logs, words, launch(words, shortening, logs))
    with tempfile.TemporaryDirectory(prefix="diagnose-watch-") as folder:
        outcome = launch(words, shortening, Path(folder))
        return observed(Path(folder), words, outcome)


def read(folder: Path) -> WatchedScript:
    """Return what the logs tell that an earlier run kept in a folder.

    Raises:
        DiagnoseError: there is no such folder, no process imported torch, or a log is damaged.
    """
    try:
        return observed(folder)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CannotRun(f"A log in {folder} is damaged: {in_one_line(error)}.") from error


def observed(folder: Path, words: Sequence[str] = (), outcome: Outcome | None = None) -> WatchedScript:
    """Return what the logs of a folder tell; `outcome` is how the command ended, None where that is not known."""
    logs = read_logs(folder)
    if not logs:
        code = f" It ended with {outcome.exit_code}." if outcome is not None else ""
        raise CannotRun(
            f"No Python process that was watched imported torch, so nothing was seen.{code}",
            hint="Python's options -S, -I and -E keep the hooks out; so does a program that is no Python.",
        )
    chosen = training_process(logs) or logs[0]
    ending = ending_of(chosen, outcome)
    ranks = len({log.rank for log in logs if log.rank is not None and log.of("step")})
    log = TrainingLog(chosen, ending=ending, ranks=max(ranks, 1))
    first, environment = chosen.events[0], next(iter(chosen.of("environment")), {})
    return WatchedScript(
        command=tuple(words) or tuple(map(str, first.get("arguments", ()))),
        ending=ending,
        exit_code=outcome.exit_code if outcome is not None else None,
        settings=(*optimizer_fields(log), *schedule_fields(log), *data_fields(log), *training_fields(log)),
        facts=tuple(observed_facts(log)),
        faults=find_faults(log),
        shortened=_shortened(log),
        course=_course(log),
        counts={
            "epochs": log.epochs,
            "steps": len(log.of("step")),
            "backwards": len(log.of("backward")),
            "evaluations": len(log.evaluation_passes),
            "processes": len(logs),
        },
        environment={key: str(environment[key]) for key in ("torch", "python", "threads") if key in environment},
        error=_error(chosen),
        hidden=tuple((str(e["hook"]), str(e["error"])) for e in chosen.of("hook-failed")),
    )


def ending_of(log: ProcessLog, outcome: Outcome | None) -> Ending:
    """Return how the process that trained ended."""
    stopped = log.of("stopped")
    if stopped:
        return Ending.EPOCHS if stopped[0]["reason"] == "epochs" else Ending.SECONDS
    if outcome is not None and outcome.out_of_time:
        return Ending.SECONDS
    if any(error["name"] == "KeyboardInterrupt" for error in log.of("error")) or (outcome and outcome.interrupted):
        return Ending.INTERRUPTED
    if log.of("error"):
        return Ending.FAILED
    if outcome is None:
        return Ending.BY_ITSELF if log.of("end") else Ending.UNKNOWN
    if outcome.exit_code < 0:
        return Ending.KILLED
    if outcome.exit_code:
        return Ending.FAILED
    return Ending.BY_ITSELF if log.of("end") else Ending.UNKNOWN


def _error(log: ProcessLog) -> ScriptError | None:
    errors = log.of("error")
    return ScriptError(errors[0]["name"], errors[0]["message"], errors[0]["place"]) if errors else None


def _shortened(log: TrainingLog) -> tuple[ShortenedLoader, ...]:
    trains = {loader["number"] for loader in log.training_loaders}
    cut: dict[int, list[int]] = {}
    for seen in log.passes:
        if seen["cut"]:
            cut.setdefault(seen["loader"], []).append(seen["batches"])
    return tuple(
        ShortenedLoader(
            log.loaders[number]["place"], batches[0], log.loaders[number]["length"], len(batches), number in trains
        )
        for number, batches in cut.items()
        if number in log.loaders
    )


def _course(log: TrainingLog) -> RateCourse:
    losses = [(e["number"], e["value"]) for e in log.of("backward") if isinstance(e["value"], int | float)]
    return RateCourse(log.rates, tuple(number for number, _ in losses), tuple(float(value) for _, value in losses))
