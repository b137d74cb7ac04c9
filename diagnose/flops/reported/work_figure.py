"""A number of operations stated beside a number of parameters: an answer must fit both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from diagnose.errors import CannotRun, DiagnoseError
from diagnose.flops.count import count_operations
from diagnose.flops.predict import Prediction
from diagnose.flops.reported.search_operations import parse_reported_work
from diagnose.flops.reported.variants import SLACK
from diagnose.networks import BuiltModel
from diagnose.networks.inputs import with_named_inputs
from diagnose.params.gap.build_edited import CannotEditError
from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.layout import Layout, layout_of
from diagnose.params.gap.search import Solution
from diagnose.params.gap.verify import edited_model
from diagnose.values import FlopTable, KnownNetwork, ParamTable, ReportedNumber

FACTORS = (1, 2)
"""What documents write for MACs: their number, or twice it."""


@dataclass(frozen=True)
class WorkFigure:
    """The MACs, or 2 × MACs, of a forward pass; those of an edited network are predicted first, then counted."""

    reported: ReportedNumber
    built: BuiltModel
    table: ParamTable
    layout: Layout
    operations: FlopTable
    _counted: dict[tuple[Edit, ...], int | None] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return the number, and of what it is one."""
        return f"{self.reported.text} MACs or FLOPs"

    def judge(self, solution: Solution, *, in_second_order: bool) -> tuple[int, bool, str]:
        """Return the MACs of the edited network, counted where it can be built, and whether they fit."""
        if not self.may_fit(solution, in_second_order=in_second_order):
            return round(self._predicted(solution)), False, ""
        if solution.edits not in self._counted:
            self._counted[solution.edits] = self._count(solution.edits)
        macs = self._counted[solution.edits]
        if macs is None:
            note = "The MACs of this edit are predicted from shapes: it could not be built."
            return round(self._predicted(solution)), True, note
        return macs, self._fits(macs), ""

    def may_fit(self, solution: Solution, *, in_second_order: bool) -> bool:
        """Return whether the predicted MACs lie near the stated ones."""
        low, high = self.reported.widest
        predicted = self._predicted(solution)
        return any(low <= factor * predicted * (1 + SLACK) and factor * predicted * (1 - SLACK) <= high
                   for factor in FACTORS)  # fmt: skip

    def contradicts(self, network: KnownNetwork) -> bool:
        """Return whether a known network takes other MACs at its own input."""
        return network.macs is not None and not self._fits(network.macs)

    def _fits(self, macs: int) -> bool:
        return any(self.reported.readings(factor * macs) for factor in FACTORS)

    def _predicted(self, solution: Solution) -> float:
        edited: Layout | None = self.layout
        for edit in solution.edits:
            edited = edit.apply(edited) if edited is not None else None
        return 0.0 if edited is None else self._prediction.of(edited)

    @cached_property
    def _prediction(self) -> Prediction:
        return Prediction(self.layout, self.operations)

    def _count(self, edits: tuple[Edit, ...]) -> int | None:
        if not edits:
            return self.operations.macs
        try:
            model, _, _ = edited_model(edits, self.built.ref, self.built.module, self.table)
        except (DiagnoseError, CannotEditError, AttributeError):
            return None
        inputs = self.operations.inputs
        counted = count_operations(with_named_inputs(model, inputs), (inputs,))
        return counted.macs if isinstance(counted, FlopTable) else None


def work_figure(text: str) -> Callable[[BuiltModel, ParamTable], WorkFigure]:
    """Parse "0.56G" or "4.1 GFLOPs" and return what makes the figure of a built network.

    Raises:
        DiagnoseError: the number cannot be read; or, when the figure is made, the network's forward pass did not run.
    """
    reported = parse_reported_work(text)

    def figure_of(built: BuiltModel, table: ParamTable) -> WorkFigure:
        operations = count_operations(built.module, (table.inputs,) if table.inputs is not None else ())
        if not isinstance(operations, FlopTable):
            raise CannotRun(f"the operations of {built.ref.text} cannot be counted: {operations.reason}")
        return WorkFigure(reported, built, table, layout_of(table), operations)

    return figure_of
