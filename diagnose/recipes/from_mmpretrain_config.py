"""mmpretrain's configs as recipes: what mmengine's Runner would do with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from diagnose.errors import UsageError
from diagnose.recipes.watched_keys import WatchedKeys
from diagnose.values import (
    Augmentation,
    DecayScope,
    InitialWeights,
    Normalisation,
    Recipe,
    ReportedEpoch,
    Schedule,
    ScheduleKind,
    ScheduleStepping,
    Setting,
    SettingValue,
)

IMAGES = {"CIFAR10": 50_000, "CIFAR100": 50_000, "MNIST": 60_000, "FashionMNIST": 60_000}
"""Training images of the data sets whose number the name tells. Source: the data sets' own pages."""

Found = tuple[str, SettingValue, str]
"""A field's key, its value, and the place in the config."""


def recipe_of(name: str) -> Recipe:
    """Read the config of a hub's name, or a config file, which is run as code.

    Raises:
        DiagnoseError: there is no such config, or `name` has arguments (exit code 2); its code failed (3).
    """
    config = WatchedKeys(_config(name).to_dict())
    settings = tuple(Setting(key, value, f"{name}: {place}") for key, value, place in _read(config, name))
    return Recipe(f"mmpretrain:{name}", f"mmpretrain's config {name}", settings, unread=tuple(config.unread().items()))


def _config(name: str) -> Any:
    from diagnose.networks import build_errors, parse
    from diagnose.networks.consent import is_config_file
    from diagnose.networks.origins import from_mmpretrain, registry
    from diagnose.networks.process_state import quiet, restored

    ref = parse(f"mmpretrain:{name}")
    if ref.kwargs:
        raise UsageError(f"A recipe takes no arguments: {ref.text}.", hint=f"Write {ref.name}.")
    with quiet(), restored():
        try:
            from_mmpretrain.load()
            if is_config_file(ref):
                return from_mmpretrain.read_config(ref.name)
            registry.origin("mmpretrain").prepare(ref, pretrained=False)  # a wrong name answers with the right ones
            return from_mmpretrain.hub_config(ref.name)
        except (Exception, SystemExit) as error:
            raise build_errors.explain(error, ref) from error


def _read(config: Any, name: str) -> Iterator[Found]:
    wrapper = config.get("optim_wrapper") or {}
    yield from _optimizer(wrapper)
    train = config.get("train_cfg") or {}
    schedulers = config.get("param_scheduler")
    if schedulers is not None:
        listed = list(schedulers) if isinstance(schedulers, list | tuple) else [schedulers]
        yield from _schedule(listed, train.get("max_epochs"))
    if isinstance(train.get("max_epochs"), int):
        yield "epochs", train["max_epochs"], "train_cfg"
    yield from _data(config, name)
    yield from _loss(config)
    yield "init", InitialWeights.MMPRETRAIN, "mmengine's Runner calls init_weights()"
    if config.get("val_evaluator") and train.get("val_interval") == 1:
        yield "evaluated_epoch", ReportedEpoch.EVERY, "train_cfg.val_interval"
    test = ((config.get("test_dataloader") or {}).get("dataset") or {}).get("split")
    if isinstance(test, str) and test:
        yield "evaluated_on", test, "test_dataloader"
    seed = (config.get("randomness") or {}).get("seed")
    if isinstance(seed, int):
        yield "seed", seed, "randomness"


def _optimizer(wrapper: Mapping[str, Any]) -> Iterator[Found]:
    optimizer, place = wrapper.get("optimizer") or {}, "optim_wrapper"
    if not optimizer:
        return
    kind = str(optimizer.get("type"))
    clipped = wrapper.get("clip_grad")
    yield "optimizer", f"{kind}, gradients clipped by {_arguments(clipped)}" if clipped else kind, place
    if isinstance(optimizer.get("lr"), int | float):
        yield "learning_rate", float(optimizer["lr"]), place
    default = f"not in {place}: torch.optim.SGD's default"
    if kind == "SGD" or "momentum" in optimizer:
        yield "momentum", float(optimizer.get("momentum", 0)), place if "momentum" in optimizer else default
        yield "nesterov", bool(optimizer.get("nesterov", False)), place if "nesterov" in optimizer else default
    if kind == "SGD" or "weight_decay" in optimizer:
        decayed = "weight_decay" in optimizer
        yield "weight_decay", float(optimizer.get("weight_decay", 0)), place if decayed else default
    spared = wrapper.get("paramwise_cfg") or {}
    norms, biases = spared.get("norm_decay_mult", 1), spared.get("bias_decay_mult", 1)
    applied = {(1, 1): DecayScope.ALL, (0, 0): DecayScope.NO_NORMS_NOR_BIASES, (0, 1): DecayScope.NO_NORMS}
    if (norms, biases) in applied and not spared.get("custom_keys"):
        named = f"{place}.paramwise_cfg" if spared else f"no paramwise_cfg in {place}"
        yield "weight_decay_on", applied[norms, biases], named


def _schedule(schedulers: list[Mapping[str, Any]], length: object) -> Iterator[Found]:
    """Yield the schedule of a training, given its number of epochs."""
    first, place = schedulers[0], "param_scheduler"
    steps = [ScheduleStepping.AFTER_EPOCH if _by_epoch(part) else ScheduleStepping.AFTER_STEP for part in schedulers]
    epochs = _by_epoch(first)
    alone = len(schedulers) == 1 and first.get("by_epoch", True) and not first.get("begin")
    whole = first.get("T_max") == length and first.get("end", length) == length and not first.get("eta_min")
    if alone and first.get("type") == "MultiStepLR" and epochs:
        milestones = tuple(map(float, first["milestones"]))
        yield "schedule", Schedule(ScheduleKind.STEP, milestones, float(first.get("gamma", 0.1))), place
    elif alone and first.get("type") == "CosineAnnealingLR" and whole and not first.get("eta_min_ratio"):
        yield "schedule", Schedule(ScheduleKind.COSINE), place
    else:
        yield "schedule", Schedule(ScheduleKind.OTHER, text=", then ".join(map(_call, schedulers))), place
    yield "schedule_steps", ", then ".join(dict.fromkeys(steps)), place


def _by_epoch(part: Mapping[str, Any]) -> bool:
    return bool(part.get("by_epoch", True)) and not part.get("convert_to_iter_based", False)


def _call(part: Mapping[str, Any]) -> str:
    return f"{part.get('type')}({_arguments(part)})"


def _arguments(part: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in part.items() if key != "type")


def _data(config: Any, name: str) -> Iterator[Found]:
    loader = config.get("train_dataloader") or {}
    devices = re.search(r"_(\d+)xb(\d+)", name)
    if isinstance(loader.get("batch_size"), int):
        batch, place = loader["batch_size"], "train_dataloader"
        if devices and int(devices[2]) == batch:
            batch, place = batch * int(devices[1]), f"{place}: {batch} on each of {devices[1]} devices in its name"
        gathered = (config.get("optim_wrapper") or {}).get("accumulative_counts", 1)
        if isinstance(gathered, int) and gathered > 1:
            batch, place = batch * gathered, f"{place}, times accumulative_counts"
        yield "batch_size", batch, place
    dataset = loader.get("dataset") or {}
    if dataset.get("type") in IMAGES and dataset.get("split", "train") == "train" and "indices" not in dataset:
        yield "train_images", IMAGES[dataset["type"]], "train_dataloader.dataset"
        yield "held_out", 0, "train_dataloader.dataset"
    model = config.get("model") or {}
    channels = {**(config.get("data_preprocessor") or {}), **(model.get("data_preprocessor") or {})}
    batches = channels.get("batch_augments")
    place, held = ("batch_augments", batches) if batches else ("model.train_cfg", model.get("train_cfg") or {})
    mixed = held.get("augments") or ()
    if dataset.get("pipeline"):
        listed = [mixed] if isinstance(mixed, Mapping) else list(mixed)
        mixes = tuple(map(_call, listed))
        place = "train_dataloader.dataset.pipeline" + (f" and {place}" if mixes else "")
        yield "augmentation", _augmentation(list(dataset["pipeline"]), mixes), place
    if channels.get("mean") and channels.get("std"):
        mean, std = (tuple(map(float, channels[key])) for key in ("mean", "std"))
        yield "normalisation", Normalisation(mean, std), "data_preprocessor"


def _augmentation(pipeline: list[Mapping[str, Any]], mixes: tuple[str, ...]) -> Augmentation:
    pad = crop = 0
    flip = 0.0
    further: list[str] = []
    for step in pipeline:
        kind = step.get("type")
        if kind == "RandomCrop" and isinstance(step.get("crop_size"), int) and isinstance(step.get("padding", 0), int):
            crop, pad = step["crop_size"], step.get("padding", 0)
        elif kind == "RandomFlip" and step.get("direction", "horizontal") == "horizontal":
            flip = float(step.get("prob", 0.5))
        elif kind not in ("LoadImageFromFile", "PackInputs"):
            further.append(str(kind))
    return Augmentation(pad, crop, flip, (*further, *mixes))


def _loss(config: Any) -> Iterator[Found]:
    loss = ((config.get("model") or {}).get("head") or {}).get("loss") or {}
    place = "model.head.loss"
    if loss.get("type") == "CrossEntropyLoss" and loss.get("use_sigmoid"):
        yield "loss", "binary cross-entropy", place
    elif loss.get("type") == "CrossEntropyLoss":
        yield "loss", "cross-entropy", place
        yield "label_smoothing", 0.0, f"{place}: it has none"
    elif loss.get("type") == "LabelSmoothLoss":
        yield "loss", "cross-entropy", place
        yield "label_smoothing", float(loss.get("label_smooth_val", 0)), place
    elif loss:
        yield "loss", str(loss.get("type")), place
