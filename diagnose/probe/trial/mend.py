"""A trial's files made whole: where one is damaged, the trial is trained anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diagnose.errors import CannotRun, DiagnoseError
from diagnose.files import read_text
from diagnose.probe.trial.journal import LONGEST_SPEC, RUNNING, Journal, replace_file
from diagnose.probe.trial.spec import TrialSpec, from_json, to_json
from diagnose.values import TrialOutcome


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """A file that could not be read, and the trial that is trained anew because of it."""

    path: Path
    spec: TrialSpec


def mend(spec: TrialSpec, folder: Path) -> DamagedFile | None:
    """Remove what is kept of a trial of which a file is damaged, and return that file; None where all are whole.

    A damaged description is written anew, which costs nothing. A trial that another process trains is left alone.

    Raises:
        DiagnoseError: a damaged file cannot be removed.
    """
    journal = Journal(folder / spec.key)
    if not journal.folder.is_dir():
        return None
    with journal.alone_or_not() as alone:
        if not alone:
            return None
        if journal.spec.exists() and not _describes(journal, spec):
            replace_file(journal.spec, to_json(spec).encode())
        damaged = _damaged(journal, spec)
        if damaged is None:
            return None
        for path in (journal.ended, journal.lines, journal.checkpoint):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CannotRun(
                    f"{path} is damaged and cannot be removed: {error.strerror}",
                    hint=f"Remove {journal.folder}: the trial is then trained anew.",
                ) from error
    return DamagedFile(damaged, spec)


def _describes(journal: Journal, spec: TrialSpec) -> bool:
    """Return whether the description is of this trial; the arm may have had another name."""
    try:
        return from_json(read_text(journal.spec, "trial", most=LONGEST_SPEC)).key == spec.key
    except (DiagnoseError, ValueError, TypeError, KeyError, AttributeError):
        return False


def _damaged(journal: Journal, spec: TrialSpec) -> Path | None:
    """Return the first file that does not hold what it must, or None."""
    try:
        end = journal.end()
    except DiagnoseError:
        return journal.ended
    if end == RUNNING:
        return journal.checkpoint if journal.checkpoint.exists() and journal.state() is None else None
    if end.step is not None and end.step > spec.steps:
        return journal.ended
    epochs = {TrialOutcome.DONE: spec.length.epochs}.get(end.outcome, 0)
    if end.step is not None:
        epochs = (end.step - 1) * spec.length.epochs // spec.steps
    try:
        return None if len(journal.curve()) >= epochs else journal.lines
    except DiagnoseError:
        return journal.lines
