"""The largest requests for a probe: what no machine could train is refused at once."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.errors import UsageError

LONGEST = 100_000
"""Most epochs of a trial."""

MOST_HORIZONS = 20

MOST_SECONDS = 10_000 * 3600.0
"""Longest budget."""

CPU_BUDGET = 20 * 60.0
"""Seconds that a probe on a CPU may take where nothing is said."""

LIMITS = {
    "seeds": (2, 1_000),
    "epochs": (1, LONGEST),
    "images": (1, 100_000_000),
    "width": (1, 65_536),
    "micro_batch": (1, 1_000_000),
    "threads": (1, 1_024),
    "workers": (1, 1_024),
}
"""What each count of a request may be, on a cluster as well."""

OF_A_CORE = ("threads", "workers")
PER_CORE, FEWEST = 8, 16
"""The most threads and workers per core, and the most where there are few cores."""


def check_counts(counts: dict[str, int | None], *, cores: int | None = None) -> None:
    """Refuse counts beyond `LIMITS`, and more threads or workers than the cores can use.

    Raises:
        DiagnoseError: some are; the message names all of them (exit code 2).
    """
    wrong = list(_wrong(counts, cores))
    if wrong:
        raise UsageError(
            f"No probe can be made so: {'; '.join(wrong)}.",
            hint="One seed says nothing of the noise between seeds." if "seeds" in wrong[0] else "",
        )


def _wrong(counts: dict[str, int | None], cores: int | None) -> Iterator[str]:
    for name, count in counts.items():
        low, high = LIMITS[name]
        why = ""
        if name in OF_A_CORE and cores is not None:
            high = min(high, max(FEWEST, PER_CORE * cores))
            why = f", for there are {cores} cores"
        if count is not None and not low <= count <= high:
            yield f"{name.replace('_', '-')} must be from {low:,} to {high:,}{why}"
