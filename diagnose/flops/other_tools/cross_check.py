"""Other tools' figures for the same pass, each difference to ours broken down into its causes.

A cause is a rule of the tool, read in its source, and its amount is computed from our own rows by that rule. What the
rules do not make up is the remainder, and it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from torch import nn

from diagnose.errors import in_one_line
from diagnose.flops.count import count_forward
from diagnose.flops.other_tools.fvcore import fvcore_causes, fvcore_value
from diagnose.flops.other_tools.tools import Figure, mode_figure, torchinfo_figure
from diagnose.values import FlopTable, Skipped


@dataclass(frozen=True, slots=True)
class OperationToolCount:
    """Another tool's figure beside ours of the same convention, "MACs" or "2 × MACs".

    `explained` maps each cause to what it adds, with its sign; `unexplained` is what remains.
    """

    tool: str
    value: int
    ours: int
    convention: str
    explained: tuple[tuple[str, int], ...]
    unexplained: int


def cross_check(
    model: nn.Module, table: FlopTable, with_weights: Callable[[], nn.Module]
) -> tuple[tuple[OperationToolCount, ...], tuple[Skipped, ...]]:
    """Run the other tools on what `table` counts, a forward pass or a training step, and explain their differences.

    `model` stands on the meta device. `with_weights` builds it on the CPU for fvcore, which traces a real forward pass.
    A tool that is not installed or fails is skipped with its reason. Train and eval mode are restored.
    """

    def fvcore_figure(model: nn.Module, forward: FlopTable, *, training: bool) -> Figure:
        value = fvcore_value(with_weights(), forward.inputs, training=training)
        return value, fvcore_causes(model, forward, training=training)

    checks, skipped = [], []
    tools: Sequence[tuple[str, str, str, Callable[[], Figure]]] = (
        ("FlopCounterMode of torch", "torch", "2 × MACs", lambda: mode_figure(model, table)),
        ("fvcore", "fvcore", "MACs", lambda: _of_forward(fvcore_figure, model, table)),
        ("torchinfo", "torchinfo", "MACs", lambda: _of_forward(torchinfo_figure, model, table)),
    )
    for tool, package, convention, figure in tools:
        try:
            value, causes = figure()
        except Exception as error:  # whatever another tool raises is its answer
            skipped.append(Skipped(f"{tool}'s figure", in_one_line(error)))
            continue
        ours = 2 * table.macs if convention == "2 × MACs" else table.macs
        explained = tuple((cause, amount) for cause, amount in causes.items() if amount)
        unexplained = value - ours - sum(amount for _, amount in explained)
        checks.append(OperationToolCount(f"{tool} {version(package)}", value, ours, convention, explained, unexplained))
    return tuple(checks), tuple(skipped)


def _of_forward(figure: Callable[..., Figure], model: nn.Module, table: FlopTable) -> Figure:
    """Return the figure of a tool that knows of forward passes alone, beside the whole of `table`."""
    forward = count_forward(model, table.inputs, training=True) if table.trained else table
    value, causes = figure(model, forward, training=table.trained)
    causes["does not count the backward pass"] -= sum(row.macs for row in table.rows if row.backward)
    return value, causes
