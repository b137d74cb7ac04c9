"""A pipeline that can be run: step by step as it is read, and whole as its library runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from diagnose.values import FORM_KINDS, PipelineStep, PixelForm, Preprocessing, StepKind

Picture = npt.NDArray[np.float64]
"""A picture as every side is compared: (H, W, C) in RGB; grey levels 0 to 255, or what a normalisation made of them."""

Native = Any
"""A picture as a library holds it: a PIL image, an array or a tensor."""


@dataclass(frozen=True)
class RunnableStep:
    """One call of a library: the steps that it makes, and the form of what it returns, None where it is unread.

    The first step of a pipeline is given the path of the image.
    """

    steps: tuple[PipelineStep, ...]
    apply: Callable[[Native], Native]
    form: PixelForm | None

    @property
    def random(self) -> bool:
        """Say whether it draws random numbers."""
        return any(step.random for step in self.steps)

    @property
    def changes_picture(self) -> bool:
        """Say whether it may change the picture, and not only how it is written down."""
        return any(step.kind not in FORM_KINDS for step in self.steps)


@dataclass(frozen=True)
class RunnablePipeline:
    """A pipeline with its calls; `whole` runs it as its library does, from the path of an image to the output."""

    name: str
    origin: str
    calls: tuple[RunnableStep, ...]
    whole: Callable[[Path], Native]
    notes: tuple[str, ...] = field(default=())

    @property
    def steps(self) -> tuple[PipelineStep, ...]:
        """Return its steps in order."""
        return tuple(step for call in self.calls for step in call.steps)

    @property
    def random(self) -> bool:
        """Say whether a step draws random numbers."""
        return any(call.random for call in self.calls)

    @property
    def readable(self) -> bool:
        """Say whether every step is read; random steps need not be, for they are never run."""
        return all(call.form is not None or call.random for call in self.calls)

    def facts(self) -> Preprocessing:
        """Return what is known of it, as a value."""
        form = self.calls[-1].form if self.calls and self.readable else None
        return Preprocessing(self.name, self.origin, self.steps, form, self.notes)


def values_of(native: Native) -> npt.NDArray[Any]:
    """Return the numbers of a picture in the shape and type that its library holds."""
    return cast("npt.NDArray[Any]", native.detach().cpu().numpy() if hasattr(native, "detach") else np.asarray(native))


def picture_of(native: Native, form: PixelForm) -> Picture:
    """Return a picture in the common form: (H, W, C), RGB, grey levels unless it is normalised."""
    values = values_of(native).astype(np.float64)
    if values.ndim == 2:
        values = values[..., None] if form.layout == "HWC" else values[None]
    if form.layout == "CHW":
        values = values.transpose(1, 2, 0)
    if form.order == "BGR":
        values = values[..., ::-1]
    return values if form.normalised else values * form.levels


def native_of(picture: Picture, form: PixelForm, like: Native) -> Native | None:
    """Return a picture as a library holds it, in the kind of container that `like` is.

    None where that container cannot hold it: whole grey levels alone fit into 8 bits.
    """
    values = picture if form.normalised else picture / form.levels
    if form.dtype == "uint8":
        whole = np.rint(values)
        if np.abs(whole - values).max(initial=0) > 1e-6 or whole.min(initial=0) < 0 or whole.max(initial=0) > 255:
            return None
        values = whole
    if form.order == "BGR":
        values = values[..., ::-1]
    if form.layout == "CHW":
        values = values.transpose(2, 0, 1)
    array = np.ascontiguousarray(values).astype(form.dtype)
    if hasattr(like, "detach"):
        import torch

        return torch.from_numpy(array)
    if isinstance(like, np.ndarray):
        return array
    from PIL import Image

    return Image.fromarray(array)


def decoded_by_pil(path: Path) -> Native:
    """Decode an image as torchvision's data sets do: with PIL, to RGB."""
    from PIL import Image

    with Image.open(path) as image:
        return image.convert("RGB")


DECODE_BY_PIL = RunnableStep(
    (PipelineStep(StepKind.DECODE, (("by", "PIL"), ("colour", "RGB")), 'Image.open(path).convert("RGB")'),),
    decoded_by_pil,
    PixelForm(),
)
"""What torchvision's and timm's own data sets put before their transforms."""
