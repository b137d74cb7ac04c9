"""mmcv's and mmpretrain's transforms, read into steps; what is not in the table stays unread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from diagnose.pipeline.runnable import Native, RunnableStep
from diagnose.pipeline.sources.read_transforms import RANDOM_NAMES, Settings, in_one_line_of, pair, statistics_settings
from diagnose.values import PipelineStep, PixelForm, StepKind

OWN_LIBRARIES = ("mmcv.", "mmpretrain.")
"""The packages whose classes are read by their names."""

MORE_RANDOM = ("EfficientNetRandomCrop", "Lighting", "Albumentations")
"""Transforms that draw random numbers and whose names do not begin like it."""

MmReading = tuple[tuple[PipelineStep, ...], PixelForm]


def read_mm_transform(transform: Any, form: PixelForm | None, *, first: bool) -> RunnableStep:
    """Return the call of one transform on an array; the first of a pipeline is given the path of an image."""
    kind = type(transform)
    own = kind.__module__.startswith(OWN_LIBRARIES)
    reader = READERS.get(kind.__name__) if own else None
    reading = None
    if reader is not None and (form is not None or first):
        reading = reader(transform, form or PixelForm())
    apply = partial(_on_image, transform, first)
    if reading is not None:
        return RunnableStep(reading[0], apply, reading[1])
    random = own and (kind.__name__.startswith(RANDOM_NAMES) or kind.__name__ in MORE_RANDOM)
    settings = (("stated", in_one_line_of(transform)),) if random else ()
    step = PipelineStep(StepKind.UNREAD, settings, kind.__name__, random=random)
    return RunnableStep((step,), apply, form if random else None)


def _on_image(transform: Any, first: bool, image: Native) -> Native:
    """Run a transform on an image alone, in the dictionary that mmengine's transforms pass on."""
    if first:
        return transform({"img_path": str(image)})["img"]
    height, width = image.shape[:2]
    results = transform({"img": image, "img_shape": (height, width), "ori_shape": (height, width)})
    return results["inputs"] if "inputs" in results else results["img"]


def _step(kind: StepKind, transform: Any, settings: Settings, *, random: bool = False) -> PipelineStep:
    return PipelineStep(kind, tuple(settings), type(transform).__name__, random=random)


def _interpolation(transform: Any) -> Settings:
    """Return how a transform resizes. cv2 takes no mean over what it leaves out, except by "area"; PIL does."""
    name, backend = transform.interpolation, transform.backend
    antialias = name != "nearest" and (backend == "pillow" or name == "area")
    return [("interpolation", name), ("antialias", antialias), ("by", "PIL" if backend == "pillow" else backend)]


def _turned_sides(size: Any) -> tuple[int, int]:
    """Return (height, width) of mmcv's (width, height)."""
    width, height = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _decode(transform: Any, form: PixelForm) -> MmReading | None:
    if transform.color_type != "color" or transform.imdecode_backend not in ("cv2", "pillow"):
        return None
    decoder = "PIL" if transform.imdecode_backend == "pillow" else "cv2"
    step = _step(StepKind.DECODE, transform, [("by", decoder), ("colour", "BGR")])
    return (step,), PixelForm(order="BGR", dtype="float32" if transform.to_float32 else "uint8")


def _resize_edge(transform: Any, form: PixelForm) -> MmReading:
    rule: Settings = [("rule", f"{transform.edge} side"), ("size", int(transform.scale))]
    return (_step(StepKind.RESIZE, transform, rule + _interpolation(transform)),), form


def _resize(transform: Any, form: PixelForm) -> MmReading | None:
    if transform.scale is None:
        return None
    rule: Settings = [
        ("rule", "fits into" if transform.keep_ratio else "exact"),
        ("size", _turned_sides(transform.scale)),
    ]
    return (_step(StepKind.RESIZE, transform, rule + _interpolation(transform)),), form


def _centre_crop(transform: Any, form: PixelForm) -> MmReading:
    smaller = "is padded" if transform.auto_pad else "stays smaller"
    settings: Settings = [("rule", "centre"), ("size", _turned_sides(transform.crop_size))]
    settings += [("rounding", "half to even"), ("smaller image", smaller)]
    return (_step(StepKind.CROP, transform, settings),), form


def _efficientnet_crop(transform: Any, form: PixelForm) -> MmReading:
    share: Settings = [("rule", "centre, a share of the short side"), ("rounding", "half to even")]
    share += [("share", float(f"{transform.crop_size / (transform.crop_size + transform.crop_padding):.6g}"))]
    exact: Settings = [("rule", "exact"), ("size", _turned_sides(transform.crop_size)), *_interpolation(transform)]
    return (_step(StepKind.CROP, transform, share), _step(StepKind.RESIZE, transform, exact)), form


def _normalise(transform: Any, form: PixelForm) -> MmReading | None:
    if form.normalised:
        return None
    after = replace(form, dtype="float32", order="RGB" if form.order == "BGR" else "BGR") if transform.to_rgb else form
    after = replace(after, dtype="float32")
    turned = [_step(StepKind.COLOUR_ORDER, transform, [("order", after.order)])] if transform.to_rgb else []
    settings = statistics_settings(transform.mean, transform.std, after)
    return (*turned, _step(StepKind.NORMALISE, transform, settings)), replace(after, normalised=True)


def _pack(transform: Any, form: PixelForm) -> MmReading | None:
    if transform.input_key != "img":
        return None
    return (_step(StepKind.LAYOUT, transform, [("layout", "CHW")]),), replace(form, layout="CHW")


def _resized_crop(transform: Any, form: PixelForm) -> MmReading:
    settings: Settings = [("rule", "random area"), ("size", _turned_sides(transform.scale))]
    settings += [("area", pair(transform.crop_ratio_range)), ("ratio", pair(transform.aspect_ratio_range))]
    return (_step(StepKind.CROP, transform, settings + _interpolation(transform), random=True),), form


def _random_crop(transform: Any, form: PixelForm) -> MmReading | None:
    padding = transform.padding or 0
    if not isinstance(padding, int) or not isinstance(transform.pad_val, (int, float)):
        return None
    settings: Settings = [("rule", "random place"), ("size", _turned_sides(transform.crop_size)), ("padding", padding)]
    settings += [("fill", transform.pad_val), ("padded by", transform.padding_mode)]
    return (_step(StepKind.CROP, transform, settings, random=True),), form


def _flip(transform: Any, form: PixelForm) -> MmReading | None:
    if not isinstance(transform.prob, (int, float)) or not isinstance(transform.direction, str):
        return None
    settings: Settings = [("direction", transform.direction), ("probability", float(transform.prob))]
    return (_step(StepKind.FLIP, transform, settings, random=True),), form


def _jitter(transform: Any, form: PixelForm) -> MmReading:
    names = ("brightness", "contrast", "saturation", "hue")
    bounds = {name: getattr(transform, name) for name in names}
    settings: Settings = [(name, pair(value)) for name, value in bounds.items() if np.ptp(value)]  # the others stay
    return (_step(StepKind.COLOUR, transform, settings, random=True),), form


READERS: dict[str, Callable[[Any, PixelForm], MmReading | None]] = {
    "CenterCrop": _centre_crop,
    "ColorJitter": _jitter,
    "EfficientNetCenterCrop": _efficientnet_crop,
    "LoadImageFromFile": _decode,
    "Normalize": _normalise,
    "PackInputs": _pack,
    "RandomCrop": _random_crop,
    "RandomFlip": _flip,
    "RandomResizedCrop": _resized_crop,
    "Resize": _resize,
    "ResizeEdge": _resize_edge,
}
"""How each class is read, by its name."""
