"""What is asked of a probe."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.probe.trial.numerics import PartialNumerics
from diagnose.values import Recipe


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """What is asked of a probe; None lets it choose. `budget` is in seconds, None is no limit.

    `horizons` are several lengths in epochs, in place of the one of `epochs`.
    """

    models: tuple[str, ...]
    start: Recipe
    end: Recipe
    ablate: tuple[str, ...] = ()
    seeds: int = 5
    epochs: int = 5
    images: int | None = None
    width: int | None = None
    device: str = "cpu"
    precision: str | None = None
    threads: int | None = None
    workers: int | None = None
    budget: float | None = None
    layout: str | None = None
    engine: str | None = None
    micro_batch: int | None = None
    horizons: tuple[int, ...] = ()

    @property
    def lengths(self) -> tuple[int, ...]:
        """Return the horizons, rising, each once."""
        return tuple(sorted(set(self.horizons or (self.epochs,))))

    @property
    def asked(self) -> PartialNumerics:
        """Return what is fixed of how trials compute."""
        return PartialNumerics(self.precision, self.layout, self.engine, self.threads, self.workers, self.micro_batch)
