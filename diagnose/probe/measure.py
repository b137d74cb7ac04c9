"""The seconds that one image takes, by a few timed steps, and the precision that is faster here."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from diagnose.probe.settings import Settings
from diagnose.probe.train import PRECISIONS, Numerics, evaluate
from diagnose.probe.weights import initialised

STEPS = 3


def seconds_per_image(model: str, settings: Settings, numerics: Numerics, side: int) -> tuple[float, float]:
    """Return the seconds of one image in training and in evaluation, the fastest of a few batches."""
    from diagnose.probe.augment import normalised

    threads = torch.get_num_threads()
    torch.set_num_threads(numerics.threads)
    try:
        module = initialised(model, settings.init, 0)
        module = module.to(numerics.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        module.train()
        optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
        size = settings.batch_size
        pixels = torch.zeros((size, side, side, 3), dtype=torch.uint8, device=numerics.device)
        labels = torch.zeros(size, dtype=torch.int64, device=numerics.device)
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


def faster_precision(models: Sequence[str], settings: Settings, numerics: Numerics, side: int) -> str:
    """Return the precision in which one image of the first model trains fastest."""
    from dataclasses import replace

    timed = {
        precision: seconds_per_image(models[0], settings, replace(numerics, precision=precision), side)[0]
        for precision in PRECISIONS
    }
    return min(timed, key=lambda precision: timed[precision])
