"""Another row of the same table: the same convention and edits, applied to another model and its reported number."""

from __future__ import annotations

from diagnose.params.gap.edits.block_kinds import second_order
from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.edits.families import edits_by_key, free_numbers
from diagnose.params.gap.layout import Layout
from diagnose.params.gap.search import Solution
from diagnose.values import KnownNetwork, ReportedNumber

_OF_ONE_ROW = frozenset({"blocks"})
"""Facets that a table states row by row: changing them in one row says nothing of another."""


class TableRow:
    """A second model with its reported number."""

    def __init__(self, text: str, layout: Layout, reported: ReportedNumber) -> None:
        self.text, self.layout, self.reported = text, layout, reported
        self._edits = edits_by_key(layout)
        self._free = {number.family: number for number in free_numbers(layout)}

    def judge(self, solution: Solution, *, in_second_order: bool) -> tuple[int, bool, str]:
        """Return the row's count under a hit's convention and edits, whether it fits, and on what that rests.

        Layers added to the blocks of a network with a second-order term (`in_second_order`) may stand in that term,
        which a network without one does not have: then the row may keep its count.
        """
        total = self._total(solution, ())
        if self._fits(solution, total):
            return total, True, ""
        if in_second_order and not second_order(self.layout):
            apart = self._total(solution, ("extra layers per block",))
            if apart != total and self._fits(solution, apart):
                return apart, True, f"{self.text} fits only if what is added stands in the second-order term."
        return total, False, ""

    def may_fit(self, solution: Solution, *, in_second_order: bool) -> bool:
        """Return whether the row's count fits."""
        return self.judge(solution, in_second_order=in_second_order)[1]

    def contradicts(self, network: KnownNetwork) -> bool:
        """Return False: the row is another network's."""
        return False

    def _fits(self, solution: Solution, total: int) -> bool:
        return bool(self.reported.readings(total * solution.convention.factor))

    def _solved(self, edit: Edit) -> Edit | None:
        """Return the edit of a free number, made for this row; None where the row has no such number."""
        number = self._free.get(edit.family)
        return None if number is None else number.make(edit.parameters[0][1])

    def _total(self, solution: Solution, left_out: tuple[str, ...]) -> int:
        layout = self.layout
        for edit in solution.edits:
            own = self._edits.get(edit.key) or self._solved(edit)
            if own is not None and edit.family not in left_out and edit.facet not in _OF_ONE_ROW:
                layout = own.apply(layout) or layout
        return solution.convention.total(layout.counts())
