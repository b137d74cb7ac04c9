"""Whole numbers that a re-implementation may choose freely, such as classes: solved for by division, not listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.layout import Layout
from diagnose.params.gap.parameter_conventions import PLAIN

_MOST_LISTED = 3
"""Where more numbers than these fit, the reported number tells none of them."""


@dataclass(frozen=True)
class FreeNumber:
    """A whole number of a layout: what it is `now`, and the edit that each other one makes."""

    layout: Layout
    family: str
    facet: str
    now: int
    make: Callable[[int], Edit]
    cost: float = 1.5

    @cached_property
    def slope(self) -> int:
        """Return the parameters that one more adds, 0 where the count does not grow in a straight line."""
        totals = [self._total(self.now + more) for more in (1, 2, 3)]
        if None in totals:
            return 0
        first, second, third = (total for total in totals if total is not None)
        return second - first if second - first == third - second else 0

    @cached_property
    def _at_zero(self) -> int:
        total = self._total(self.now + 1)
        assert total is not None
        return total - self.slope * (self.now + 1)

    def _total(self, number: int) -> int | None:
        edited = self.make(number).apply(self.layout)
        return None if edited is None else PLAIN.total(edited.counts())

    def values(self, low: float, high: float) -> npt.NDArray[np.int64]:
        """Return every count between two that some number gives."""
        if self.slope <= 0:
            return np.array([], dtype=np.int64)
        first = max(1, -(-(int(np.ceil(low)) - self._at_zero) // self.slope))
        last = (int(np.floor(high)) - self._at_zero) // self.slope
        return self._at_zero + self.slope * np.arange(first, last + 1, dtype=np.int64)

    def solved(self, low: float, high: float) -> Iterator[Edit]:
        """Yield the edits that give a count between two, none where too many do to tell."""
        numbers = (self.values(low, high) - self._at_zero) // self.slope if self.slope > 0 else ()
        if len(numbers) <= _MOST_LISTED:
            yield from (self.make(int(number)) for number in numbers if number != self.now)
