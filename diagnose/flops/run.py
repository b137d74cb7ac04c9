"""What `diagnose flops` measures: each model's operations and, where asked for, other tools and a reported number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch.nn.parameter import is_lazy

from diagnose.errors import CannotRun, Option
from diagnose.flops.count import count_operations, count_with_values
from diagnose.flops.other_tools.cross_check import OperationToolCount, cross_check
from diagnose.flops.reported.search_operations import FlopSolution, find_candidates, met, parse_reported_work
from diagnose.flops.reported.variants import Subject
from diagnose.networks import build
from diagnose.networks.build_errors import calling
from diagnose.networks.inputs import candidates, parse_inputs, with_named_inputs
from diagnose.values import FlopTable, InputSpec, ModelRef, ReportedNumber, Skipped

if TYPE_CHECKING:
    from torch import nn

MOST_BYTES = 4 * 2**30
"""The largest weights that are made to follow a network whose path depends on values."""


@dataclass(frozen=True, slots=True)
class CountedModel:
    """A model with its operations; parts not asked for are empty."""

    ref: ModelRef
    origin: str
    table: FlopTable
    checks: tuple[OperationToolCount, ...] = ()
    candidates: tuple[FlopSolution, ...] = ()


@dataclass(frozen=True, slots=True)
class FlopsAnswer:
    """The models in the order asked for, and what could not be done as asked."""

    models: tuple[CountedModel, ...]
    train: bool
    reported: ReportedNumber | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def holds(self) -> bool:
        """Return whether every total is whole and every reported number met by the network as it is."""
        whole = not any(model.table.lower_bound for model in self.models)
        return whole and (self.reported is None or all(met(model.candidates, model.table) for model in self.models))


def run(
    models: Sequence[str | ModelRef],
    *,
    inputs: Sequence[str] = (),
    train: bool = False,
    check: bool = False,
    reported: str | None = None,
    seed: int | None = None,
) -> FlopsAnswer:
    """Build and count each model, and explain what is asked for; raise DiagnoseError where one cannot be counted."""
    asked = parse_inputs(inputs)
    number = parse_reported_work(reported) if reported is not None else None
    skipped: list[Skipped] = []
    counted = []
    for text in models:
        with calling(text):
            found = _counted(text, asked, train=train, check=check, number=number, seed=seed, skipped=skipped)
        counted.append(found)
    return FlopsAnswer(tuple(counted), train, number, tuple(skipped))


def _counted(
    text: str | ModelRef,
    asked: tuple[InputSpec, ...],
    *,
    train: bool,
    check: bool,
    number: ReportedNumber | None,
    seed: int | None,
    skipped: list[Skipped],
) -> CountedModel:
    def rebuilt(*, allocate: bool = False) -> nn.Module:
        return with_named_inputs(build(built.ref, allocate=allocate, seed=seed).module, asked)

    built = build(text, seed=seed)
    with_named_inputs(built.module, asked)
    skipped += built.skipped
    tried = candidates(built.module, built.input_shapes, asked)
    table = count_operations(built.module, tried, train=train)
    if isinstance(table, Skipped) and _reads_values(table.reason, built.module):
        table = count_with_values(rebuilt(allocate=True), tried, table.reason, train=train)
    if isinstance(table, Skipped):
        raise CannotRun(
            f"cannot run {text}: {table.reason}",
            hint="Give the inputs it takes by {}, the batch first: 1x3x224x224, 1x128:int64 for tokens, "
            "mask=1x128:bool for a keyword."
            + (" Norms over a batch of one value need a larger batch in training: 2x3x224x224." if train else ""),
            options=(Option("inputs"),),
        )
    skipped += table.skipped
    checks: tuple[OperationToolCount, ...] = ()
    found: tuple[FlopSolution, ...] = ()
    if check:
        checks, failed = cross_check(built.module, table, lambda: rebuilt(allocate=True))
        skipped += failed
    if number is not None:
        subject = Subject(built.ref, built.module, table, rebuilt, lambda: rebuilt(allocate=True))
        found, failed = find_candidates(number, subject)
        skipped += failed
    return CountedModel(built.ref, built.origin, table, checks, found)


def _reads_values(reason: str, model: nn.Module) -> bool:
    """Return whether a forward pass stopped for want of values, and the model's weights are small enough to be made."""
    tensors = (*model.parameters(), *model.buffers())
    held = sum(tensor.numel() * tensor.element_size() for tensor in tensors if not is_lazy(tensor))
    return any(word in reason.lower() for word in ("meta", "fake impl")) and held <= MOST_BYTES
