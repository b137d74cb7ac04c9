"""What a handful of seeds can say about a difference: intervals, corrected p-values, power.

paired:  d_i = b_i − a_i,  t = mean(d) / (s_d / √n),  n − 1 degrees of freedom
Welch:   t = (mean(b) − mean(a)) / √(s_a²/n + s_b²/n), Welch–Satterthwaite degrees of freedom
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALPHA, POWER = 0.05, 0.8
MOST_SEEDS = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two arms: its mean, standard error and degrees of freedom; `p` is not corrected yet."""

    mean: float
    error: float
    freedom: float
    n: int
    paired: bool
    p: float

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the interval of confidence 1 − alpha, infinite where one seed says nothing of the spread."""
        from scipy.stats import t

        if self.n < 2:
            return -math.inf, math.inf
        reach = float(t.ppf(1 - alpha / 2, self.freedom)) * self.error if self.error else 0.0
        return self.mean - reach, self.mean + reach


def difference(a: Sequence[float], b: Sequence[float], *, paired: bool) -> Difference:
    """Return the difference b − a; `paired` values of one index come from one seed."""
    from scipy.stats import t

    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n = min(len(x), len(y))
    mean = float(y.mean() - x.mean())
    if n < 2:
        return Difference(mean, math.nan, math.nan, n, paired, 1.0)
    if paired:
        error, freedom = float((y - x).std(ddof=1)) / math.sqrt(n), float(n - 1)
    else:
        u, v = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
        error = math.sqrt(u + v)
        freedom = float((u + v) ** 2 / (u**2 / (len(x) - 1) + v**2 / (len(y) - 1))) if error else float(2 * n - 2)
    if error == 0:  # without any spread: the same numbers, or a shift that no noise hides
        return Difference(mean, error, freedom, n, paired, 1.0 if mean == 0 else 0.0)
    return Difference(mean, error, freedom, n, paired, float(2 * t.sf(abs(mean) / error, freedom)))


def holm(p: Sequence[float]) -> tuple[tuple[float, int], ...]:
    """Return each p-value corrected by Holm's step-down method, and the number it was multiplied by.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    found: list[tuple[float, int]] = [(1.0, 1)] * len(p)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        factor = len(p) - rank
        highest = max(highest, min(1.0, factor * p[index]))
        found[index] = highest, factor
    return tuple(found)


def verdict(low: float, high: float, p: float, margin: float) -> tuple[str, float]:
    """Return one of the three words, and the bound that the interval sets on the size of the effect.

    "no effect larger than x" only where x is at most `margin`: a wide interval around zero says nothing.
    """
    bound = max(abs(low), abs(high))
    if p < ALPHA and not low <= 0 <= high:
        return "effect", bound
    return ("no effect larger than x" if bound <= margin else "undetermined"), bound


def detectable(deviation: float, n: int, *, paired: bool, alpha: float = ALPHA) -> float:
    """Return the smallest effect that n seeds show with 80 % power.

    `deviation` is the standard deviation of the differences where paired, else of one arm's accuracies.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    if n < 2 or not math.isfinite(deviation):
        return math.inf
    if deviation == 0:
        return 0.0
    freedom, error = (n - 1, deviation / math.sqrt(n)) if paired else (2 * n - 2, deviation * math.sqrt(2 / n))
    limit = float(t.ppf(1 - alpha / 2, freedom))

    def lacking(effect: float) -> float:
        # The other tail, an effect seen with the wrong sign, adds less than 1e-4 where the power is 80 %.
        return float(nct.sf(limit, freedom, effect)) - POWER

    return float(brentq(lacking, 0.0, 3 * limit + 10)) * error


def seeds_needed(size: float, deviation: float, *, paired: bool, alpha: float = ALPHA) -> int | None:
    """Return how many seeds show an effect of that size with 80 % power, None where `MOST_SEEDS` do not."""
    if size <= 0:
        return None
    low, high = 1, MOST_SEEDS  # low does not suffice; the need falls with n, so halve
    if detectable(deviation, high, paired=paired, alpha=alpha) > size:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if detectable(deviation, middle, paired=paired, alpha=alpha) <= size:
            high = middle
        else:
            low = middle
    return high
