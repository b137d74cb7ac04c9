"""`diagnose params MODEL`: count a network, and explain the gap to a reported number."""

from __future__ import annotations

from typing import Annotated

import typer

from diagnose.cli.common.exit_codes import DIFFERENCE
from diagnose.cli.common.options import By, Input, Model, Output, OutputFormat, Quiet, Seed, Strict
from diagnose.cli.common.output import Result


def params(
    model: Model,
    by: Annotated[By | None, typer.Option(help="What a row of the table stands for; else stage.")] = None,
    reported: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="The reported number, written as the document does: 6.0M, 25.6e6."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FACETS",
            help="What is stated and must not change, joined by commas: blocks, widths, block, shortcut, norm, bias, "
            "groups, stem, head, num_classes, vocabulary, positions, tying, convention; nothing keeps nothing.",
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL=NUMBER", help="Another row of the same table, which the answer must fit, too."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A second model, counted beside the first.")
    ] = None,
    cross_check: Annotated[bool, typer.Option("--cross-check", help="Compare with torchinfo and fvcore.")] = False,
    input: Input = None,
    strict: Strict = False,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
    seed: Seed = None,
) -> None:
    """Count the parameters of a model, and find the edits that would give a reported number.

    diagnose params prodpoly --reported 6.0M

    diagnose params mm --against prodpoly

    diagnose params torchvision:resnet50 --by kind
    """
    result = Result(format, output, quiet=quiet)
    with result.progress(f"Counting {model}"):
        from diagnose.params.report import params_report
        from diagnose.params.run import run

        found = run(
            model,
            inputs=input or (),
            seed=seed,
            reported=reported,
            keep=keep or (),
            also=also or (),
            against=against,
            check=cross_check,
        )
        report = params_report(found, by=by.value if by else None)
    result.write(report)
    if strict and found.gap is not None and not found.gap.reported.readings(found.gap.total):
        raise typer.Exit(DIFFERENCE)
