"""What a handful of seeds can say about a difference: intervals, corrected p-values, power, shares.

paired:  d_i = b_i − a_i,  t = mean(d) / (s_d / √n),  n − 1 degrees of freedom
Welch:   t = (mean(b) − mean(a)) / √(s_a²/n_a + s_b²/n_b), Welch–Satterthwaite degrees of freedom
share:   ρ = mean(d) / mean(g), its interval all ρ for which the t-test of d − ρ·g does not reject (Fieller)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.values import EffectVerdict

ALPHA, POWER = 0.05, 0.8
MOST_SEEDS = 200


@dataclass(frozen=True, slots=True)
class ArmDifference:
    """The difference of two arms: its mean, standard error and degrees of freedom; `p` is not corrected yet.

    The error is NaN where the noise is not known: with fewer than two seeds, or where the seeds do not spread at all,
    which coarse accuracies do by chance. `rounded` says that they do not spread and that the error is one
    step of their resolution.
    """

    mean: float
    error: float
    freedom: float
    n: int
    paired: bool
    p: float
    rounded: bool = False

    @property
    def deviation(self) -> float:
        """Return the standard deviation that `detectable` asks for: of the differences where paired, else of an arm."""
        return self.error * math.sqrt(self.n if self.paired else self.n / 2)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the interval of confidence 1 − alpha, infinite where the noise is not known."""
        if not math.isfinite(self.error):
            return -math.inf, math.inf
        reach = _quantile(self.freedom, alpha) * self.error
        return self.mean - reach, self.mean + reach


def difference(
    a: Sequence[float], b: Sequence[float], *, paired: bool, resolution: float | None = None
) -> ArmDifference:
    """Return the difference b − a of at least one value each; `paired` values of one index come from one seed.

    `resolution` is the step of the values, that of one test image, or None where it is not known. Values that do not
    spread but differ are taken to have it for a standard deviation: a spread that is not seen is smaller than a step.
    """
    from scipy.special import stdtr

    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n = min(len(x), len(y))
    mean = float(y.mean() - x.mean())
    unknown = ArmDifference(mean, math.nan, math.nan, n, paired, 1.0)
    if n < 2:
        return unknown
    if paired:
        error, freedom = float((y - x).std(ddof=1)) / math.sqrt(n), float(n - 1)
    else:
        u, v = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
        error = math.sqrt(u + v)
        freedom = float((u + v) ** 2 / (u**2 / (len(x) - 1) + v**2 / (len(y) - 1))) if error else math.nan
    if error <= 1e-9 * max(1.0, abs(mean)):
        if resolution is None or abs(mean) < resolution / 2:
            return unknown
        error = resolution * math.sqrt(1 / n if paired else 1 / len(x) + 1 / len(y))
        freedom = float(n - 1)
        return ArmDifference(
            mean, error, freedom, n, paired, float(2 * stdtr(freedom, -abs(mean) / error)), rounded=True
        )
    return ArmDifference(mean, error, freedom, n, paired, float(2 * stdtr(freedom, -abs(mean) / error)))


@dataclass(frozen=True, slots=True)
class CorrectedPValue:
    """A p-value corrected for the number of tests, and the `alpha` at which its own interval excludes 0 as it does."""

    p: float
    alpha: float


def holm(p: Sequence[float]) -> tuple[CorrectedPValue, ...]:
    """Correct p-values by Holm's step-down method.

    The k-th smallest of m is held to 5 % / (m − k + 1) for as long as each is below; all from the first one that is
    not are held to that one's level. So an interval at `alpha` excludes 0 exactly where the corrected p is below 5 %.
    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    found = [CorrectedPValue(1.0, ALPHA)] * len(p)
    highest, left = 0.0, len(p)
    for rank, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        if highest < ALPHA:
            left = len(p) - rank
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        found[index] = CorrectedPValue(highest, ALPHA / left)
    return tuple(found)


def verdict(low: float, high: float, margin: float) -> tuple[EffectVerdict, float]:
    """Return the verdict on an interval, and the bound that the interval sets on the effect's magnitude.

    No effect larger than the bound is said only where it is at most `margin`: a wide interval around zero says nothing.
    """
    bound = max(abs(low), abs(high))
    if not low <= 0 <= high:
        return EffectVerdict.EFFECT, bound
    return (EffectVerdict.BOUNDED if bound <= margin else EffectVerdict.UNDETERMINED), bound


def share(effect: Sequence[float], gap: Sequence[float]) -> tuple[float, float, float] | None:
    """Return which part of the gap an effect is, with its 95 % interval; one value of each a seed.

    None where the interval is unbounded, because the gap itself is not told from zero.
    Source: Fieller 1954, "Some problems in interval estimation".
    """
    n = len(effect)
    if n < 2:
        return None
    (effects, mixed), (_, gaps) = (np.cov(effect, gap) / n).tolist()
    mean, whole = float(np.mean(effect)), float(np.mean(gap))
    t = _quantile(n - 1, ALPHA)
    # All ρ with (mean − ρ·whole)² ≤ t²·(effects − 2ρ·mixed + ρ²·gaps), a quadratic in ρ.
    a, b, c = whole**2 - t**2 * gaps, mean * whole - t**2 * mixed, mean**2 - t**2 * effects
    if a <= 0:
        return None
    reach = math.sqrt(max(b**2 - a * c, 0.0))
    return mean / whole, (b - reach) / a, (b + reach) / a


def detectable(deviation: float, n: int, *, paired: bool, alpha: float = ALPHA) -> float:
    """Return the smallest effect that n seeds show with 80 % power.

    `deviation` is the standard deviation of the differences where paired, else of one arm's accuracies.
    """
    from scipy.optimize import brentq
    from scipy.special import nctdtr

    if n < 2 or not math.isfinite(deviation):
        return math.inf
    freedom, error = (n - 1, deviation / math.sqrt(n)) if paired else (2 * n - 2, deviation * math.sqrt(2 / n))
    limit = _quantile(freedom, alpha)

    def lacking(effect: float) -> float:
        # The other tail, an effect seen with the wrong sign, adds less than 1e-4 where the power is 80 %.
        return 1 - float(nctdtr(freedom, effect, limit)) - POWER

    return float(brentq(lacking, 0.0, 3 * limit + 10)) * error


def seeds_to_settle(mean: float, deviation: float, *, paired: bool, alpha: float, margin: float) -> int | None:
    """Return how many seeds would settle a difference, if it is what was measured; None where `MOST_SEEDS` do not.

    Settled is an effect that is shown with 80 % power, or one whose interval lies within `margin` of zero.
    """

    def settles(n: int) -> bool:
        freedom, error = (n - 1, deviation / math.sqrt(n)) if paired else (2 * n - 2, deviation * math.sqrt(2 / n))
        if abs(mean) + _quantile(freedom, alpha) * error <= margin:
            return True
        return detectable(deviation, n, paired=paired, alpha=alpha) <= abs(mean)

    low, high = 1, MOST_SEEDS  # low does not suffice; the need falls with n, so halve
    if not math.isfinite(deviation) or not settles(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if settles(middle):
            high = middle
        else:
            low = middle
    return high


def _quantile(freedom: float, alpha: float) -> float:
    """Return the t-value that 1 − alpha of the distribution lies within."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - alpha / 2))
