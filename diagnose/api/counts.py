"""Parameters and operations counted and explained: `diagnose params` and `diagnose flops` for Python.

A live module is counted on a copy without weights, so that counting takes no memory and runs no convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from diagnose.api.count_results import OperationCount, ParameterCount, ParameterExplanation
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

if TYPE_CHECKING:
    from diagnose.params.run import ParamsAnswer
    from diagnose.values import ModelRef, Report

ParameterRows = Literal["stage", "kind", "block", "layer"]
OperationRows = Literal["stage", "kind", "operator", "block", "layer"]


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
