"""Results of counting: parameters, a reported number explained, operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diagnose.api.drawable import Drawable
from diagnose.values import FlopTable, ParameterGap, ParamTable

if TYPE_CHECKING:
    from diagnose.flops.run import FlopsAnswer
    from diagnose.params.run import ParamsAnswer


@dataclass(frozen=True, repr=False, eq=False)
class ParameterCount(Drawable):
    """A network's parameters; `answer` has everything that was measured."""

    answer: ParamsAnswer

    @property
    def table(self) -> ParamTable:
        """Return every parameter and buffer with its place, its kind, and whether the forward pass reads it."""
        return self.answer.table

    @property
    def total(self) -> int:
        """Return the number of parameters, a tied one counted once."""
        return self.table.total

    @property
    def trainable(self) -> int:
        """Return the parameters that require a gradient."""
        return self.table.trainable

    @property
    def unused(self) -> int | None:
        """Return the parameters that the forward pass never reads, None where it could not run."""
        return self.table.unused

    def rows(self) -> list[dict[str, Any]]:
        """Return the tensors: path, kind, shape, parameters, stage, block, branch, trainable, tied_to, used."""
        return [dict(row) for row in self.data["rows"]]


@dataclass(frozen=True, repr=False, eq=False)
class ParameterExplanation(ParameterCount):
    """A network's parameters beside a reported number, and the edits that would give it."""

    @property
    def gap(self) -> ParameterGap:
        """Return the gap: the number as it may be read, and the solutions that close it, the likeliest first."""
        assert self.answer.gap is not None
        return self.answer.gap

    @property
    def is_met(self) -> bool:
        """Return whether the network as it is has the reported number, rounded or truncated to its last digit."""
        return bool(self.gap.reported.readings(self.gap.total))

    def rows(self) -> list[dict[str, Any]]:
        """Return the solutions, the likeliest first: edits, total, convention, fits, chance, cost, source, verified."""
        return [
            {
                "edits": list(solution.edits),
                "total": solution.total,
                "convention": solution.convention,
                "fits": list(solution.fits),
                "chance": solution.chance,
                "cost": solution.cost,
                "source": solution.source,
                "verified": solution.verified,
            }
            for solution in self.gap.solutions
        ]


@dataclass(frozen=True, repr=False, eq=False)
class OperationCount(Drawable):
    """The operations of networks on given inputs; `answer` has everything that was measured."""

    answer: FlopsAnswer

    @property
    def table(self) -> FlopTable:
        """Return the operations of the first network, by operator and module."""
        return self.answer.models[0].table

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates of the first network."""
        return self.table.macs

    @property
    def flops(self) -> int:
        """Return 2 × MACs plus every other operation of the first network."""
        return self.table.flops

    @property
    def is_lower_bound(self) -> bool:
        """Return whether an operator without a formula reads parameters of the first network."""
        return self.table.lower_bound

    @property
    def is_met(self) -> bool:
        """Return whether every total is whole and every reported number met by the network as it is."""
        return self.answer.holds

    def rows(self) -> list[dict[str, Any]]:
        """Return what each operator does in each module: model, path, op, kind, stage, block, count, macs, flops, …."""
        return [
            {
                "model": model.ref.text,
                "path": row.path,
                "op": row.op,
                "kind": row.kind,
                "stage": row.place.stage,
                "block": row.place.block,
                "count": row.count,
                "macs": row.macs,
                "flops": row.flops,
                "elements": row.elements,
                "activation_bytes": row.activation_bytes,
                "backward": row.backward,
            }
            for model in self.answer.models
            for row in model.table.rows
        ]
