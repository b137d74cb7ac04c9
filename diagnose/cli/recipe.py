"""`diagnose recipe A B`: what two trainings do differently."""

from __future__ import annotations

from typing import Annotated

import typer

from diagnose.cli.common.exit_codes import COULD_NOT_RUN, DIFFERENCE
from diagnose.cli.common.options import Output, OutputFormat, Quiet
from diagnose.cli.common.output import Result
from diagnose.errors import UsageError
from diagnose.values import FieldStatus

_FORMS = (
    "A built-in recipe by its name, a .toml file, mmpretrain:NAME or the path of a config of mmpretrain, which is run "
    "as code."
)


def recipe(
    a: Annotated[str | None, typer.Argument(metavar="A", help=_FORMS)] = None,
    b: Annotated[str | None, typer.Argument(metavar="B", help="The recipe to compare it with.")] = None,
    show: Annotated[str | None, typer.Option("--show", metavar="NAME", help="Show one recipe, every field.")] = None,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Compare two training recipes field by field; end with 1 where they differ, with 3 where only unread keys do.

    Examples: `diagnose recipe paper reproduction` · `diagnose recipe mine.toml mmpretrain:resnet18_8xb16_cifar10` ·
    `diagnose recipe --show paper`.
    """
    if (show is None) == (a is None) or (show is None and b is None):
        raise UsageError(
            "diagnose recipe compares two recipes, or shows one.",
            hint="Write `diagnose recipe A B` or `diagnose recipe --show NAME`.",
        )
    result = Result(format, output, quiet=quiet)
    from diagnose.recipes import compare, load, load_both
    from diagnose.recipes.report import diff_report, show_report

    if show is not None:
        with result.progress(f"Reading {show}"):
            report = show_report(load(show))
        result.write(report)
        return
    assert a is not None
    assert b is not None
    with result.progress(f"Comparing {a} and {b}"):
        diff = compare(*load_both(a, b))
    result.write(diff_report(diff))
    if diff.having(FieldStatus.DIFFERS) or diff.having(FieldStatus.UNSTATED):
        raise typer.Exit(DIFFERENCE)
    if diff.unread:
        raise typer.Exit(COULD_NOT_RUN)
