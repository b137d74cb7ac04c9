"""Parameters and operations counted and explained: `diagnose params` and `diagnose flops` for Python.

A live module is counted on a copy without weights, so that counting takes no memory and runs no convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from diagnose.api.drawable import Drawable
from diagnose.api.given import (
    Inputs,
    Network,
    Progress,
    as_model,
    callers_state_kept,
    element_type_of,
    input_texts,
    silent,
)
from diagnose.errors import UsageError
from diagnose.values import FlopTable, ParameterGap, ParamTable

if TYPE_CHECKING:
    from diagnose.flops.run import FlopsAnswer
    from diagnose.params.run import ParamsAnswer
    from diagnose.values import ModelRef, Report

ParameterRows = Literal["stage", "kind", "block", "layer"]
OperationRows = Literal["stage", "kind", "operator", "block", "layer"]


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


def count_parameters(
    model: Network,
    *,
    inputs: Inputs = None,
    against: Network | None = None,
    by: ParameterRows | None = None,
    cross_check: bool = False,
    seed: int | None = None,
    progress: Progress = silent,
) -> ParameterCount:
    """Count the parameters of a network, and say which of them its forward pass reads.

    Args:
        model: a module, which stays as it is, or a MODEL text.
        inputs: of the forward pass, the batch first, (N, C, H, W) for images; see `diagnose.api.Inputs`.
        against: a second network, counted beside the first.
        by: what a row of the printed table stands for; None is "stage".
        cross_check: compare with what torchinfo and fvcore count.
        seed: of a MODEL that draws random numbers while it is built.
        progress: told what begins.

    Raises:
        UsageError: the network or an input is not what it should be.
        CannotRun: the network cannot be built or copied.

    Examples:
        >>> from torch import nn
        >>> count = count_parameters(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)), inputs="1x8")
        >>> count.total, count.unused
        (46, 0)
        >>> [(row["path"], row["parameters"]) for row in count.rows()]
        [('0.weight', 32), ('0.bias', 4), ('2.weight', 8), ('2.bias', 2)]
    """
    with callers_state_kept():
        from diagnose.params.run import run

        ref = as_model(model)
        progress(f"Counting {ref}")
        other_model = None if against is None else as_model(against)
        texts = input_texts(inputs, element_type_of(model))
        found = run(ref, inputs=texts, seed=seed, against=other_model, check=cross_check)
        return ParameterCount(_parameters_report(found, by), found)


def explain_parameters(
    model: Network,
    reported: str,
    *,
    keep: Sequence[str] = (),
    also: Mapping[str, str] | None = None,
    inputs: Inputs = None,
    by: ParameterRows | None = None,
    seed: int | None = None,
    progress: Progress = silent,
) -> ParameterExplanation:
    """Find the edits of a network that would give it a reported number of parameters.

    Args:
        model: a module, which stays as it is, or a MODEL text.
        reported: the number as the document writes it, for its last digit bounds it: "6.0M", "25.6e6", "6,012,234".
        keep: facets that are stated and must not change, "blocks", "widths", "stem", …; "nothing" keeps nothing.
        also: other rows of the same table, each a MODEL text with its number, which the answer must fit, too.
        inputs: of the forward pass that every edited network must run; see `diagnose.api.Inputs`.
        by: what a row of a printed table of counts stands for.
        seed: of a MODEL that draws random numbers while it is built.
        progress: told what begins.

    Raises:
        UsageError: the number, a facet or the network is not what it should be.
        CannotRun: the network cannot be built or copied.

    Examples:
        >>> from torch import nn
        >>> explanation = explain_parameters(nn.Linear(784, 10), "7.85k", inputs="1x784")
        >>> explanation.total, explanation.is_met
        (7850, True)
    """
    if not isinstance(reported, str):
        raise UsageError(
            f"The reported number is a {type(reported).__name__}.",
            hint='Write it as the document does, "6.0M": its last digit says how far it may be off.',
        )
    with callers_state_kept():
        from diagnose.params.run import run

        ref = as_model(model)
        progress(f"Explaining {reported} of {ref}")
        rows = [f"{text}={number}" for text, number in (also or {}).items()]
        texts = input_texts(inputs, element_type_of(model))
        found = run(ref, inputs=texts, seed=seed, reported=reported, keep=tuple(keep), also=rows)
        return ParameterExplanation(_parameters_report(found, by), found)


def count_operations(
    model: Network,
    *others: Network,
    inputs: Inputs = None,
    train: bool = False,
    reported: str | None = None,
    by: OperationRows | None = None,
    cross_check: bool = False,
    seed: int | None = None,
    progress: Progress = silent,
) -> OperationCount:
    """Count the multiply-accumulates and FLOPs of a forward pass, or of a training step, by formula.

    One MAC is one multiplication and one addition; FLOPs are 2 × MACs plus every other operation.

    Args:
        model: a module, which stays as it is, or a MODEL text.
        *others: more networks, counted on the same inputs and shown beside the first.
        inputs: the batch first, (N, C, H, W) for images; see `diagnose.api.Inputs`.
        train: count a forward pass in train mode and the backward pass.
        reported: a figure as a document writes it, "0.56G": say which convention, input or edit gives it.
        by: what a row of the printed table stands for; None is "stage".
        cross_check: explain what FlopCounterMode, fvcore and torchinfo count.
        seed: of a MODEL that draws random numbers while it is built.
        progress: told what begins.

    Raises:
        UsageError: a network, an input or the figure is not what it should be.
        CannotRun: a network cannot be built or copied, or does not run on the inputs.

    Examples:
        >>> from torch import nn
        >>> count = count_operations(nn.Conv2d(3, 8, 3, padding=1, bias=False), inputs=(1, 3, 32, 32))
        >>> count.macs == 32 * 32 * 8 * 3 * 3 * 3
        True
    """
    with callers_state_kept():
        from diagnose.flops.report import flops_report
        from diagnose.flops.run import run

        refs = _refs(model, *others)
        progress(f"Counting {', '.join(map(str, refs))}")
        texts = input_texts(inputs, element_type_of(model))
        found = run(refs, inputs=texts, train=train, check=cross_check, reported=reported, seed=seed)
        return OperationCount(flops_report(found, by=by), found)


def is_met_by(reported: str, total: int) -> bool:
    """Say whether a count is a reported number, rounded or truncated to its last digit.

    Raises:
        UsageError: the number cannot be read.

    Examples:
        >>> is_met_by("11.2M", 11_173_962), is_met_by("11.3M", 11_173_962)
        (True, False)
    """
    from diagnose.params.reported import parse_reported

    return bool(parse_reported(reported).readings(total))


def _refs(*networks: Network) -> list[str | ModelRef]:
    """Return networks as what the engines build from; modules of one class are numbered."""
    refs = [as_model(network) for network in networks]
    names = [str(ref) for ref in refs]
    return [
        as_model(network, f"{ref} ({number})") if names.count(str(ref)) > 1 else ref
        for number, (network, ref) in enumerate(zip(networks, refs, strict=True), 1)
    ]


def _parameters_report(found: ParamsAnswer, by: str | None) -> Report:
    from diagnose.params.report import params_report

    return params_report(found, by=by)
