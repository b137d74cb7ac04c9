"""`diagnose report [CASE]`: a case file in, a judged case out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.common.exit_codes import DIFFERENCE, INTERRUPTED
from diagnose.cli.common.listening import listener_of, may_fetch
from diagnose.cli.common.options import OUTPUT_PANEL, Format, OutputFormat, Quiet, place
from diagnose.cli.common.output import Result, write_file
from diagnose.cli.common.pages import PAGES, check_pages, is_one_file, write_pages
from diagnose.cli.probe import budget_of
from diagnose.errors import CannotRun, UsageError
from diagnose.files import check_writable, read_text
from diagnose.probe.plan.limits import check_counts

if TYPE_CHECKING:
    from diagnose.case.run import Watch
    from diagnose.case.trials.run_trials import TrialOptions
    from diagnose.values import Case, Claim, JudgedClaim

CONSENT, TRIALS = "Consent", "Trials"
"""The groups of --help."""

CaseName = Annotated[
    str | None,
    typer.Argument(
        metavar="CASE", help="A built-in case by its name, or a case file's path (.toml); else the built-in case."
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        parser=place,
        metavar="PATH",
        help="A folder for index.html, report.md and report.json in place of reports/CASE, or one file (.html, .md, "
        ".json); - is stdout.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
Init = Annotated[
    Path | None, typer.Option("--init", parser=place, metavar="PATH", help="Write a commented case file and stop.")
]
From = Annotated[
    Path | None,
    typer.Option("--from", parser=place, metavar="PATH", help="Draw a report.json again, and measure nothing."),
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Run the case's models and recipes that are code.", rich_help_panel=CONSENT),
]
Download = Annotated[
    bool, typer.Option("--download", help="Let the case's models download weights.", rich_help_panel=CONSENT)
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Measure everything again, whatever earlier runs kept.")]
Runs = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="FOLDER",
        help="The folder of a probe's journals, as in `diagnose probe --runs`.",
        rich_help_panel=TRIALS,
    ),
]
Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="First run the trials that the claims ask for, as `diagnose probe` runs them.",
        rich_help_panel=TRIALS,
    ),
]
Data = Annotated[
    str,
    typer.Option(metavar="DATA", help="The images of --probe, as in `diagnose probe --data`.", rich_help_panel=TRIALS),
]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="How long --probe may take: 20m, 2h or none; else 20m on a CPU, none on a GPU.",
        rich_help_panel=TRIALS,
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option(help="Trials of each arm of --probe, as `diagnose probe --seeds`.", rich_help_panel=TRIALS),
]
Device = Annotated[
    str,
    typer.Option(metavar="DEVICE", help="The device of --probe: cpu, cuda, cuda:1.", rich_help_panel=TRIALS),
]
KeepTrials = Annotated[
    Path | None,
    typer.Option(
        "--keep-trials",
        parser=place,
        metavar="PATH",
        help="Write the trials at hand into a file that a case names as `trials`.",
        rich_help_panel=TRIALS,
    ),
]
StrictClaims = Annotated[bool, typer.Option("--strict", help="End with 1 where a claim is refuted.")]


def report(
    case: CaseName = None,
    init: Init = None,
    drawn_from: From = None,
    trust: Trust = False,
    download: Download = False,
    fresh: Fresh = False,
    runs: Runs = None,
    probe: Probe = False,
    data: Data = "cifar10",
    budget: Budget = None,
    seeds: Seeds = None,
    device: Device = "cpu",
    keep_trials: KeepTrials = None,
    strict: StrictClaims = False,
    format: OutputFormat = None,
    output: Folder = None,
    quiet: Quiet = False,
) -> None:
    """Judge every claim of a reproduction by its evidence, and write reports/CASE with the page.

    \b
    diagnose report                      # the built-in case, pinets-table5
    diagnose report resnet18-timm        # a short example
    diagnose report --init my-case.toml  # a commented case file, then:
    diagnose report my-case.toml --trust
    diagnose report my-case.toml --probe --data path/to/images
    diagnose report --from reports/my-case/report.json --format markdown

    Ends with 0 whatever the verdicts are; Ctrl-C keeps what is done and ends with 130.
    """
    if init is not None:
        _write_template(init)
        return
    if drawn_from is not None:
        _draw_again(drawn_from, format, output, quiet=quiet)
        return
    from diagnose.case.cache import default_folder
    from diagnose.case.case import load
    from diagnose.case.report import case_report, summary_report
    from diagnose.case.trials.run_trials import TrialOptions
    from diagnose.case.trials.run_trials import keep_trials as write_trials
    from diagnose.plugins import defaults
    from diagnose.probe.request import SEEDS
    from diagnose.probe.run import ImageSource
    from diagnose.values import Ruling

    limit = budget_of(budget)
    if seeds is not None:
        check_counts({"seeds": seeds})
    if runs is not None and not os.path.isdir(runs) and not probe:  # noqa: PTH112 False of a name that is too long
        raise UsageError(f"There is no folder {runs}.")
    read = load(defaults().case if case is None else case, trusted=trust)
    runs = runs or default_folder().parent / "probes"
    one_file = output is not None and is_one_file(output)
    folder = None if one_file else output or Path("reports") / read.name
    if keep_trials is not None:
        check_writable(keep_trials)
    if folder is not None:
        check_pages(folder)
    result = Result(format, output if one_file else None, quiet=quiet)
    stopped, failed = False, None
    if probe:
        source = ImageSource(data, download, ask=may_fetch)
        options = TrialOptions(source, runs, device, limit, SEEDS if seeds is None else seeds)
        stopped, failed = _run_trials(read, options, result)
    if keep_trials is not None:
        count = write_trials(read, runs, keep_trials)
        print(f"Wrote {count} trials into {keep_trials}.", file=sys.stderr)
    judged, interrupted = _judge(read, runs, fresh=fresh, download=download, quiet=quiet)
    full = case_report(read, judged, interrupted=interrupted)
    if folder is not None:
        write_pages(full, folder)
    written = f"{folder}/{PAGES[Format.HTML]}" if folder else ""
    short = not one_file and format is None
    result.write(summary_report(read, judged, interrupted=interrupted, written=written) if short else full)
    if interrupted or stopped:
        raise typer.Exit(INTERRUPTED)
    if failed is not None:
        raise failed
    if strict and any(judgement.ruling is Ruling.REFUTED for judgement in judged):
        raise typer.Exit(DIFFERENCE)


def _run_trials(case: Case, options: TrialOptions, result: Result) -> tuple[bool, CannotRun | None]:
    """Run the probes that a case asks for; return whether they were interrupted, and why they could not run.

    Where they could not, the page is written all the same, with the trials that there are.
    """
    from diagnose.case.trials.run_trials import run_trials

    try:
        return [answer.interrupted for answer in run_trials(case, options, listener_of(result))][-1], None
    except KeyboardInterrupt:  # before the first trial
        return True, None
    except CannotRun as error:
        return False, error


def _judge(case: Case, runs: Path, *, fresh: bool, download: bool, quiet: bool) -> tuple[tuple[JudgedClaim, ...], bool]:
    """Judge the case; return the judgements, and whether it was interrupted."""
    from diagnose.case.cache import FileCache, NoCache, default_folder
    from diagnose.case.run import judge_case
    from diagnose.render import as_json

    cache = NoCache() if fresh else FileCache(default_folder(), write=as_json.render, read=as_json.parse)
    with _progress(len(case.claims), quiet=quiet) as watch:
        return judge_case(case, cache, runs=runs, download=download, watch=watch)


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Watch]:
    """Say on stderr which claim is being judged: in place on a terminal, else a line each."""
    from diagnose.render.text import visible

    def line(claim: Claim, number: int) -> str:
        return f"{number}/{total} {visible(claim.says)}"

    if quiet:
        yield lambda claim, number: None
    elif not sys.stderr.isatty():
        yield lambda claim, number: print(line(claim, number), file=sys.stderr, flush=True)
    else:
        from rich.console import Console
        from rich.text import Text

        with Console(stderr=True).status("") as status:
            yield lambda claim, number: status.update(Text(line(claim, number)))


def _write_template(path: Path) -> None:
    from diagnose.case.case import template

    if os.path.lexists(path):
        raise UsageError(f"{path} exists and is left as it is.", hint="Name another file.")
    write_file(path, template())
    print(f"Wrote {path}. `diagnose report {path}` judges it.", file=sys.stderr)


def _draw_again(path: Path, format: Format | None, output: Path | None, *, quiet: bool) -> None:
    from diagnose.render.as_json import LONGEST, parse

    result = Result(format, output, quiet=quiet)
    result.write(parse(read_text(path, "report", most=LONGEST)))
