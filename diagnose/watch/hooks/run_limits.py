"""How a watched run is shortened: fewer batches in a pass over a loader, fewer epochs, fewer seconds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """The most batches of a pass, passes with training, and seconds since torch was imported; None is no limit."""

    batches: int | None
    epochs: int | None
    seconds: float | None
    start: float

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Limits:
        """Read the limits that the command set."""
        return cls(options["batches"], options["epochs"], options["seconds"], time.monotonic())

    @property
    def is_late(self) -> bool:
        """Say whether the seconds are over."""
        return self.seconds is not None and time.monotonic() - self.start > self.seconds
