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
    flops: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER", help="The MACs or FLOPs stated beside it, which the answer must fit, too: 0.56G."
        ),
    ] = None,
    reported_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The size of the weights stated beside it: 97.8MB.")
    ] = None,
    reported_part: Annotated[
        list[str] | None,
        typer.Option(metavar="PART=NUMBER", help="What is stated of a module or stage: backbone=23.5M."),
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

    diagnose params torchvision:resnet50 --reported 44.5M --flops 7.8G

    diagnose params mm --against prodpoly

    diagnose params torchvision:resnet50 --by kind
    """
    result = Result(format, output, quiet=quiet)
    with result.progress(f"Counting {model}"):
        from diagnose.params.report import params_report
        from diagnose.params.run import FigureOf, run

        figures: list[FigureOf] = []
        if flops is not None:
            from diagnose.flops.reported.work_figure import work_figure

            figures.append(work_figure(flops))
        found = run(
            model,
            inputs=input or (),
            seed=seed,
            reported=reported,
            keep=keep or (),
            also=also or (),
            parts=reported_part or (),
            sizes=(reported_size,) if reported_size is not None else (),
            figures=figures,
            against=against,
            check=cross_check,
        )
        report = params_report(found, by=by.value if by else None)
    result.write(report)
    if strict and found.gap is not None and not found.gap.reported.readings(found.gap.total):
        raise typer.Exit(DIFFERENCE)
