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
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """List the aliases with their origin and parameter count; search the names of other libraries."""
    result = Result(format, output, quiet=quiet)
    with result.progress("Looking up models"):
        from diagnose.params.models_report import models_report

        report = models_report(query or "")
    result.write(report)
