"""The other paths through a network: what it computes where a value that it read, or a draw, were another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from diagnose.diff.capture.draws import MIDDLE
from diagnose.diff.capture.reads import ReadOrigin, TensorRead
from diagnose.diff.capture.tape import CannotCapture

MOST_READS = 12
"""Values read into Python whose other way is followed; a network that reads more is limited to the path taken."""

GRID = (0.0005, 0.25, MIDDLE, 0.75, 0.9995)
"""The quantiles at which a network is captured first; between two that differ, the rate is found by halving."""

PRECISION = 1e-3


@dataclass(frozen=True, slots=True)
class ValueBranch:
    """A value read into Python on which it depends what is computed.

    `other` is the digest of what is computed where a truth value is the other one; None where a number or a shape was
    read, whose other values cannot all be tried.
    """

    source: str
    other: str | None


@dataclass(frozen=True, slots=True)
class RandomPaths:
    """What uniform draws choose: between the `rates`, in rising order, one graph each, by its digest."""

    rates: tuple[float, ...] = ()
    digests: tuple[str, ...] = ()

    def alike(self, paths: RandomPaths) -> bool:
        """Return whether two networks change their path at the same rates."""
        return len(self.rates) == len(paths.rates) and all(
            abs(a - b) <= 2 * PRECISION for a, b in zip(self.rates, paths.rates, strict=True)
        )


def branches_of(
    reads: Sequence[TensorRead], taken: str, digest_with: Callable[[Mapping[int, object]], str]
) -> list[tuple[TensorRead, ValueBranch]]:
    """Return the reads that change what is computed.

    Args:
        reads: all of a pass.
        taken: the digest of what was computed.
        digest_with: captures once more, with other values for some reads, and returns the digest.
    """
    found = []
    read_data = [read for read in reads if read.origin is not ReadOrigin.CONSTANT]
    for read in read_data[:MOST_READS]:
        if read.value is None:
            found.append((read, ValueBranch(read.source, None)))
            continue
        other = not read.value if isinstance(read.value, bool) else _other_number(read.value)
        try:
            result = digest_with({read.index: other})
        except CannotCapture:
            continue  # the other way is an error: a check of the values
        if result != taken:
            found.append((read, ValueBranch(read.source, result if isinstance(read.value, bool) else None)))
    found += [(read, ValueBranch(read.source, None)) for read in read_data[MOST_READS:]]
    return found


def _other_number(value: complex) -> object:
    return value + 1 if isinstance(value, int) else value * 1.5 + 1.0


def random_paths(digest_at: Callable[[float], str]) -> RandomPaths:
    """Return the paths that uniform draws choose, by capturing at several quantiles."""
    known = {quantile: digest_at(quantile) for quantile in GRID}
    rates, digests = [], [known[GRID[0]]]
    for low, high in pairwise(GRID):
        if known[low] == known[high]:
            continue
        below, above = low, high
        while above - below > PRECISION:
            middle = (below + above) / 2
            if digest_at(middle) == known[low]:
                below = middle
            else:
                above = middle
        rates.append((below + above) / 2)
        digests.append(known[high])
    return RandomPaths(tuple(rates), tuple(digests))
