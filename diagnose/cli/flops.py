"""`diagnose flops MODEL…`: count MACs and FLOPs, and explain other tools' and papers' figures."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from diagnose.cli.common.exit_codes import DIFFERENCE
from diagnose.cli.common.options import Input, Output, OutputFormat, Quiet, Seed
from diagnose.cli.common.output import Result


class FlopsBy(StrEnum):
    """What a row of the table stands for."""

    STAGE = "stage"
    KIND = "kind"
    OPERATOR = "operator"
    BLOCK = "block"
    LAYER = "layer"


def flops(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL…", help="One or more models, each as in `diagnose params`.")
    ],
    by: Annotated[FlopsBy | None, typer.Option(help="What a row of the table stands for; else stage.")] = None,
    train: Annotated[bool, typer.Option("--train", help="Count a training step: forward and backward.")] = False,
    reported: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="A reported figure: which convention, input or edit gives it? 0.56G."),
    ] = None,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Explain what FlopCounterMode, fvcore and torchinfo count.")
    ] = False,
    input: Input = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 where a total is a lower bound or --reported is not met.")
    ] = False,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
    seed: Seed = None,
) -> None:
    """Count the MACs and FLOPs of models, and say which convention gives a reported figure.

    Examples:

    diagnose flops torch mm prodpoly

    diagnose flops torchvision:resnet50 --reported 4.09G

    diagnose flops torchvision:vit_b_16 --cross-check --by operator
    """
    result = Result(format, output, quiet=quiet)
    with result.progress(f"Counting {', '.join(models)}"):
        from diagnose.flops.report import flops_report
        from diagnose.flops.run import run

        found = run(models, inputs=input or (), train=train, check=cross_check, reported=reported, seed=seed)
        report = flops_report(found, by=by.value if by else None)
    result.write(report)
    if strict and not found.holds:
        raise typer.Exit(DIFFERENCE)
