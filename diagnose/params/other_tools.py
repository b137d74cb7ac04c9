"""Other tools' parameter counts of the same model, each difference to ours explained by its cause."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from torch import nn

from diagnose.errors import in_one_line
from diagnose.networks.inputs import tensors
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec, ParamTable, Skipped


@dataclass(frozen=True, slots=True)
class ParameterToolCount:
    """Another tool's count: `explained` maps each cause to the parameters it makes, `unexplained` is what remains."""

    tool: str
    value: int
    explained: tuple[tuple[str, int], ...]
    unexplained: int


def cross_check(model: nn.Module, table: ParamTable) -> tuple[tuple[ParameterToolCount, ...], tuple[Skipped, ...]]:
    """Run torchinfo and fvcore on a model on the meta device and explain the difference to `table`.

    A tool that is not installed or fails is skipped with its reason.
    """
    checks, skipped = [], []
    for tool, count, causes in _TOOLS:
        try:
            with warnings.catch_warnings(action="ignore"):  # another tool's own
                value = count(model, table.inputs)
        except Exception as error:  # whatever another tool raises is its answer
            skipped.append(Skipped(f"{tool}'s count", in_one_line(error)))
            continue
        explained = tuple(_causes(table, value - table.total, causes))
        unexplained = value - table.total - sum(amount for _, amount in explained)
        checks.append(ParameterToolCount(f"{tool} {version(tool)}", value, explained, unexplained))
    return tuple(checks), tuple(skipped)


def _torchinfo(model: nn.Module, inputs: Sequence[InputSpec] | None) -> int:
    import torchinfo

    with in_mode(model, training=False):
        if inputs is None:
            return int(torchinfo.summary(model, verbose=0).total_params)
        given = tensors(inputs)
        return int(torchinfo.summary(model, input_data=list(given), device="meta", verbose=0).total_params)


def _fvcore(model: nn.Module, inputs: Sequence[InputSpec] | None) -> int:
    from fvcore.nn import parameter_count

    return int(parameter_count(model)[""])


Cause = tuple[str, Callable[[ParamTable], int]]


def _tied_again(table: ParamTable) -> int:
    sizes = {row.path: row.parameters for row in table.rows}
    return sum(sizes[row.tied_to] for row in table.rows if row.tied_to is not None)


def _lost_beside_tied(table: ParamTable) -> int:
    """Return what torchinfo drops: tied parameters make the remainder of their parent negative, and it is cut to 0.

    The remainder is where bare parameters and modules that are never called would have been counted.
    """
    if not _tied_again(table):
        return 0
    return -sum(row.parameters for row in table.rows if row.kind == "bare parameter" or row.used is False)


_TORCHINFO_CAUSES: tuple[Cause, ...] = (
    ("counts tied parameters at every place", _tied_again),
    ("drops bare parameters and uncalled modules beside tied ones", _lost_beside_tied),
)
_FVCORE_CAUSES: tuple[Cause, ...] = (("counts tied parameters at every place", _tied_again),)
_TOOLS: tuple[tuple[str, Callable[[nn.Module, Sequence[InputSpec] | None], int], tuple[Cause, ...]], ...] = (
    ("torchinfo", _torchinfo, _TORCHINFO_CAUSES),
    ("fvcore", _fvcore, _FVCORE_CAUSES),
)


def _causes(table: ParamTable, difference: int, causes: Sequence[Cause]) -> list[tuple[str, int]]:
    """Return the smallest set of known causes whose amounts make up the whole difference, or none."""
    amounts = [(text, measure(table)) for text, measure in causes]
    real = [(text, amount) for text, amount in amounts if amount]
    for chosen in sorted(range(1, 2 ** len(real)), key=int.bit_count) if difference else ():
        subset = [real[i] for i in range(len(real)) if chosen >> i & 1]
        if sum(amount for _, amount in subset) == difference:
            return subset
    return []
