"""`diagnose diff A B`: two implementations aligned, explained and proven."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from diagnose.cli.common.exit_codes import COULD_NOT_RUN, DIFFERENCE
from diagnose.cli.common.options import MOST_SEED, Input, Output, OutputFormat, Quiet, place
from diagnose.cli.common.output import Result
from diagnose.files import check_writable

_EXITS = {
    "equivalent": 0,
    "different": DIFFERENCE,
    "equal by numbers": COULD_NOT_RUN,
    "undetermined": COULD_NOT_RUN,
}


class Acceptance(StrEnum):
    """What is taken for equal beside a proof."""

    NUMBERS = "numbers"


A = Annotated[str, typer.Argument(metavar="A", help="The candidate: a MODEL, as `diagnose models` lists them.")]
B = Annotated[str, typer.Argument(metavar="B", help="The reference: a MODEL.")]
Mapping = Annotated[
    Path | None,
    typer.Option("--save-mapping", parser=place, metavar="PATH", help="Write which weights of A are which of B."),
]
Convert = Annotated[
    tuple[Path, Path] | None,
    typer.Option("--convert", metavar="IN OUT", help="Read a checkpoint of A and write it as one of B."),
]
WeightsA = Annotated[
    Path | None,
    typer.Option("--weights-a", metavar="PATH", help="A checkpoint of A: compare what the trained weights compute."),
]
WeightsB = Annotated[Path | None, typer.Option("--weights-b", metavar="PATH", help="A checkpoint of B.")]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, max=MOST_SEED, help="Seed of the initial weights and of the proof's random numbers."),
]

Accept = Annotated[
    Acceptance | None,
    typer.Option("--accept", help="End with 0 also where they are equal by numbers, without a proof of their form."),
]
Eval = Annotated[bool, typer.Option("--eval", help="Compare inference alone: eval mode, without gradients.")]


def diff(
    a: A,
    b: B,
    input: Input = None,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
    seed: Seed = 0,
    weights_a: WeightsA = None,
    weights_b: WeightsB = None,
    save_mapping: Mapping = None,
    convert: Convert = None,
    eval: Eval = False,
    accept: Accept = None,
) -> None:
    """Compare two networks: which differences are real, which only look so, and how sure that is.

    Examples: `diagnose diff torch mm` · `diagnose diff mm prodpoly --format markdown`.

    Ends with 0 where they are equivalent, 1 where they differ (with their trained weights, if there are any), 3 where
    that is undetermined, or where they are equal by numbers alone.
    """
    result = Result(format, output, quiet=quiet)
    with result.progress(f"Comparing {a} with {b}"):
        from diagnose.diff import run
        from diagnose.diff.report import diff_report
        from diagnose.networks.inputs import parse_inputs

        asked = parse_inputs(input or ())
        if save_mapping is not None:
            check_writable(save_mapping)
        if convert is not None:
            run.check_target(*convert)
        modes = (False,) if eval else (True, False)
        examined = run.examine(run.DiffRequest(a, b, asked, seed, (weights_a, weights_b), modes))
        if save_mapping is not None:
            run.save_mapping(examined.diff, save_mapping)
        conversion = None if convert is None else run.convert(examined, *convert)
    result.write(diff_report(examined.diff, trained=examined.trained, conversion=conversion))
    accepted = accept is Acceptance.NUMBERS and examined.verdict == "equal by numbers"
    raise typer.Exit(0 if accepted else _EXITS[examined.verdict])
