"""What looks wrong in one pipeline alone, by the values that pass through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diagnose.pipeline.runnable import RunnablePipeline, picture_of
from diagnose.pipeline.steps.trace import Trace
from diagnose.values import PipelineFault, PipelineFaultKind, PipelineStep, StepKind

BLACK, WHITE = 5.0, 250.0
"""Grey levels that the images must reach before values of a pipeline are called too small or too large."""

ASYMMETRIC_MEANS = ((123.675, 116.28, 103.53), (125.307, 122.961, 113.8575), (129.304, 124.07, 112.434))
"""Means of RGB in grey levels that betray their order. Source: ImageNet, CIFAR-10 and CIFAR-100, as they are used."""

ALIASED_LEVELS = 4.0
"""A mean difference from the antialiased resize from which it is reported, in grey levels."""


@dataclass(frozen=True)
class ImageEvidence:
    """What one image shows: the bounds after each call, and how far each resize is from an antialiased one."""

    image: str
    bounds: tuple[tuple[float, float], ...]
    aliased: tuple[float | None, ...]


def evidence_of(pipeline: RunnablePipeline, trace: Trace, path: Path) -> ImageEvidence:
    """Measure what `faults_of` judges, on one image."""
    aliased = tuple(_aliased(pipeline, trace, index) for index in range(len(pipeline.calls)))
    return ImageEvidence(path.name, trace.bounds, aliased)


def faults_of(pipeline: RunnablePipeline, evidence: Sequence[ImageEvidence]) -> tuple[PipelineFault, ...]:
    """Return what the evidence of some images shows to be wrong; nothing where they reach neither black nor white."""
    return (*_of_ranges(pipeline, evidence), *_of_orders(pipeline), *_of_resizes(pipeline, evidence))


def _of_ranges(pipeline: RunnablePipeline, evidence: Sequence[ImageEvidence]) -> Iterator[PipelineFault]:
    if not evidence:
        return
    table = np.array([of_image.bounds for of_image in evidence])  # images, calls, low and high
    bounds = list(zip(table[..., 0].min(0).tolist(), table[..., 1].max(0).tolist(), strict=True))
    if not bounds or bounds[0][0] > BLACK or bounds[0][1] < WHITE:
        return
    for index in range(1, len(bounds)):
        before, (low, high) = bounds[index - 1], bounds[index]
        if before[0] >= 0 and 0.9 < before[1] <= 1.0001 and low >= 0 and 0 < high <= 1.05 / 255:
            yield PipelineFault(PipelineFaultKind.TWICE_DIVIDED, pipeline.name, low, high)
        call = pipeline.calls[index]
        statistics = _normalisation(call.steps)
        if statistics is None or call.form is None:
            continue
        # Statistics are kept in grey levels of the values they are given, so they are written as they were stated.
        given = pipeline.calls[index - 1].form
        levels = given.levels if given is not None else 1.0
        mean, std = (np.array(values) / levels for values in statistics)
        if before[1] <= 1.0001 and mean.max() > 2 and std.max() > 2:
            yield PipelineFault(PipelineFaultKind.STATISTICS_TOO_LARGE, pipeline.name, *before)
        if before[1] > 2 and mean.max() <= 1 and std.max() <= 1 and std.min() < 1:
            yield PipelineFault(PipelineFaultKind.STATISTICS_TOO_SMALL, pipeline.name, *before)


def _normalisation(steps: Sequence[PipelineStep]) -> tuple[Any, Any] | None:
    for step in steps:
        if step.kind is StepKind.NORMALISE:
            settings = dict(step.settings)
            return settings["mean"], settings["std"]
    return None


def _of_orders(pipeline: RunnablePipeline) -> Iterator[PipelineFault]:
    for step in pipeline.steps:
        settings = dict(step.settings)
        mean, order = settings.get("mean"), settings.get("order")
        if step.kind is not StepKind.NORMALISE or not isinstance(mean, tuple) or len(mean) != 3:
            continue
        for known in ASYMMETRIC_MEANS:
            stated_for = known if order == "BGR" else known[::-1]
            if np.allclose(mean, stated_for, rtol=0, atol=0.5):
                yield PipelineFault(PipelineFaultKind.STATISTICS_REVERSED, pipeline.name, min(mean), max(mean))


def _of_resizes(pipeline: RunnablePipeline, evidence: Sequence[ImageEvidence]) -> Iterator[PipelineFault]:
    for index in range(len(pipeline.calls)):
        worst = [(of_image.aliased[index] or 0.0, of_image.image) for of_image in evidence]
        if worst and max(worst)[0] >= ALIASED_LEVELS:
            yield PipelineFault(PipelineFaultKind.NO_ANTIALIAS, pipeline.name, 0.0, *max(worst))


def _aliased(pipeline: RunnablePipeline, trace: Trace, index: int) -> float | None:
    """Return the mean difference in grey levels of a resize without antialias from PIL's; None where it is none."""
    from PIL import Image

    call = pipeline.calls[index]
    step = next((step for step in call.steps if step.kind is StepKind.RESIZE), None)
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    settings = dict(step.settings) if step is not None else {}
    given = pipeline.calls[index - 1].form if index else None
    filter_ = filters.get(str(settings.get("interpolation")))
    if len(call.steps) != 1 or settings.get("antialias") is not False or filter_ is None:
        return None
    if given is None or call.form is None or given.normalised:
        return None
    before, after = picture_of(trace.natives[index - 1], given), picture_of(trace.natives[index], call.form)
    if after.shape[0] >= before.shape[0] or after.shape[1] >= before.shape[1]:
        return None
    whole = Image.fromarray(np.rint(before).clip(0, 255).astype(np.uint8).squeeze())
    smooth = np.asarray(whole.resize((after.shape[1], after.shape[0]), filter_), dtype=np.float64)
    return float(np.abs(smooth.reshape(after.shape) - after).mean())
