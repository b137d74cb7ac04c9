"""`diagnose models [QUERY]`: what can be named."""

from __future__ import annotations

from typing import Annotated

import typer

from diagnose.cli.common.options import Output, OutputFormat, Quiet
from diagnose.cli.common.output import Result


def models(
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="Words that the names of torchvision, mmpretrain, timm hold.")
    ] = None,
    params: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Networks with this number of parameters: 6.0M.")
    ] = None,
    macs: Annotated[str | None, typer.Option(metavar="NUMBER", help="Networks with this number of MACs: 0.5G.")] = None,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """List the aliases with their origin and parameter count; search other libraries by name, or by numbers.

    diagnose models resnet50

    diagnose models --params 6.0M --macs 0.5G
    """
    result = Result(format, output, quiet=quiet)
    with result.progress("Looking up models"):
        from diagnose.params.models_report import models_report, numbers_report

        by_numbers = params is not None or macs is not None
        report = numbers_report(query or "", params, macs) if by_numbers else models_report(query or "")
    result.write(report)
