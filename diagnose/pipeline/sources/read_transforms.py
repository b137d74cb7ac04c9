"""torchvision's transforms, v1 and v2, and timm's, read into steps; what is not in the table stays unread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from diagnose.pipeline.runnable import RunnableStep
from diagnose.values import PipelineStep, PixelForm, StepKind, StepValue

Reading = tuple[tuple[PipelineStep, ...], PixelForm]
"""The steps of one transform, and the form of the picture after them."""

Settings = list[tuple[str, StepValue]]
"""The settings of a step, in the order in which they are told."""

Reader = Callable[[Any, PixelForm], Reading | None]
"""Reads one transform that is given a picture of a form; None where its arguments are not understood."""

LIBRARIES = ("torchvision.transforms", "timm.data.transforms")
"""The modules whose classes are read by their names; a subclass of the user's own is not."""

RANDOM_NAMES = ("Random", "Rand", "ColorJitter", "AutoAugment", "TrivialAugment", "AugMix", "CutMix", "MixUp")
"""What the names of transforms begin with that draw random numbers."""


def read_transform(transform: Any, form: PixelForm | None) -> tuple[RunnableStep, ...]:
    """Return the calls of a transform, those of a composition one by one.

    `form` is that of the picture it is given, None after an unread step: then nothing more can be read.
    """
    kind = type(transform)
    if kind.__name__ == "Compose" and _of_library(kind):
        calls: list[RunnableStep] = []
        for part in transform.transforms:
            calls += read_transform(part, form)
            # A random step is never run, so what is after it is read as if it kept the form, as they all do.
            form = calls[-1].form if calls else form
        return tuple(calls)
    reading = _read(transform, form)
    if reading is not None:
        return (RunnableStep(reading[0], transform, reading[1]),)
    if _of_library(kind) and kind.__name__.startswith(RANDOM_NAMES):
        said = (PipelineStep(StepKind.UNREAD, (("stated", in_one_line_of(transform)),), kind.__name__, random=True),)
        return (RunnableStep(said, transform, form),)
    return (RunnableStep((unread(transform),), transform, None),)


def unread(transform: Any) -> PipelineStep:
    """Return the step of a call that cannot be read, named as its code names it."""
    name = getattr(transform, "__qualname__", None) or type(transform).__name__
    return PipelineStep(StepKind.UNREAD, (), name)


def in_one_line_of(transform: Any) -> str:
    """Return how a transform describes itself, in one line."""
    return " ".join(repr(transform).split())


def _of_library(kind: type) -> bool:
    return kind.__module__.startswith(LIBRARIES)


def _read(transform: Any, form: PixelForm | None) -> Reading | None:
    kind = type(transform)
    reader = READERS.get(kind.__name__) if _of_library(kind) else None
    return None if reader is None or form is None else reader(transform, form)


def _step(
    kind: StepKind, transform: Any, settings: Iterable[tuple[str, StepValue]] = (), *, random: bool = False
) -> PipelineStep:
    return PipelineStep(kind, tuple(settings), type(transform).__name__, random=random)


def sides(size: Any) -> tuple[int, ...]:
    """Return a size in the way that torchvision takes it: (side,) or (height, width)."""
    return tuple(int(side) for side in size) if isinstance(size, (list, tuple)) else (int(size),)


def by_library(form: PixelForm) -> str:
    """Return what resizes a picture of torchvision's: PIL where it is an image, torch where it is a tensor."""
    return "PIL" if form.layout == "HWC" else "torch"


def interpolation_settings(transform: Any, form: PixelForm) -> Settings:
    """Return the interpolation of a resize, and whether it is antialiased: PIL's always is."""
    name = getattr(transform.interpolation, "value", str(transform.interpolation))
    smooth = form.layout == "HWC" or bool(getattr(transform, "antialias", True))
    antialias = smooth and not name.startswith("nearest")
    return [("interpolation", name), ("antialias", antialias), ("by", by_library(form))]


# --------------------------------------------------------------------------------------------- the table


def _resize(transform: Any, form: PixelForm) -> Reading | None:
    if transform.size is None:
        return None
    size = sides(transform.size)
    rule: Settings = (
        [("rule", "short side"), ("size", size[0])] if len(size) == 1 else [("rule", "exact"), ("size", size)]
    )
    if transform.max_size is not None:
        rule.append(("longest side", int(transform.max_size)))
    return (_step(StepKind.RESIZE, transform, [*rule, *interpolation_settings(transform, form)]),), form


def _keep_ratio(transform: Any, form: PixelForm) -> Reading | None:
    if isinstance(transform.interpolation, tuple) or transform.random_scale_prob or transform.random_aspect_prob:
        return None
    rule = {0.0: "covers", 1.0: "fits into"}.get(transform.longest)
    if rule is None:
        return None
    settings: Settings = [("rule", rule), ("size", sides(transform.size)), *interpolation_settings(transform, form)]
    return (_step(StepKind.RESIZE, transform, settings),), form


def _centre_crop(transform: Any, form: PixelForm) -> Reading:
    size = sides(transform.size)
    settings: Settings = [("rule", "centre"), ("size", size * 2 if len(size) == 1 else size)]
    settings += [("rounding", "half to even"), ("smaller image", "is padded")]
    return (_step(StepKind.CROP, transform, settings),), form


def _crop_or_pad(transform: Any, form: PixelForm) -> Reading | None:
    (step,), after = _centre_crop(transform, form)
    fill = transform.fill if isinstance(transform.fill, (list, tuple)) else (transform.fill,)
    return (PipelineStep(step.kind, (*step.settings, ("fill", tuple(map(float, fill)))), step.source),), after


def _to_tensor(transform: Any, form: PixelForm) -> Reading | None:
    if form.layout != "HWC" or form.dtype != "uint8" or form.normalised:
        # timm's MaybeToTensor leaves a tensor as it is; torchvision's refuses one.
        return ((), form) if type(transform).__name__ == "MaybeToTensor" and form.layout == "CHW" else None
    after = replace(form, layout="CHW", dtype="float32", levels=form.levels * 255)
    return (
        _step(StepKind.LAYOUT, transform, [("layout", "CHW")]),
        _step(StepKind.TYPE, transform, [("type", "float32")]),
        _step(StepKind.RANGE, transform, [("divided by", 255)]),
    ), after


def _to_layout(transform: Any, form: PixelForm) -> Reading | None:
    if form.layout == "CHW":
        return (_step(StepKind.LAYOUT, transform, [("layout", "CHW")]),), form
    return (_step(StepKind.LAYOUT, transform, [("layout", "CHW")]),), replace(form, layout="CHW")


def _to_type(transform: Any, form: PixelForm) -> Reading | None:
    import torch

    scale = bool(getattr(transform, "scale", True))  # ConvertImageDtype always scales
    if not isinstance(transform.dtype, torch.dtype) or form.normalised or form.layout != "CHW":
        return None
    name = str(transform.dtype).removeprefix("torch.")
    to_float = transform.dtype.is_floating_point
    if not to_float or (form.dtype != "uint8" and not form.dtype.startswith("float")):
        return None
    typed = _step(StepKind.TYPE, transform, [("type", name)])
    if not scale or form.dtype != "uint8":
        return (typed,), replace(form, dtype=name)
    divided = _step(StepKind.RANGE, transform, [("divided by", 255)])
    return (typed, divided), replace(form, dtype=name, levels=form.levels * 255)


def _normalise(transform: Any, form: PixelForm) -> Reading | None:
    if form.normalised or form.layout != "CHW":
        return None
    settings = statistics_settings(transform.mean, transform.std, form)
    return (_step(StepKind.NORMALISE, transform, settings),), replace(form, normalised=True)


def statistics_settings(mean: Any, std: Any, form: PixelForm) -> Settings:
    """Return mean and standard deviation in grey levels of the values that they are taken from."""

    def in_levels(values: Any) -> tuple[float, ...]:
        return tuple(float(f"{float(value) * form.levels:.6g}") for value in values)

    return [("mean", in_levels(mean)), ("std", in_levels(std)), ("order", form.order)]


def _resized_crop(transform: Any, form: PixelForm) -> Reading | None:
    if isinstance(transform.interpolation, (list, tuple)):
        return None
    settings: Settings = [("rule", "random area"), ("size", sides(transform.size))]
    settings += [("area", pair(transform.scale)), ("ratio", pair(transform.ratio))]
    settings += interpolation_settings(transform, form)
    return (_step(StepKind.CROP, transform, settings, random=True),), form


def pair(values: Any) -> tuple[float, ...]:
    """Return bounds as numbers of six digits: libraries write 4/3 differently."""
    return tuple(float(f"{float(value):.6g}") for value in values)


def _random_crop(transform: Any, form: PixelForm) -> Reading | None:
    padding, fill = transform.padding or 0, transform.fill
    if not isinstance(padding, int) or not isinstance(fill, (int, float)):
        return None
    settings: Settings = [("rule", "random place"), ("size", sides(transform.size))]
    settings += [("padding", padding), ("fill", fill), ("padded by", transform.padding_mode)]
    return (_step(StepKind.CROP, transform, settings, random=True),), form


def _flip(transform: Any, form: PixelForm) -> Reading:
    direction = "horizontal" if "Horizontal" in type(transform).__name__ else "vertical"
    settings: Settings = [("direction", direction), ("probability", float(transform.p))]
    return (_step(StepKind.FLIP, transform, settings, random=True),), form


def _jitter(transform: Any, form: PixelForm) -> Reading:
    names = ("brightness", "contrast", "saturation", "hue")
    settings = [(name, pair(bounds)) for name in names if (bounds := getattr(transform, name)) is not None]
    return (_step(StepKind.COLOUR, transform, settings, random=True),), form


def _pad(transform: Any, form: PixelForm) -> Reading | None:
    padding, fill = transform.padding, transform.fill
    if not isinstance(fill, (int, float)):
        return None
    settings: Settings = [
        ("by", sides(padding)),
        ("fill", fill),
        ("padded by", transform.padding_mode),
    ]
    return (_step(StepKind.PAD, transform, settings),), form


def _colour(transform: Any, form: PixelForm) -> Reading | None:
    if type(transform).__name__ == "Grayscale" and transform.num_output_channels != 3:
        return None
    settings = [("to", "grey" if type(transform).__name__ == "Grayscale" else "RGB")]
    return (_step(StepKind.COLOUR, transform, settings),), form


def _nothing(transform: Any, form: PixelForm) -> Reading:
    return (), form


READERS: dict[str, Reader] = {
    "CenterCrop": _centre_crop,
    "CenterCropOrPad": _crop_or_pad,
    "ColorJitter": _jitter,
    "ConvertImageDtype": _to_type,
    "Grayscale": _colour,
    "Identity": _nothing,
    "MaybePILToTensor": _to_layout,
    "MaybeToTensor": _to_tensor,
    "Normalize": _normalise,
    "PILToTensor": _to_layout,
    "Pad": _pad,
    "RGB": _colour,
    "RandomCrop": _random_crop,
    "RandomHorizontalFlip": _flip,
    "RandomResizedCrop": _resized_crop,
    "RandomResizedCropAndInterpolation": _resized_crop,
    "RandomVerticalFlip": _flip,
    "Resize": _resize,
    "ResizeKeepRatio": _keep_ratio,
    "ToDtype": _to_type,
    "ToImage": _to_layout,
    "ToPureTensor": _nothing,
    "ToTensor": _to_tensor,
}
"""How each class is read, by its name: v1 and v2 agree in what is read here."""
