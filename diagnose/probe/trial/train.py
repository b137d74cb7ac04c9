"""One trial: a network trained from one seed, in one loop that is read from top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from diagnose.networks.process_state import drawing_from
from diagnose.probe.data.images import Images
from diagnose.probe.trial.augment import batch, draw, epoch_seed, normalised, padded
from diagnose.probe.trial.hyperparameters import Hyperparameters
from diagnose.probe.trial.spec import TrialLength
from diagnose.values import DecayScope, EpochResult, Numerics

TEST_BATCH = 500

MASKS = 1 << 62
"""Mixed into an epoch's seed for what the network itself draws, such as dropout: no number of the augmentation."""


class DivergedError(Exception):
    """The loss was no longer a number, in `step`, counted from 1."""

    def __init__(self, step: int) -> None:
        super().__init__(f"diverged in step {step}")
        self.step = step


def train(
    model: nn.Module,
    images: Images,
    settings: Hyperparameters,
    *,
    length: TrialLength,
    seed: int,
    numerics: Numerics,
    state: dict[str, Any] | None = None,
    keep: Callable[[EpochResult, dict[str, Any]], None] = lambda result, state: None,
) -> Iterator[EpochResult]:
    """Train the model in place and yield the result of each epoch.

    The same seed draws the same images, order and augmentation whatever the model and the settings, and the same
    masks for one model and batch where a network draws such as dropout does. On a CPU the numbers are the same to the
    bit for one number of threads.

    Args:
        model: maps (N, 3, H, W) to logits (N, classes); its initial weights are its own.
        images: of both splits.
        settings: the recipe's numbers.
        length: epochs, images, and the epochs that the schedule is meant for.
        seed: of order, augmentation and masks; the first `length.images` of one fixed permutation are trained on.
        numerics: device, precision and threads.
        state: what `keep` was given after an epoch, to go on from there.
        keep: called after each epoch with its result and the state.

    Raises:
        DivergedError: the loss is not finite.
    """
    torch.set_num_threads(numerics.threads)
    device, side = torch.device(numerics.device), images.train_images.shape[1]
    model = placed(model, numerics)
    forward = engine(model, numerics)
    chosen = torch.from_numpy(images.train_images), torch.from_numpy(images.train_labels)
    if length.images < len(chosen[0]):
        subset = torch.randperm(len(chosen[0]), generator=torch.Generator().manual_seed(seed))[: length.images]
        chosen = chosen[0][subset], chosen[1][subset]
    pixels, labels = padded(chosen[0], settings.augmentation).to(device), chosen[1].to(device)
    test_pixels, test_labels = (torch.from_numpy(a).to(device) for a in (images.test_images, images.test_labels))
    optimizer = _optimizer(model, settings)
    size = min(settings.batch_size, len(pixels))
    steps_per_epoch = len(pixels) // size  # the last, smaller batch is left out: its batch norm would be another
    done = 0
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["epoch"]

    for epoch in range(done, length.epochs):
        began, total = time.perf_counter(), torch.zeros((), device=device)
        finite = torch.zeros((), dtype=torch.int64, device=device)
        draws = draw(len(pixels), epoch, seed, settings.augmentation).to(device)
        model.train()
        with drawing_from(epoch_seed(seed, epoch) ^ MASKS):
            for index in range(steps_per_epoch):
                step = epoch * steps_per_epoch + index
                rate = settings.rate(step, steps_per_epoch, length.epochs, length.planned_epochs)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.zero_grad(set_to_none=True)
                for rows in _forward_passes(index * size, size, numerics.micro_batch):
                    x = normalised(batch(pixels, draws, rows, side), settings.normalisation, layout=numerics.layout)
                    y = labels[draws.order[rows]]
                    with autocast(numerics):
                        logits = forward(x)
                    loss = nn.functional.cross_entropy(logits.float(), y, label_smoothing=settings.label_smoothing)
                    loss = loss * (len(y) / size)  # the mean over the batch, whatever its parts
                    loss.backward()  # type: ignore[no-untyped-call]
                    total += loss.detach()
                optimizer.step()
                finite += torch.isfinite(total)  # counts on the device, so that no step waits for it
        if finite < steps_per_epoch:
            raise DivergedError(epoch * steps_per_epoch + int(finite) + 1)
        accuracy = evaluate(model, test_pixels, test_labels, settings, numerics)
        seconds = time.perf_counter() - began
        result = EpochResult(epoch + 1, total.item() / steps_per_epoch, accuracy, seconds)
        keep(result, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1})
        yield result


def placed(model: nn.Module, numerics: Numerics) -> nn.Module:
    """Move a model to its device and memory layout; fp32 is not to be TF32 in convolutions, as it is by default."""
    torch.backends.cudnn.allow_tf32 = False
    layout = torch.channels_last if numerics.layout == "channels-last" else torch.contiguous_format
    return model.to(numerics.device, memory_format=layout)  # type: ignore[no-any-return, call-overload]


def engine(model: nn.Module, numerics: Numerics) -> Callable[[Tensor], Any]:
    """Return what computes the model's forward pass in training.

    Source: the modes of `torch.compile`; in "reduce-overhead" each step must be marked, since the graphs reuse memory.
    """
    if numerics.engine == "eager":
        return model
    if numerics.engine == "compile":
        return torch.compile(model)
    compiled = torch.compile(model, mode="reduce-overhead")

    def replayed(x: Tensor) -> Any:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return compiled(x)

    return replayed


def autocast(numerics: Numerics) -> AbstractContextManager[Any]:
    """Return the context of the forward pass."""
    if numerics.precision == "fp32":
        return nullcontext()
    return torch.autocast(numerics.device.partition(":")[0], dtype=torch.bfloat16)


def _forward_passes(first: int, size: int, micro_batch: int | None) -> Iterator[slice]:
    """Yield the rows of one batch that go through the network together."""
    most = micro_batch or size
    for start in range(first, first + size, most):
        yield slice(start, min(start + most, first + size))


@torch.no_grad()
def evaluate(model: nn.Module, pixels: Tensor, labels: Tensor, settings: Hyperparameters, numerics: Numerics) -> float:
    """Return the share of images (N, H, W, 3) that the model classifies rightly, in eval mode."""
    model.eval()
    size = min(TEST_BATCH, numerics.micro_batch or TEST_BATCH)
    right = torch.zeros((), dtype=torch.int64, device=pixels.device)
    for start in range(0, len(pixels), size):
        rows = slice(start, start + size)
        with autocast(numerics):
            logits = model(normalised(pixels[rows], settings.normalisation, layout=numerics.layout))
        right += (logits.argmax(1) == labels[rows]).sum()
    return right.item() / len(pixels)


def timed_evaluation(
    model: nn.Module, pixels: Tensor, labels: Tensor, settings: Hyperparameters, numerics: Numerics
) -> float:
    """Return the seconds of one image in `evaluate`, the faster of two rounds."""
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        evaluate(model, pixels, labels, settings, numerics)
        seconds.append(time.perf_counter() - began)
    return min(seconds) / len(pixels)


def _optimizer(model: nn.Module, settings: Hyperparameters) -> torch.optim.SGD:
    """Return SGD with weight decay on what the recipe decays."""
    norms = {
        id(parameter)
        for module in model.modules()
        if "norm" in type(module).__name__.lower()
        for parameter in module.parameters(recurse=False)
    }
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        bias = name.rpartition(".")[2] == "bias" and settings.weight_decay_on == DecayScope.NO_NORMS_NOR_BIASES
        spare = settings.weight_decay_on != DecayScope.ALL and (id(parameter) in norms or bias)
        (spared if spare else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov and settings.momentum > 0,
    )
