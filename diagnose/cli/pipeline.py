"""`diagnose pipeline A B`: what two pipelines of image preprocessing give to a network."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from diagnose.cli.common.exit_codes import COULD_NOT_RUN, DIFFERENCE
from diagnose.cli.common.options import Output, OutputFormat, Quiet, place
from diagnose.cli.common.output import Result
from diagnose.values import PipelineVerdict

_FORMS = (
    "torchvision:ResNet50_Weights.IMAGENET1K_V2, timm:resnet50.a1_in1k, mmpretrain:resnet50_8xb32_in1k, or "
    "path/to/file.py:transform, which is run as code."
)
_EXITS = {
    PipelineVerdict.SAME: 0,
    PipelineVerdict.DIFFERENT: DIFFERENCE,
    PipelineVerdict.UNDETERMINED: COULD_NOT_RUN,
}


class Split(StrEnum):
    """Which images a pipeline is for."""

    TEST = "test"
    TRAIN = "train"


def pipeline(
    a: Annotated[str, typer.Argument(metavar="A", help=_FORMS)],
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="The pipeline to compare it with.")] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", parser=place, metavar="FOLDER", help="Images to try; else drawn ones of many shapes."),
    ] = None,
    split: Annotated[Split, typer.Option(help="Which pipeline of a library: test or train.")] = Split.TEST,
    format: OutputFormat = None,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Compare what two pipelines make of images, step by step, or examine one.

    It ends with 1 where they differ, and with 3 where that is undetermined.

    diagnose pipeline torchvision:ResNet50_Weights.IMAGENET1K_V2 timm:resnet50.a1_in1k

    diagnose pipeline ours.py:transform mmpretrain:resnet50_8xb32_in1k --images photos/

    diagnose pipeline ours.py:transform
    """
    result = Result(format, output, quiet=quiet)
    train = split is Split.TRAIN
    with result.progress(f"Running {a}" if b is None else f"Comparing {a} and {b}"):
        from diagnose.pipeline.report import diff_report, examination_report
        from diagnose.pipeline.run import compare_pipelines, examine_pipeline

        if b is None:
            report = examination_report(examine_pipeline(a, images=images, train=train))
        else:
            diff = compare_pipelines(a, b, images=images, train=train)
            report = diff_report(diff)
    result.write(report)
    if b is not None and _EXITS[diff.verdict]:
        raise typer.Exit(_EXITS[diff.verdict])
