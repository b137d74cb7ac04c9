"""The trials that a probe left in its folder, as far as they ended."""

from __future__ import annotations

from pathlib import Path

from diagnose.probe.journal import Journal
from diagnose.probe.trials import from_json
from diagnose.values import Skipped, Trial

MOST = 5_000


def trials_in(folder: Path) -> tuple[tuple[Trial, ...], tuple[Skipped, ...]]:
    """Return the trials whose journals lie in a folder or below it, and what could not be read."""
    found, skipped = [], []
    for spec in sorted(folder.rglob("trial.json"))[:MOST]:
        journal = Journal(spec.parent)
        try:
            found.append(from_json(spec.read_text("utf-8")).result(journal.curve(), journal.status()))
        except (OSError, ValueError, TypeError, KeyError) as error:
            skipped.append(Skipped(spec.parent.name, f"no journal of a trial: {type(error).__name__}"))
    return tuple(found), tuple(skipped)
