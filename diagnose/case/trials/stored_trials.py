"""The trials at hand: those whose journals a probe left in its folder, and those that are kept in a case's own file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnose.bounds import parse_json
from diagnose.errors import DiagnoseError, Option, UsageError
from diagnose.files import read_bytes, read_text
from diagnose.values import EpochResult, Skipped, Trial, TrialEnd

if TYPE_CHECKING:
    from diagnose.probe.trial.spec import TrialSpec

SCHEMA = "diagnose.trials/1"
MOST = 5_000
LONGEST = 20_000_000
"""Longest file of kept trials, in bytes."""

EDITED = "the network's code is not here as it was trained"

_CURVE = ("train_loss", "test_accuracy", "seconds")


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """One stored trial: its specification and its result."""

    spec: TrialSpec
    trial: Trial


@dataclass(frozen=True, slots=True)
class AvailableTrials:
    """Every available trial, each once, and what could not be read."""

    runs: tuple[StoredTrial, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def with_more(self, more: AvailableTrials) -> AvailableTrials:
        """Return these trials, and those of the other that are not among them."""
        runs = {run.spec.key: run for run in (*more.runs, *self.runs)}
        return AvailableTrials(tuple(runs.values()), (*self.skipped, *more.skipped))

    def of_this_code(self, models: Iterable[str]) -> AvailableTrials:
        """Return these trials without those of code behind `models` that is not here as it was trained."""
        from diagnose.networks import digest_of_code

        ours = {_named(model) for model in models}
        trained = {run.spec.model for run in self.runs}
        code = {model: digest_of_code(model) for model in trained if _named(model) in ours}

        def edited(run: StoredTrial) -> bool:
            return run.spec.code != code.get(run.spec.model, run.spec.code)

        return AvailableTrials(
            tuple(run for run in self.runs if not edited(run)),
            (*self.skipped, *(_skipped(run.spec, EDITED) for run in self.runs if edited(run))),
        )


def _named(model: str) -> str:
    """Return what a MODEL text names, its options aside; the text itself where it is none."""
    from diagnose.networks import parse

    try:
        ref = parse(model)
    except DiagnoseError:
        return model
    return f"{ref.source}:{ref.name}"


def _skipped(spec: TrialSpec, why: str) -> Skipped:
    return Skipped(f"{spec.model}, {spec.arm}, seed {spec.seed}", why)


def journals_in(folder: Path) -> AvailableTrials:
    """Return the trials whose journals lie in a folder or below it; one that has not ended is no evidence yet."""
    from diagnose.probe.trial.journal import LONGEST_SPEC, RUNNING, Journal
    from diagnose.probe.trial.spec import from_json

    found, skipped = [], []
    for file in _journals(folder):
        journal = Journal(file.parent)
        try:
            spec = from_json(read_text(file, "trial", most=LONGEST_SPEC))
            if (end := journal.end()) == RUNNING:
                skipped.append(_skipped(spec, str(RUNNING)))
            else:
                found.append(StoredTrial(spec, spec.result(journal.curve(), end)))
        except (DiagnoseError, OSError, ValueError, TypeError, KeyError) as error:
            skipped.append(Skipped(file.parent.name, f"no journal of a trial: {type(error).__name__}"))
    return AvailableTrials(tuple(found), tuple(skipped))


def _journals(folder: Path) -> list[Path]:
    return sorted(folder.rglob("trial.json"))[:MOST]


def kept_in(path: Path) -> AvailableTrials:
    """Return the trials of a file that `as_stored` made.

    Raises:
        DiagnoseError: it cannot be read, or holds something else (exit code 2).
    """
    try:
        content = parse_json(read_text(path, "file of trials", most=LONGEST))
        if content["schema"] != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        if not isinstance(content["arms"], list):
            raise ValueError("its arms are no list")
        return AvailableTrials(tuple(run for arm in content["arms"] for run in _runs(arm)))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise UsageError(
            f"{path.name} holds no trials: {type(error).__name__}: {str(error)[:200]}.",
            hint="A report of a case writes such a file by {}.",
            options=(Option("keep_trials"),),
        ) from error


def _runs(arm: dict[str, Any]) -> Iterator[StoredTrial]:
    from diagnose.probe.trial.spec import from_json

    for entry in arm["seeds"]:
        spec = from_json(json.dumps(arm["trial"] | {"seed": int(entry["seed"])}))
        curve = tuple(
            EpochResult(epoch, **dict(zip(_CURVE, map(float, values), strict=True)))
            for epoch, values in enumerate(entry["epochs"], 1)
        )
        yield StoredTrial(spec, spec.result(curve, TrialEnd.parse(str(entry["status"]))))


def as_stored(runs: Iterable[StoredTrial]) -> str:
    """Return trials as the text of a file that goes with a case: each arm once, a line for each seed."""
    arms: dict[str, list[StoredTrial]] = {}
    for run in runs:
        spec = asdict(run.spec)
        del spec["seed"]
        arms.setdefault(json.dumps(spec, ensure_ascii=False), []).append(run)
    return f'{{"schema": "{SCHEMA}", "arms": [\n' + ",\n".join(_arm(*arm) for arm in sorted(arms.items())) + "\n]}\n"


def _arm(spec: str, runs: list[StoredTrial]) -> str:
    lines = []
    for run in sorted(runs, key=lambda run: run.spec.seed):
        epochs = [[getattr(result, name) for name in _CURVE] for result in run.trial.curve]
        lines.append(json.dumps({"seed": run.spec.seed, "status": run.trial.status, "epochs": epochs}))
    return f'{{"trial": {spec}, "seeds": [\n' + ",\n".join(lines) + "\n]}"


def digest(*places: Path | None) -> str:
    """Return a digest of all trials in files and folders, so that a ruling is kept for these trials and no others."""
    whole = sha256()
    for place in filter(None, places):
        files = (
            [place]
            if place.is_file()
            else [journal_file for spec in _journals(place) for journal_file in _files(spec.parent)]
        )
        for file in files:
            whole.update(f"{file.name}\0".encode() + _content(file))
    return whole.hexdigest()[:32]


def _content(file: Path) -> bytes:
    try:
        return read_bytes(file, "file of trials", most=LONGEST)
    except DiagnoseError as error:  # which reading the trials will tell
        return error.message.encode(errors="surrogateescape")


def _files(folder: Path) -> list[Path]:
    """Return what of a trial's journal its result depends on."""
    return [file for file in sorted(folder.iterdir()) if file.name in ("trial.json", "journal.jsonl", "status")]
