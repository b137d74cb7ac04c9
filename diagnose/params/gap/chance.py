"""How often chance alone meets a reported number: the share of random numbers that some set of edits would meet.

A random number is one of the same size, within a factor of `NEIGHBOURHOOD` of the reported one, written with as many
digits. The share is read off the search itself, from everything that it can reach at the cost of the solution, so no
constant is fitted; benchmarks/params_chance.py holds it against random numbers really searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from diagnose.params.gap.edits.block_kinds import second_order
from diagnose.params.gap.other_figures import StatedNumber
from diagnose.params.gap.search import Solution
from diagnose.params.gap.search_space import SearchSpace
from diagnose.params.index.lookup import KnownCounts
from diagnose.values import ReportedNumber, StatedFact

NEIGHBOURHOOD = 1.3
STANDS_OUT = 0.05
"""A solution stands out where fewer random numbers than this share would be met by one as cheap."""

CLEARLY_LIKELIER = 10.0
"""A solution is clearly likelier than another where chance would meet the other this many times as often."""

_MOST_ROWS_JUDGED = 2_000
_ROUNDING_OF_COSTS = 1e-9


@dataclass(frozen=True)
class Chance:
    """What chance is judged by: the search space, what is stated, other stated numbers, and known networks."""

    space: SearchSpace
    stated: Sequence[StatedFact] = ()
    rows: Sequence[StatedNumber] = ()
    known: KnownCounts | None = None

    @cached_property
    def in_second_order(self) -> bool:
        """Return whether the network has a second-order term, in which an added layer may stand."""
        return second_order(self.space.layout)

    def of(self, solution: Solution, reported: ReportedNumber) -> float:
        """Return the share of random numbers that a solution as cheap, and meeting as many rows, would meet.

        Sets whose edits turn out not to apply together are counted in, so the share is at most too large.
        """
        stated = frozenset(fact.facet for fact in self.stated)
        if solution.facets & stated:  # one that contradicts what is stated is one of all
            stated = frozenset()
        chosen = self._reached(solution.cost, reported, stated)
        if self.rows and len(chosen) <= _MOST_ROWS_JUDGED:
            most = self._missed(solution)
            chosen = np.array([row for row in chosen if self._surely_missed(int(row)) <= most], dtype=int)
        return self._share(self.space.values[chosen], solution.cost, reported, stated)

    def of_known(self, cost: float, reported: ReportedNumber) -> float:
        """Return the share of random numbers that a known network, or edits, of at most a cost would meet."""
        stated = frozenset(fact.facet for fact in self.stated)
        return self._share(self.space.values[self._reached(cost, reported, stated)], cost, reported, stated)

    def _reached(self, cost: float, reported: ReportedNumber, kept: frozenset[str]) -> npt.NDArray[np.int64]:
        """Return the sets of edits up to a cost that give a number near the reported one and keep some facets."""
        low, high = _window(reported)
        values = self.space.values
        reached = (self.space.sets.costs <= cost + _ROUNDING_OF_COSTS) & (values > low) & (values < high)
        return np.flatnonzero(reached & ~self.space.has_facet(kept) if kept else reached)

    def _share(
        self, values: npt.NDArray[np.float64], cost: float, reported: ReportedNumber, kept: frozenset[str]
    ) -> float:
        """Return the share of random numbers that a value, a free number or a known network up to a cost would meet."""
        low, high = _window(reported)
        width = reported.widest[1] - reported.widest[0] + 1
        most = cost + _ROUNDING_OF_COSTS
        reached: list[npt.NDArray[np.int64] | npt.NDArray[np.float64]] = [values]
        for number in self.space.free:
            if number.cost <= most and number.facet not in kept:
                if number.slope <= width:
                    return 1.0
                reached.append(number.values(low, high))
        if self.known is not None:
            counts = self.known.values[self.known.costs <= most]
            reached.append(counts[(counts > low) & (counts < high)])
        apart = np.diff(np.unique(np.concatenate(reached)))
        return float(min(1.0, (np.minimum(apart, width).sum() + width) / (high - low)))

    def stands_out(self, shares: Sequence[tuple[Solution, float]]) -> bool:
        """Return whether the first solution is more than chance, and the others are clearly less likely.

        `shares` holds the solutions with the chance of each, the likeliest first.
        """
        if not shares or shares[0][1] > STANDS_OUT:
            return False
        first, least = shares[0]
        return not any(
            share <= min(STANDS_OUT, CLEARLY_LIKELIER * least)
            and rival.published >= first.published
            and self._missed(rival) <= self._missed(first)
            for rival, share in shares[1:]
        )

    def _missed(self, solution: Solution) -> int:
        return sum(not row.judge(solution, in_second_order=self.in_second_order)[1] for row in self.rows)

    def _surely_missed(self, row: int) -> int:
        solution = self._solution(row)
        return sum(not number.may_fit(solution, in_second_order=self.in_second_order) for number in self.rows)

    def _solution(self, row: int) -> Solution:
        sets = self.space.sets
        convention = self.space.conventions[sets.convention[row]]
        return Solution(self.space.edits(row), convention, int(sets.totals[row]), ())


def clearly_likelier(chance: float, rival: float) -> int:
    """Return 1 where chance meets the rival far more often, -1 where far less often, and 0 where neither is so."""
    return (CLEARLY_LIKELIER * chance <= rival) - (CLEARLY_LIKELIER * rival <= chance)


def _window(reported: ReportedNumber) -> tuple[float, float]:
    middle = sum(reported.rounded) / 2
    return middle / NEIGHBOURHOOD, middle * NEIGHBOURHOOD
