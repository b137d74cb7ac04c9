"""The data's fields of a recipe: batch size, images, and the transforms that the data set lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from diagnose.values import Augmentation, Basis, Normalisation, ObservedSetting, Sighting, SightingKind
from diagnose.watch.optimizer_fields import not_observed
from diagnose.watch.process_logs import Event
from diagnose.watch.training_log import TrainingLog

TORCHVISION = "torchvision.transforms"

NO_CHANGE = ("ToTensor", "PILToTensor", "ToImage", "ToDtype", "ConvertImageDtype", "ToPILImage", "Identity",
             "LoadImageFromFile", "PackInputs")  # fmt: skip
"""Transforms that change no more than the type."""

KNOWN = (TORCHVISION, "mmcv.transforms", "mmpretrain.datasets.transforms")

DETERMINISTIC = ("Resize", "CenterCrop", "Grayscale", "Pad", "Normalize")


def data_fields(log: TrainingLog) -> Iterator[ObservedSetting]:
    """Yield batch size, training images, images held out, normalisation and augmentation."""
    loaders = log.training_loaders
    keys = ("batch_size", "train_images", "held_out", "normalisation", "augmentation")
    if len(loaders) != 1:
        kind = SightingKind.SEVERAL_LOADERS if loaders else SightingKind.NO_LOADER
        for key in keys:
            yield not_observed(key, kind, loaders=len(loaders))
        return
    loader = loaders[0]
    yield _batch_size(log, loader)
    yield from _images(log, loader)
    steps = loader["data"]["transforms"]
    if not steps:
        yield not_observed("normalisation", SightingKind.NO_TRANSFORMS)
        yield not_observed("augmentation", SightingKind.NO_TRANSFORMS)
        return
    yield _preprocessed(log, steps) or _normalisation(loader, steps)
    yield _augmentation(loader, steps)


def _batch_size(log: TrainingLog, loader: Event) -> ObservedSetting:
    """Return the images of one optimizer step: those of a batch, times batches of a step, times ranks."""
    size, accumulation = loader["batch_size"], log.accumulation
    if not isinstance(size, int):
        return not_observed("batch_size", SightingKind.NO_LOADER, loaders=1)
    if accumulation is None:
        return not_observed("batch_size", SightingKind.UNEQUAL_ACCUMULATION, size=size)
    numbers = {"size": size, "accumulation": accumulation, "ranks": log.ranks}
    plain = accumulation == 1 and log.ranks == 1
    kind = SightingKind.LOADER if plain else SightingKind.EFFECTIVE_BATCH
    evidence = Sighting(kind, numbers, loader["place"])
    return ObservedSetting("batch_size", size * accumulation * log.ranks, Basis.OBSERVED, evidence)


def _images(log: TrainingLog, loader: Event) -> Iterator[ObservedSetting]:
    drawn, data = loader["drawn"], loader["data"]
    replicas = loader["replicas"] or 1
    if not isinstance(drawn, int) or loader["iterable"]:
        yield not_observed("train_images", SightingKind.NO_LOADER, loaders=1)
    else:
        count = min(drawn * replicas, data["length"] or drawn * replicas)
        evidence = Sighting(SightingKind.LOADER, {"size": count, "data": data["class"]}, loader["place"])
        yield ObservedSetting("train_images", count, Basis.OBSERVED, evidence)
    subset: Mapping[str, int] | None = data["subset"]
    if subset is None:
        yield not_observed("held_out", SightingKind.NO_SUBSET)
    else:
        evidence = Sighting(SightingKind.SUBSET, subset, loader["place"])
        yield ObservedSetting("held_out", subset["of"] - subset["distinct"], Basis.READ, evidence)


def _preprocessed(log: TrainingLog, steps: Sequence[Mapping[str, Any]]) -> ObservedSetting | None:
    """Return the normalisation of mmengine's data preprocessor, which gets images in 0–255, if there is one."""
    seen = log.of("preprocessor")
    measured = {batch["type"] for batch in log.of("batch")}
    if len(seen) != 1 or measured != {"torch.uint8"} or any(step["class"] == "Normalize" for step in steps):
        return None
    evidence = Sighting(SightingKind.PREPROCESSOR, {"name": seen[0]["name"]})
    if not seen[0]["enabled"]:
        return None
    mean, std = (tuple(round(float(x), 6) for x in seen[0][key]) for key in ("mean", "std"))
    return ObservedSetting("normalisation", Normalisation(mean, std), Basis.OBSERVED, evidence)


def _normalisation(loader: Event, steps: Sequence[Mapping[str, Any]]) -> ObservedSetting:
    """Return the normalisation that torchvision's transforms list, in units of 0–255."""
    found = [step for step in steps if step["class"] == "Normalize" and step["module"].startswith(TORCHVISION)]
    scaled = any(step["class"] in ("ToTensor", "ToDtype", "ConvertImageDtype") for step in steps)
    unknown = _unknown(steps)
    if len(found) != 1 or unknown or not scaled:
        return not_observed("normalisation", SightingKind.UNKNOWN_TRANSFORMS, names=[step["class"] for step in steps])
    values = found[0]["values"]
    mean, std = (tuple(round(255 * float(x), 6) for x in values.get(key, ())) for key in ("mean", "std"))
    if len(mean) != len(std) or len(mean) not in (1, 3):
        return not_observed("normalisation", SightingKind.UNKNOWN_TRANSFORMS, names=["Normalize"])
    evidence = Sighting(SightingKind.TRANSFORMS, {"names": [step["class"] for step in steps]}, loader["place"])
    return ObservedSetting("normalisation", Normalisation(mean, std), Basis.READ, evidence)


def _augmentation(loader: Event, steps: Sequence[Mapping[str, Any]]) -> ObservedSetting:
    """Return the augmentation that torchvision's transforms list; what has no field of its own stands as a text."""
    names = [step["class"] for step in steps]
    if _unknown(steps):
        return not_observed("augmentation", SightingKind.UNKNOWN_TRANSFORMS, names=names)
    pad = crop = 0
    flip, further = 0.0, []
    for step in steps:
        values, name = step["values"], step["class"]
        padding, size = _single(values.get("padding")), _single(values.get("size", values.get("crop_size")))
        if name == "RandomCrop" and size is not None and values.get("padding_mode", "constant") == "constant":
            pad, crop = padding or 0, size
        elif name == "RandomHorizontalFlip":
            flip = float(values.get("p", 0.5))
        elif name == "RandomFlip" and values.get("direction") == "horizontal" and "prob" in values:
            flip = float(values["prob"])
        elif name not in NO_CHANGE and name not in DETERMINISTIC:
            further.append(f"{name}({', '.join(f'{key}={value}' for key, value in values.items())})"[:120])
    evidence = Sighting(SightingKind.TRANSFORMS, {"names": names}, loader["place"])
    return ObservedSetting("augmentation", Augmentation(pad, crop, flip, tuple(further)), Basis.READ, evidence)


def _unknown(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the steps of neither torchvision nor the mm libraries: a function may do anything."""
    return [step["class"] for step in steps if not step["module"].startswith(KNOWN)]


def _single(value: Any) -> int | None:
    """Return a size or a padding that is the same on all sides."""
    values = value if isinstance(value, list) else [value]
    return values[0] if values and all(type(v) is int and v == values[0] for v in values) else None
