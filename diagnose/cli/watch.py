"""`diagnose watch -- train.py`: the recipe that acts, read off a training script as it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diagnose.cli.common.exit_codes import COULD_NOT_RUN, DIFFERENCE, INTERRUPTED
from diagnose.cli.common.options import Output, OutputFormat, Quiet, place
from diagnose.cli.common.output import Result, write_file
from diagnose.errors import UsageError
from diagnose.files import check_writable

_COMMAND = "What to run: a script with its arguments, -m MODULE, or a launcher such as torchrun. It stands after --."


def watch(
    command: Annotated[list[str] | None, typer.Argument(metavar="-- COMMAND", help=_COMMAND)] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="RECIPE", help="Compare what acted with this recipe; as `diagnose recipe` reads it."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(parser=place, metavar="PATH", help="Write the recipe that acted as TOML.")
    ] = None,
    batches: Annotated[
        int, typer.Option(min=1, metavar="N", help="End each pass over a loader after as many batches.")
    ] = 8,
    full: Annotated[bool, typer.Option("--full", help="Shorten no pass.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, metavar="N", help="End after as many epochs.")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, metavar="S", help="End after as many seconds.")] = None,
    log: Annotated[
        Path | None, typer.Option(parser=place, metavar="FOLDER", help="Keep the observations in this folder.")
    ] = None,
    read: Annotated[
        Path | None, typer.Option(parser=place, metavar="FOLDER", help="Run nothing; report what --log kept.")
    ] = None,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Run a training script, shortened, and write down the recipe that acts; look for silent faults.

    The script is run as it is, in its own folder; what it prints goes to stderr.

    diagnose watch -- train.py --lr 0.1

    diagnose watch --against paper --save observed.toml -- train.py
    """
    if (read is None) == (not command):
        raise UsageError(
            "diagnose watch runs a script, or reads what an earlier run kept.",
            hint="Write `diagnose watch -- train.py`, or `diagnose watch --read FOLDER`.",
        )
    result = Result(format, output, quiet=quiet)
    if save is not None:
        check_writable(save)
    from diagnose.recipes import compare, load
    from diagnose.values import Ending
    from diagnose.watch import Shortening, recipe_of, toml_of
    from diagnose.watch import read as read_back
    from diagnose.watch import watch as run
    from diagnose.watch.report import watch_report

    stated = load(against) if against is not None else None
    if read is not None:
        script = read_back(read)
    else:
        shortening = Shortening(None if full else batches, epochs, seconds)
        script = run(command or (), shortening, logs=log)
    diff = compare(recipe_of(script), stated) if stated is not None else None
    if save is not None:
        write_file(save, toml_of(script))
    result.write(watch_report(script, diff))
    if script.ending is Ending.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
    if script.ending in (Ending.FAILED, Ending.KILLED) or not script.has_trained:
        raise typer.Exit(COULD_NOT_RUN)
    if script.has_fault or (diff is not None and diff.findings):
        raise typer.Exit(DIFFERENCE)
