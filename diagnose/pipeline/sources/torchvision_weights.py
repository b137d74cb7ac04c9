"""The transforms of torchvision's published weights: `torchvision:ResNet50_Weights.IMAGENET1K_V2`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from diagnose.errors import CannotRun, UsageError, nearest
from diagnose.networks.build_errors import check_call
from diagnose.pipeline.runnable import DECODE_BY_PIL, Native, RunnablePipeline, RunnableStep, decoded_by_pil
from diagnose.pipeline.sources.read_transforms import interpolation_settings, sides, statistics_settings
from diagnose.values import ModelRef, PipelineStep, PixelForm, StepKind


def weights_pipeline(ref: ModelRef, *, train: bool) -> RunnablePipeline:
    """Return the transforms of the weights that `ref` names; nothing is downloaded.

    Arguments take the place of the weights' own: `antialias=False`.

    Raises:
        DiagnoseError: there are no such weights or no such argument (exit code 2), or they do not classify images (3).
    """
    import torchvision
    from torchvision.transforms._presets import ImageClassification

    if train:
        raise UsageError(
            f"{ref.text} states how images are prepared for testing, and nothing of its training.",
            hint="Compare the test split, or name your own training transform.",
        )
    weights = _weights(ref.name)
    made_by = getattr(weights.transforms, "func", weights.transforms)
    if made_by is not ImageClassification:
        raise CannotRun(f"The transforms of {ref.name} are not those of image classification: they are not compared.")
    kwargs = dict(ref.kwargs)
    check_call(partial(made_by, **weights.transforms.keywords), ref, kwargs)
    preset = weights.transforms(**kwargs)
    return RunnablePipeline(
        ref.text, f"torchvision {torchvision.__version__}", (DECODE_BY_PIL, *_calls(preset)), partial(_whole, preset)
    )


def _weights(name: str) -> Any:
    import torchvision

    models = torchvision.models.list_models()
    if name in models:
        known = [str(weights) for weights in torchvision.models.get_model_weights(name)]
        raise UsageError(f"{name!r} is a model, and its weights have transforms.", hint=f"Write {' or '.join(known)}.")
    try:
        return torchvision.models.get_weight(name)
    except (ValueError, KeyError) as error:
        known = [str(weights) for model in models for weights in torchvision.models.get_model_weights(model)]
        hint = nearest(name, known) or "Write torchvision:ResNet50_Weights.IMAGENET1K_V2, for example."
        raise UsageError(f"torchvision has no weights {name!r}.", hint=hint) from error


def _whole(preset: Any, path: Path) -> Native:
    return preset(decoded_by_pil(path))


def _calls(preset: Any) -> tuple[RunnableStep, ...]:
    """Return what the preset does in its one forward pass, call by call; its image is PIL's."""
    import torch
    from torchvision.transforms import functional as F

    name, given = type(preset).__name__, PixelForm()
    size = sides(preset.resize_size)
    rule = (("rule", "short side"), ("size", size[0])) if len(size) == 1 else (("rule", "exact"), ("size", size))
    crop = sides(preset.crop_size)
    tensor = replace(given, layout="CHW")
    scaled = replace(tensor, dtype="float32", levels=255.0)

    def step(kind: StepKind, *settings: Any) -> PipelineStep:
        return PipelineStep(kind, settings, name)

    resize = step(StepKind.RESIZE, *rule, *interpolation_settings(preset, given))
    centre = step(
        StepKind.CROP,
        ("rule", "centre"),
        ("size", crop * 2 if len(crop) == 1 else crop),
        ("rounding", "half to even"),
        ("smaller image", "is padded"),
    )
    floats = step(StepKind.TYPE, ("type", "float32")), step(StepKind.RANGE, ("divided by", 255))
    normalise = step(StepKind.NORMALISE, *statistics_settings(preset.mean, preset.std, scaled))
    resized = partial(F.resize, size=preset.resize_size, interpolation=preset.interpolation, antialias=preset.antialias)
    return (
        RunnableStep((resize,), resized, given),
        RunnableStep((centre,), partial(F.center_crop, output_size=preset.crop_size), given),
        RunnableStep((step(StepKind.LAYOUT, ("layout", "CHW")),), F.pil_to_tensor, tensor),
        RunnableStep(floats, partial(F.convert_image_dtype, dtype=torch.float), scaled),
        RunnableStep(
            (normalise,), partial(F.normalize, mean=preset.mean, std=preset.std), replace(scaled, normalised=True)
        ),
    )
