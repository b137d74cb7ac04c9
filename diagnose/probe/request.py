"""What is asked of a probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from diagnose.probe.plan.limits import CPU_BUDGET
from diagnose.probe.trial.devices import chosen_device
from diagnose.values import PartialNumerics, Recipe

Budget = float | Literal["auto"] | None
"""Seconds that a probe may take, None for no limit; "auto" is `CPU_BUDGET` on a CPU and no limit on a GPU."""

CHOSEN_BY_TIMING = PartialNumerics()

SEEDS = 5
"""Trials of each arm where nothing is said."""


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """What is asked of a probe; None lets it choose. `budget` is in seconds, None is no limit.

    `lengths` are in epochs, rising; each has trials of its own. `numerics` is what is fixed of how trials compute.
    """

    models: tuple[str, ...]
    start: Recipe
    end: Recipe
    ablate: tuple[str, ...] = ()
    seeds: int = SEEDS
    lengths: tuple[int, ...] = (5,)
    images: int | None = None
    width: int | None = None
    device: str = "cpu"
    budget: float | None = None
    numerics: PartialNumerics = CHOSEN_BY_TIMING

    @property
    def counts(self) -> dict[str, int | None]:
        """Return the numbers that have limits, by their names; the lengths aside."""
        fixed = self.numerics
        named = {"seeds": self.seeds, "images": self.images, "width": self.width}
        return named | {"micro_batch": fixed.micro_batch, "threads": fixed.threads, "workers": fixed.workers}


def request_of(
    models: Sequence[str],
    ends: tuple[Recipe, Recipe],
    *,
    device: str | None = None,
    elsewhere: bool = False,
    budget: Budget = "auto",
    lengths: Sequence[int] = (5,),
    ablate: Sequence[str] = (),
    seeds: int = SEEDS,
    images: int | None = None,
    width: int | None = None,
    numerics: PartialNumerics = CHOSEN_BY_TIMING,
) -> ProbeRequest:
    """Return the request for a probe between two recipes, on the device and within the budget that are usual here.

    `device` is None where there is no wish. `elsewhere` says that the trials run on a cluster.

    Raises:
        DiagnoseError: there is no such device.
    """
    place = chosen_device(device, elsewhere=elsewhere)
    automatic = CPU_BUDGET if place == "cpu" else None
    seconds = automatic if budget == "auto" else budget
    return ProbeRequest(
        models=tuple(models),
        start=ends[0],
        end=ends[1],
        ablate=tuple(ablate),
        seeds=seeds,
        lengths=tuple(sorted(set(lengths))),
        images=images,
        width=width,
        device=place,
        budget=seconds,
        numerics=numerics,
    )
