"""A transform of the user's own: `path/to/file.py:transform`, or a call that returns one, `file.py:make(size=224)`."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from diagnose.errors import CannotRun, UsageError, in_one_line
from diagnose.networks.build_errors import check_call
from diagnose.networks.origins.from_user_code import named_object
from diagnose.pipeline.runnable import DECODE_BY_PIL, Native, RunnablePipeline, RunnableStep, decoded_by_pil
from diagnose.pipeline.sources.read_transforms import read_transform
from diagnose.values import ModelRef, PipelineStep, PixelForm, StepKind


def user_pipeline(ref: ModelRef) -> RunnablePipeline:
    """Return a user's transform; what it is given (a PIL image, an array or a tensor) is what it takes, in this order.

    The annotation of its parameter goes before this order. The code is imported, so it is run.

    Raises:
        DiagnoseError: there is no such code or it cannot be called (exit code 2), or it takes no image (3).
    """
    found = named_object(ref)
    if not callable(found):
        raise UsageError(f"{ref.name} is a {type(found).__name__}: not a transform, not callable.")
    transform = found
    if not ref.text.endswith(ref.name):  # it is written with arguments, or with empty brackets
        check_call(found, ref, dict(ref.kwargs))
        transform = found(**dict(ref.kwargs))
    if inspect.isclass(transform):
        raise UsageError(f"{ref.name} is a class: call it to get a transform.", hint=f"Write {ref.name}().")
    if not callable(transform):
        raise UsageError(f"{ref.text} returned a {type(transform).__name__}: not a transform, not callable.")
    if hasattr(transform, "training"):
        transform = copy.deepcopy(transform)  # it belongs to the file that made it
    decode = _decoder(transform, ref)
    calls = (decode, *read_transform(transform, decode.form))
    kinds = {"PIL": "a PIL image", "array": "an array (H, W, C)", "tensor": "a tensor (C, H, W)"}
    note = f"It is given {kinds[dict(decode.steps[0].settings)['as']]} of 8 bits in RGB."  # type: ignore[index]
    return RunnablePipeline(ref.text, "your own code", calls, partial(_whole, transform, decode.apply), (note,))


def _whole(transform: Callable[[Native], Native], decode: Callable[[Native], Native], path: Path) -> Native:
    return transform(decode(path))


def _array(path: Path) -> Native:
    return np.array(decoded_by_pil(path))


def _tensor(path: Path) -> Native:
    import torch

    return torch.from_numpy(_array(path)).permute(2, 0, 1).contiguous()


CONTAINERS: dict[str, tuple[Callable[[Path], Native], PixelForm]] = {
    "PIL": (DECODE_BY_PIL.apply, PixelForm()),
    "array": (_array, PixelForm()),
    "tensor": (_tensor, PixelForm(layout="CHW")),
}
"""What a transform may be given, in the order in which it is tried."""


def _decoder(transform: Any, ref: ModelRef) -> RunnableStep:
    """Return how an image is given to a transform: as its annotation says, else as it takes it without an error."""
    from PIL import Image

    annotated = _annotated(transform)
    order = [annotated] if annotated else list(CONTAINERS)
    picture = np.random.default_rng(0).integers(0, 256, (320, 480, 3), dtype=np.uint8)
    trials = {"PIL": Image.fromarray(picture), "array": picture}
    errors = []
    for name in order:
        given = trials.get(name)
        try:
            transform(_tensor_of(picture) if given is None else given)
        except Exception as error:
            errors.append(f"{name}: {in_one_line(error)}")
            continue
        apply, form = CONTAINERS[name]
        step = PipelineStep(StepKind.DECODE, (("by", "PIL"), ("colour", "RGB"), ("as", name)), "diagnose")
        return RunnableStep((step,), apply, form)
    raise CannotRun(f"{ref.text} takes no image of 320x480. {'; '.join(errors)}.")


def _tensor_of(picture: Any) -> Native:
    import torch

    return torch.from_numpy(picture).permute(2, 0, 1).contiguous()


def _annotated(transform: Any) -> str | None:
    try:
        parameters = list(inspect.signature(transform).parameters.values())
    except (TypeError, ValueError):
        return None
    said = str(parameters[0].annotation) if parameters else ""
    words = {"PIL": "PIL", "ndarray": "array", "Tensor": "tensor"}
    named = {container for word, container in words.items() if word in said}
    return named.pop() if len(named) == 1 else None
