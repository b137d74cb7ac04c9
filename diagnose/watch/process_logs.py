"""The logs of the processes that a watched command started, read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnose.bounds import parse_json
from diagnose.errors import UsageError
from diagnose.files import open_regular

MOST_BYTES = 512 * 2**20
"""Largest log that is read."""

Event = Mapping[str, Any]


@dataclass(frozen=True)
class ProcessLog:
    """The events of one process in their order; the first is the process itself."""

    events: tuple[Event, ...]

    def of(self, kind: str) -> tuple[Event, ...]:
        """Return the events of one kind in their order."""
        return tuple(event for event in self.events if event["event"] == kind)

    @property
    def rank(self) -> int | None:
        """Return the rank that the launcher gave the process, None where there is none."""
        rank = self.events[0].get("rank")
        return rank if isinstance(rank, int) else None


def read_logs(folder: Path) -> tuple[ProcessLog, ...]:
    """Return the logs of a folder, one for each process that imported torch.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} with observations.")
    files = sorted(folder.glob("*.jsonl"))
    logs = (tuple(_events(file)) for file in files)
    return tuple(ProcessLog(events) for events in logs if events and events[0]["event"] == "process")


def _events(file: Path) -> Iterator[Event]:
    """Yield the events of a file; a last line that a kill cut off is left out."""
    with open_regular(file, "log", most=MOST_BYTES) as stream:
        for line in stream:
            try:
                event = parse_json(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                yield event


def training_process(logs: tuple[ProcessLog, ...]) -> ProcessLog | None:
    """Return the process that trained: of several ranks the first, else the one with the most steps."""
    trained = [log for log in logs if log.of("step") or log.of("backward") or log.of("pass-begins")]
    if not trained:
        return None
    stepped = [log for log in trained if log.of("step")] or trained
    ranked = [log for log in stepped if log.rank is not None]
    if ranked:
        return min(ranked, key=lambda log: log.rank or 0)
    return max(stepped, key=lambda log: len(log.of("step")))
