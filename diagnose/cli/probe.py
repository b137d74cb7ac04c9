"""`diagnose probe [MODEL…]`: short, paired trials that tell which suspects have an effect."""

from __future__ import annotations

import re
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.bounds import whole
from diagnose.cli.common.exit_codes import DIFFERENCE, INTERRUPTED
from diagnose.cli.common.listening import listener_of, may_fetch
from diagnose.cli.common.options import OUTPUT_PANEL, Output, OutputFormat, Quiet
from diagnose.cli.common.output import Result
from diagnose.errors import UsageError
from diagnose.probe.plan.limits import LONGEST, MOST_HORIZONS, MOST_SECONDS

if TYPE_CHECKING:
    from diagnose.probe.request import Budget

UNITS = {"s": 1, "m": 60, "h": 3600}
IMAGES, COST, COMPUTING = "Images", "Time and place", "How a trial computes"
"""The groups of --help."""


def probe(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL", help="The models to train; else those of the built-in case."),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(metavar="R", help="Where the arms start; else the built-in case's.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="R2", help="Where each ablation takes its value from; else the built-in case's."),
    ] = None,
    ablate: Annotated[
        str | None, typer.Option(metavar="FACTORS", help="momentum,weight_decay,train_images, …; else all that differ.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trials of each arm.")] = 5,
    epochs: Annotated[int, typer.Option(help="Epochs of each trial.")] = 5,
    horizons: Annotated[
        str | None, typer.Option(metavar="EPOCHS", help="Several lengths, each with trials of its own: 5,16.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="cifar10[:ROOT], a folder, tar or zip of train/ and test/, .npz, .npy or synthetic[:COUNT]; else "
            "CIFAR-10 where it is at hand, or generated images.",
            rich_help_panel=IMAGES,
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option("--download", help="Fetch CIFAR-10 (170 MB) where it is not there.", rich_help_panel=IMAGES),
    ] = False,
    images: Annotated[
        int | None, typer.Option(help="Training images to use; else all.", rich_help_panel=IMAGES)
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(help="Channels of the first stage, for the aliases; else their own.", rich_help_panel=COST),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="20m, 2h or none; else 20m on a CPU, none on a GPU. To fit it, networks are narrowed, then seeds, "
            "arms, models and images left out.",
            rich_help_panel=COST,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1; else a GPU where there is one.", rich_help_panel=COST),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Run the trials on a Ray cluster; local starts one here.", rich_help_panel=COST
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="fp32 or bf16; else the faster by timing.", rich_help_panel=COMPUTING),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="LAYOUT",
            help="Of images in memory: channels-last or contiguous; else the faster by timing.",
            rich_help_panel=COMPUTING,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="ENGINE",
            help="eager, compile or cuda-graphs; else the faster by timing, on a CPU eager.",
            rich_help_panel=COMPUTING,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            help="Threads of each trial, which change the last bits; else by timing.", rich_help_panel=COMPUTING
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Trials at a time; else by timing.", rich_help_panel=COST)] = None,
    micro_batch: Annotated[
        int | None,
        typer.Option(
            help="Images of one forward pass, where a batch does not fit the memory.", rich_help_panel=COMPUTING
        ),
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the journals stand; else in the user's cache.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write the learning curves there for TensorBoard, too.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be trained and how long it takes, and stop.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 where a model is inconclusive, or a trial diverged or failed.")
    ] = False,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Train short, paired trials and say which suspects have an effect, how large and how sure.

    Ctrl-C ends with a partial report; the same command again goes on where it stopped.

    \b
    diagnose probe --epochs 5                                  # no data needed
    diagnose probe mm --width 16 --data synthetic --plan       # what it would train
    diagnose probe torchvision:resnet18 --data path/to/images  # train/ and test/
    diagnose probe my_net.py:build --recipe mine.toml --against reference.toml
    diagnose probe mm --ablate momentum,weight_decay --epochs 5 --download
    """
    limit = budget_of(budget)
    lengths = _lengths(horizons)
    if tensorboard is not None:
        from diagnose.probe.report.tensorboard import check

        check()
    result = Result(format, output, quiet=quiet)
    from diagnose.plugins import defaults
    from diagnose.probe import run
    from diagnose.probe.data.load_images import journal_folder
    from diagnose.probe.report.report import plan_report, probe_report
    from diagnose.probe.request import request_of
    from diagnose.recipes import load_ends
    from diagnose.values import PartialNumerics

    request = request_of(
        models or defaults().models,
        load_ends(recipe, against),
        device=device,
        elsewhere=ray is not None,
        budget=limit,
        lengths=lengths or (epochs,),
        ablate=tuple(name.strip() for name in ablate.split(",") if name.strip()) if ablate else (),
        seeds=seeds,
        images=images,
        width=width,
        numerics=PartialNumerics(precision, layout, engine, threads, micro_batch, workers),
    )
    folder = runs or journal_folder()
    source, listener = run.ImageSource(data, download, ask=may_fetch), listener_of(result)
    if plan:
        result.write(plan_report(run.plan(request, source, folder, ray=ray, listener=listener)))
        return
    answer = run.probe(request, source, folder, ray=ray, listener=listener)
    if tensorboard is not None:
        from diagnose.probe.report.tensorboard import write

        write(answer.trials, tensorboard)
    result.write(probe_report(answer))
    if answer.interrupted:
        raise typer.Exit(INTERRUPTED)
    if strict and answer.open:
        raise typer.Exit(DIFFERENCE)


def _lengths(horizons: str | None) -> tuple[int, ...]:
    if horizons is None:
        return ()
    parts = [part.strip() for part in horizons.split(",")]
    lengths = tuple(length for part in parts if (length := whole(part, 1, LONGEST)) is not None)
    if len(lengths) != len(parts) or len(parts) > MOST_HORIZONS:
        raise UsageError(
            f"cannot read the horizons {horizons[:60]!r}",
            hint=f"Write lengths in epochs: 5,16; each to {LONGEST:,}, and {MOST_HORIZONS} of them at most.",
        )
    return lengths


def budget_of(budget: str | None) -> Budget:
    """Return the seconds of --budget, None for no limit; raise DiagnoseError where it cannot be read."""
    if budget is None:
        return "auto"
    if budget == "none":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", budget)
    seconds = float(match[1]) * UNITS[match[2]] if match else inf
    if seconds > MOST_SECONDS:
        raise UsageError(
            f"cannot read the budget {budget[:60]!r}",
            hint=f"Write 90s, 20m, 2h or none; {MOST_SECONDS / UNITS['h']:,.0f}h at most.",
        )
    return seconds
