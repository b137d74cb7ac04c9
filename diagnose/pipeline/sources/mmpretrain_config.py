"""The pipelines of mmpretrain's configs, up to what its data preprocessor gives to the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from diagnose.errors import CannotRun, UsageError
from diagnose.networks.origins import from_mmpretrain
from diagnose.pipeline.runnable import Native, RunnablePipeline, RunnableStep, decoded_by_pil
from diagnose.pipeline.sources.read_mm_transforms import OWN_LIBRARIES, read_mm_transform
from diagnose.pipeline.sources.read_transforms import statistics_settings
from diagnose.values import ModelRef, PipelineStep, PixelForm, StepKind

RGB_ARRAYS = ("CIFAR10", "CIFAR100")
"""Data sets of mmpretrain that bring their images as arrays in RGB, without a step that decodes."""

PREPROCESSOR = "ClsDataPreprocessor"
"""The data preprocessor that is read, and the one that a config means which names none."""


def config_pipeline(ref: ModelRef, *, train: bool) -> RunnablePipeline:
    """Return a config's pipeline for one split, from the image to the network.

    Raises:
        DiagnoseError: there is no such config or split (exit code 2), or it cannot be built (3).
    """
    mmpretrain = from_mmpretrain.load()
    if ref.kwargs:
        raise UsageError(f"A pipeline of mmpretrain takes no arguments: {ref.text}.", hint=f"Write {ref.name}.")
    config = from_mmpretrain.config_of(ref)
    loader = "train_dataloader" if train else "test_dataloader"
    dataset = _dataset(config, loader, ref)
    transforms = [_built(step) for step in dataset["pipeline"]]
    preprocessor = _preprocessor(config)
    calls = _calls(transforms, str(dataset.get("type")), preprocessor, ref)
    return RunnablePipeline(
        ref.text,
        f"mmpretrain {mmpretrain.__version__}, {loader} and data_preprocessor",
        calls,
        partial(_whole, transforms, preprocessor, not _decodes(transforms)),
        ("The data set brings arrays in RGB, and its images are of its own size.",) if not _decodes(transforms) else (),
    )


def _dataset(config: Any, loader: str, ref: ModelRef) -> Mapping[str, Any]:
    dataset = (config.get(loader) or {}).get("dataset") or {}
    while "pipeline" not in dataset and isinstance(dataset.get("dataset"), Mapping):  # a repeated or balanced one
        dataset = dataset["dataset"]
    if not dataset.get("pipeline"):
        raise CannotRun(f"{ref.text} has no pipeline in its {loader}.")
    found: Mapping[str, Any] = dataset
    return found


def _built(step: Any) -> Any:
    from mmpretrain.registry import TRANSFORMS

    return TRANSFORMS.build(step)


def _preprocessor(config: Any) -> Any:
    """Build the data preprocessor as mmengine's Runner does: the model's own keys go before the config's."""
    from mmpretrain.registry import MODELS

    own = (config.get("model") or {}).get("data_preprocessor")
    return MODELS.build({"type": PREPROCESSOR, **dict(own or config.get("data_preprocessor") or {})})


def _decodes(transforms: Sequence[Any]) -> bool:
    return bool(transforms) and type(transforms[0]).__name__ == "LoadImageFromFile"


def _calls(transforms: Sequence[Any], dataset: str, preprocessor: Any, ref: ModelRef) -> tuple[RunnableStep, ...]:
    calls: list[RunnableStep] = []
    form: PixelForm | None = None
    if not _decodes(transforms):
        if dataset not in RGB_ARRAYS:
            raise CannotRun(f"{ref.text} has no step that decodes, and how {dataset} brings its images is not known.")
        form = PixelForm()
        said = PipelineStep(StepKind.DECODE, (("by", "the data set"), ("colour", "RGB")), dataset)
        calls.append(RunnableStep((said,), _as_array, form))
    for transform in transforms:
        calls.append(read_mm_transform(transform, form, first=not calls))
        form = calls[-1].form
    return (*calls, *_network_form(preprocessor, form))


def _as_array(path: Path) -> Native:
    return np.array(decoded_by_pil(path))  # a copy, which torch may write to


def _network_form(preprocessor: Any, form: PixelForm | None) -> tuple[RunnableStep, ...]:
    """Return what the data preprocessor does to one image, call by call."""
    name = type(preprocessor).__name__
    known = name == PREPROCESSOR and type(preprocessor).__module__.startswith(OWN_LIBRARIES)
    padded = getattr(preprocessor, "pad_size_divisor", 1) > 1
    if form is None or form.layout != "CHW" or not known or padded:
        step = PipelineStep(StepKind.UNREAD, (), name)
        return (RunnableStep((step,), partial(_preprocessed, preprocessor), None),)
    calls = []
    if preprocessor.to_rgb:
        turned = "RGB" if form.order == "BGR" else "BGR"
        step = PipelineStep(StepKind.COLOUR_ORDER, (("order", turned),), f"{name}(to_rgb=True)")
        form = replace(form, order=turned)
        calls.append(RunnableStep((step,), _turned, form))
    form = replace(form, dtype="float32")
    calls.append(RunnableStep((PipelineStep(StepKind.TYPE, (("type", "float32"),), name),), _as_floats, form))
    if preprocessor._enable_normalize:
        mean, std = preprocessor.mean, preprocessor.std
        settings = statistics_settings(mean.flatten().tolist(), std.flatten().tolist(), form)
        step = PipelineStep(StepKind.NORMALISE, tuple(settings), name)
        calls.append(RunnableStep((step,), partial(_normalised, mean, std), replace(form, normalised=True)))
    return tuple(calls)


def _turned(image: Native) -> Native:
    return image.flip(0) if image.size(0) == 3 else image


def _as_floats(image: Native) -> Native:
    return image.float()


def _normalised(mean: Native, std: Native, image: Native) -> Native:
    return (image - mean) / std


def _preprocessed(preprocessor: Any, image: Native) -> Native:
    return preprocessor({"inputs": [image]}, training=False)["inputs"][0]


def _whole(transforms: Sequence[Any], preprocessor: Any, as_array: bool, path: Path) -> Native:
    """Run a pipeline as mmpretrain's data set and model do."""
    results: dict[str, Any] = {"img_path": str(path)}
    if as_array:
        results["img"] = _as_array(path)
    for transform in transforms:
        results = transform(results)
        if results is None:
            raise CannotRun(f"{type(transform).__name__} gave nothing for {path.name}.")
    return preprocessor({"inputs": [results["inputs"]]}, training=False)["inputs"][0]
