"""The networks of the index that a reported number names, and those nearest to it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from diagnose.params.index.network_index import SOURCES, network_index, plainness
from diagnose.values import CountedPart, KnownMatch, KnownNetwork, ModelRef, ReportedNumber

SIBLING, STRANGER, HEADLESS = 1.0, 1.5, 0.5
"""What it costs to believe that a number is a sibling's, that it is another network's, and that it leaves out a head.

The unit is that of edits: 1 is one plain change.
"""

_FAMILY = re.compile(r"[a-z]+")
_NEAREST = 3


@dataclass(frozen=True)
class KnownCounts:
    """Every count that the index holds, seen from one network: `values`, and what each costs to believe."""

    ref: ModelRef

    @cached_property
    def values(self) -> npt.NDArray[np.int64]:
        """Return the counts."""
        return np.array([match.total for _, match in self._all], dtype=np.int64)

    @cached_property
    def costs(self) -> npt.NDArray[np.float64]:
        """Return the cost of each count."""
        return np.array([cost for cost, _ in self._all])

    def meeting(self, reported: ReportedNumber) -> list[tuple[float, KnownMatch]]:
        """Return the counts that a reported number may be, with the cost of each, the least first."""
        low, high = reported.widest
        rows = np.flatnonzero((self.values >= low) & (self.values <= high))
        matches = [self._all[row] for row in rows if reported.readings(int(self.values[row]))]
        return sorted(matches, key=lambda pair: (pair[0], plainness(pair[1].network)))

    @cached_property
    def _all(self) -> list[tuple[float, KnownMatch]]:
        return list(_counts(self.ref))


def _counts(ref: ModelRef) -> Iterator[tuple[float, KnownMatch]]:
    own = _FAMILY.match(ref.name.lower())
    for network in network_index().networks:
        family = _FAMILY.match(network.model.partition(":")[2].lower())
        akin = ref.source in SOURCES and own and family and own[0] == family[0]
        cost = SIBLING if akin else STRANGER
        yield cost, KnownMatch(network, CountedPart.WHOLE, network.parameters)
        if network.classifier:
            yield cost + HEADLESS, KnownMatch(network, CountedPart.HEADLESS, network.headless)


def nearest_networks(reported: ReportedNumber) -> tuple[KnownNetwork, ...]:
    """Return the networks whose counts are nearest to a reported number, one of each count."""
    middle = sum(reported.rounded) / 2
    by_count: dict[int, KnownNetwork] = {}
    for network in sorted(network_index().networks, key=plainness):
        by_count.setdefault(network.parameters, network)
    order = sorted(by_count.values(), key=lambda network: abs(math.log(network.parameters / middle)))
    return tuple(order[:_NEAREST])
