"""The seconds that one image takes, by a few timed steps, and the precision that is faster here."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import torch

from diagnose.errors import DiagnoseError
from diagnose.probe.augment import normalised
from diagnose.probe.settings import Settings
from diagnose.probe.train import PRECISIONS, Numerics, evaluate
from diagnose.probe.weights import initialised

STEPS = 3


def seconds_per_image(
    model: str, settings: Settings, numerics: Numerics, *, side: int, classes: int
) -> tuple[float, float]:
    """Return the seconds of one image in training and in evaluation, the fastest of a few batches.

    Raises:
        DiagnoseError: the model cannot be trained on images of that side with that many classes, or not there.
    """
    try:
        return _timed(model, settings, numerics, side, classes)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError, AssertionError) as error:
        raise DiagnoseError(
            f"{model} cannot be trained on {side}×{side} images of {classes} classes on {numerics.device}: {error}",
            hint="It must map (N, 3, H, W) to one logit per class; options go in brackets: MODEL(num_classes=10).",
        ) from error


def _timed(model: str, settings: Settings, numerics: Numerics, side: int, classes: int) -> tuple[float, float]:
    threads = torch.get_num_threads()
    torch.set_num_threads(numerics.threads)
    try:
        module = initialised(model, settings.init, 0)
        module = module.to(numerics.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        module.train()
        optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
        size = settings.batch_size
        pixels = torch.zeros((size, side, side, 3), dtype=torch.uint8, device=numerics.device)
        labels = torch.full((size,), classes - 1, device=numerics.device)
        train, test = [], []
        for _ in range(STEPS):
            began = time.perf_counter()
            with numerics.autocast():
                logits = module(normalised(pixels, settings.normalisation))
            loss = torch.nn.functional.cross_entropy(logits.float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()
            train.append(time.perf_counter() - began)
        for _ in range(2):
            began = time.perf_counter()
            evaluate(module, pixels, labels, settings, numerics)
            test.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return min(train) / size, min(test) / size


def faster_precision(model: str, settings: Settings, numerics: Numerics, *, side: int, classes: int) -> str:
    """Return the precision in which one image trains fastest."""
    timed = {
        precision: seconds_per_image(
            model, settings, replace(numerics, precision=precision), side=side, classes=classes
        )[0]
        for precision in PRECISIONS
    }
    return min(timed, key=lambda precision: timed[precision])


def seconds_to_start() -> float:
    """Return the seconds that a trial's process takes before its first step, by starting one that does nothing."""
    code = "import diagnose.probe.train, diagnose.probe.weights, torch; torch.optim.SGD([torch.zeros(1)], 0.1)"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
