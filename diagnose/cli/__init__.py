"""The command line: one file per command, each of which parses, calls one function and chooses a renderer."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from diagnose.cli.common.exit_codes import exit_code_of
from diagnose.cli.common.last_resort import Commands
from diagnose.cli.common.options import flag
from diagnose.cli.diff import diff
from diagnose.cli.flops import flops
from diagnose.cli.models import models
from diagnose.cli.params import params
from diagnose.cli.pipeline import pipeline
from diagnose.cli.probe import probe
from diagnose.cli.recipe import recipe
from diagnose.cli.report import report
from diagnose.cli.watch import watch
from diagnose.errors import DiagnoseError

app = typer.Typer(
    name="diagnose",
    cls=Commands,
    help="Find out why a re-implemented PyTorch network does not match what was reported.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(models)
app.command()(params)
app.command()(flops)
app.command()(recipe)
app.command()(pipeline)
app.command()(probe)
app.command()(diff)
app.command()(report)
app.command()(watch)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("diagnose"))
        raise typer.Exit


@app.callback()
def _commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Find out why a re-implemented PyTorch network does not match what was reported."""


def main() -> None:
    """Run the command line; every error ends with its message, its hint and its exit code."""
    try:
        app()
    except DiagnoseError as error:
        from diagnose.render.text import visible

        print(f"error: {visible(error.message)}", file=sys.stderr)
        if error.template:
            print(f"hint: {visible(error.hint_spelt(flag))}", file=sys.stderr)
        sys.exit(exit_code_of(error))
