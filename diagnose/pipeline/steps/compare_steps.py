"""Two pipelines step by step on the same picture: each block of steps is judged by what it does itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diagnose.pipeline.runnable import Native, RunnablePipeline, native_of, picture_of
from diagnose.pipeline.steps.align_steps import Segment, StepBlock
from diagnose.pipeline.steps.compare_pictures import picture_difference
from diagnose.pipeline.steps.trace import Trace, run_calls
from diagnose.values import PictureDifference, PictureUnit, PixelForm

EXACT = 1e-9
"""Grey levels, or standard deviations, up to which two pictures are taken for the same."""


@dataclass(frozen=True)
class HeldPicture:
    """A picture as a library holds it, with its form."""

    native: Native
    form: PixelForm

    def after(self, segments: Sequence[Segment]) -> HeldPicture:
        """Return what some segments make of it; random calls are left out."""
        native, form = self.native, self.form
        for segment in segments:
            native = run_calls(segment.calls, native)
            form = segment.calls[-1].form or form
        return HeldPicture(native, form)


def block_differences(
    path: Path, pipelines: tuple[RunnablePipeline, RunnablePipeline], traces: tuple[Trace, Trace],
    blocks: Sequence[StepBlock],
) -> tuple[PictureDifference | None, ...]:  # fmt: skip
    """Return for each block how far the two sides are apart after it, both given A's picture before it.

    None where that cannot be told: for random steps, for what is not read, and where B's library cannot hold A's
    picture or fails on it.
    """
    differences: list[PictureDifference | None] = []
    reached_a = reached_b = 0
    for block in blocks:
        told = block.read and not block.random
        before_a = _held(path, pipelines[0], traces[0], reached_a)
        before_b = _held(path, pipelines[1], traces[1], reached_b)
        differences.append(_tried(path, block, before_a, before_b) if told else None)
        reached_a = block.a[-1].end if block.a else reached_a
        reached_b = block.b[-1].end if block.b else reached_b
    return tuple(differences)


def _tried(path: Path, block: StepBlock, a: HeldPicture, b: HeldPicture) -> PictureDifference | None:
    given = _handed_over(a, b)
    if given is None:
        return None
    try:
        return _apart(path.name, a.after(block.a), given.after(block.b))
    except Exception:  # of a library, at a picture that its own pipeline would not have given it
        return None


def _held(path: Path, pipeline: RunnablePipeline, trace: Trace, reached: int) -> HeldPicture:
    """Return the picture after a number of calls; before the first it is the file itself."""
    if not reached:
        return HeldPicture(path, PixelForm())
    return HeldPicture(trace.natives[reached - 1], pipeline.calls[reached - 1].form or PixelForm())


def _handed_over(a: HeldPicture, b: HeldPicture) -> HeldPicture | None:
    """Return A's picture as B's library holds it: B's own where that is the same; None where it cannot hold it."""
    if isinstance(a.native, Path) or isinstance(b.native, Path):
        return b if a.native == b.native else None
    if a.form.normalised != b.form.normalised:
        return None
    picture, own = picture_of(a.native, a.form), picture_of(b.native, b.form)
    if own.shape == picture.shape and np.abs(own - picture).max(initial=0) <= EXACT:
        return b
    native = native_of(picture, b.form, b.native)
    return None if native is None else HeldPicture(native, b.form)


def _apart(image: str, a: HeldPicture, b: HeldPicture) -> PictureDifference:
    """Return the difference of two pictures; where one alone is normalised, of the values as they are written down."""
    if isinstance(a.native, Path) or isinstance(b.native, Path):  # one side decodes later
        raise ValueError("one side has not decoded the image")
    if a.form.normalised == b.form.normalised:
        unit = PictureUnit.DEVIATIONS if a.form.normalised else PictureUnit.LEVELS
        return picture_difference(image, unit, picture_of(a.native, a.form), picture_of(b.native, b.form))
    pictures = (picture_of(held.native, replace(held.form, normalised=True)) for held in (a, b))
    return picture_difference(image, PictureUnit.OUTPUT, *pictures)
