"""Pipelines of image preprocessing, compared and examined: `diagnose pipeline` for Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from diagnose.api.drawable import Drawable
from diagnose.api.given import Progress, callers_state_kept, silent
from diagnose.values import PipelineDiff, PipelineExamination, PipelineFault, PipelineVerdict

Split = Literal["test", "train"]


@dataclass(frozen=True, repr=False, eq=False)
class PipelineComparison(Drawable):
    """Two pipelines compared on images; `diff` has the first steps that part and what reaches the network."""

    diff: PipelineDiff

    @property
    def verdict(self) -> PipelineVerdict:
        """Return the outcome on the images that were tried, within `diff.tolerance`."""
        return self.diff.verdict

    def rows(self) -> list[dict[str, Any]]:
        """Return what reaches the network for each image: image, unit, greatest, mean, shape_a, shape_b."""
        names = ("image", "unit", "greatest", "mean", "shape_a", "shape_b")
        return [{name: getattr(output, name) for name in names} for output in self.diff.outputs]


@dataclass(frozen=True, repr=False, eq=False)
class PipelineCheck(Drawable):
    """One pipeline alone: what it gives for each image, and what looks wrong."""

    examination: PipelineExamination

    @property
    def faults(self) -> tuple[PipelineFault, ...]:
        """Return what looks wrong; none is no proof that all is right."""
        return self.examination.faults

    def rows(self) -> list[dict[str, Any]]:
        """Return what the network is given for each image: image, shape, dtype, low, high."""
        names = ("image", "shape", "dtype", "low", "high")
        return [{name: getattr(output, name) for name in names} for output in self.examination.outputs]


def compare_pipelines(
    a: str, b: str, *, images: str | Path | None = None, split: Split = "test", progress: Progress = silent
) -> PipelineComparison:
    """Compare what two pipelines of preprocessing give to a network, step by step.

    Args:
        a: "torchvision:ResNet50_Weights.IMAGENET1K_V2", "timm:resnet50.a1_in1k", "mmpretrain:resnet50_8xb32_in1k", or
            "path/to/file.py:transform", which is run as code.
        b: the pipeline to compare it with.
        images: a folder of images to try; None is drawn ones of many shapes.
        split: which pipeline of a library is meant.
        progress: told what begins.

    Raises:
        UsageError: there is no such pipeline or folder.
        CannotRun: a pipeline cannot be read or run.

    Examples:
        >>> weights = "torchvision:ResNet18_Weights.IMAGENET1K_V1"
        >>> compare_pipelines(weights, weights).verdict.value
        'same'
    """
    with callers_state_kept():
        from diagnose.pipeline.report import diff_report
        from diagnose.pipeline.run import compare_pipelines as compare

        progress(f"Comparing {a} and {b}")
        diff = compare(a, b, images=None if images is None else Path(images), train=split == "train")
        return PipelineComparison(diff_report(diff), diff)


def examine_pipeline(
    pipeline: str, *, images: str | Path | None = None, split: Split = "test", progress: Progress = silent
) -> PipelineCheck:
    """Say what one pipeline of preprocessing gives to a network, and what looks wrong in it.

    Args:
        pipeline: as in `compare_pipelines`.
        images: a folder of images to try; None is drawn ones of many shapes.
        split: which pipeline of a library is meant.
        progress: told what begins.

    Raises:
        UsageError: there is no such pipeline or folder.
        CannotRun: the pipeline cannot be read or run.

    Examples:
        >>> check = examine_pipeline("torchvision:ResNet18_Weights.IMAGENET1K_V1")
        >>> {row["shape"] for row in check.rows()}, check.faults
        ({(3, 224, 224)}, ())
    """
    with callers_state_kept():
        from diagnose.pipeline.report import examination_report
        from diagnose.pipeline.run import examine_pipeline as examine

        progress(f"Running {pipeline}")
        found = examine(pipeline, images=None if images is None else Path(images), train=split == "train")
        return PipelineCheck(examination_report(found), found)
