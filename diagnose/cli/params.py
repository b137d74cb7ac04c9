"""`diagnose params MODEL`: count a network, and explain the gap to a reported number."""

from __future__ import annotations

from diagnose.cli.options import Input, Model, Output, OutputFormat, Quiet, Seed
from diagnose.cli.output import Result


def params(
    model: Model,
    input: Input = None,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
    seed: Seed = None,
) -> None:
    """Count the parameters of a model, by layer, block, stage and kind."""
    result = Result(format, output, quiet=quiet)
    with result.progress(f"Building {model}"):
        from diagnose.count.report import params_report

        report = params_report(model)
    result.write(report)
