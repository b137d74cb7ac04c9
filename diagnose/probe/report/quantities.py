"""Numbers in the words of a probe's report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from diagnose.wording import counted


def lengths(epochs: Sequence[int]) -> str:
    """Return lengths of training: "1 epoch", "5 and 16 epochs"."""
    return f"{' and '.join(map(str, epochs))} {'epoch' if tuple(epochs) == (1,) else 'epochs'}"


def steps_of(steps: Iterable[int]) -> str:
    """Return the steps of several trainings: "518 steps", "413 to 518 steps"."""
    found = sorted(set(steps))
    return counted(found[0], "step") if len(found) == 1 else f"{found[0]:,} to {found[-1]:,} steps"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it: "40 seconds", "2.5 minutes", "12 minutes", "1.5 hours"."""
    if seconds < 90:
        return counted(round(seconds), "second")
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.1f} minutes" if minutes < 9.95 else f"{minutes:.0f} minutes"
    return f"{minutes / 60:.1f} hours"


def at_most(points: float) -> str:
    """Return a bound in hundredths of a point, rounded up: below it nothing is claimed."""
    if not math.isfinite(points):
        return "∞"
    return f"{math.ceil(round(100 * points, 6)) / 100:.2f}"


def signed(number: float) -> str:
    """Return points of accuracy with their sign."""
    return f"{number:+.2f}".replace("-", "−")


def span(low: float, high: float) -> str:
    """Return an interval in points of accuracy."""
    return f"{signed(low)} to {signed(high)}"
