"""Images per core-second of a probe's trial, against a plain script and against the floor.

    ./run python benchmarks/probe_throughput.py [WIDTH] [BATCHES] [ROUNDS]

`plain` is what a tutorial writes: torchvision's transforms on PIL images, a DataLoader, fp32, contiguous memory.
`floor` is forward, backward and step on one fixed batch with the trial's numerics. One thread, CPU time, the three
interleaved round by round; every figure is the median over the rounds, and the ratios are of the same round.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from diagnose.probe.augment import normalised
from diagnose.probe.images import Images, load_images
from diagnose.probe.measure import faster_precision
from diagnose.probe.settings import settings_of
from diagnose.probe.train import Length, Numerics, train
from diagnose.probe.weights import initialised, narrowed
from diagnose.recipe import load

BATCH = 128


class Pictures(Dataset):
    """The training images as PIL images, augmented one by one."""

    def __init__(self, images: Images, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        self.images = images
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize([m / 255 for m in mean], [s / 255 for s in std]),
            ]
        )

    def __len__(self) -> int:
        return len(self.images.train_images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images.train_images[index]), int(self.images.train_labels[index])


def seconds(work: Callable[[], None]) -> float:
    """Return the CPU seconds that `work` takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main(width: int, batches: int, rounds: int) -> None:
    """Measure and print the three rates and their ratios."""
    torch.set_num_threads(1)
    count = batches * BATCH
    images = load_images(f"synthetic:{count}")
    images = replace(images, test_images=images.test_images[:1], test_labels=images.test_labels[:1])
    recipe = load("authors-2022")
    settings, _ = settings_of(recipe)
    name = narrowed("mm", width)
    numerics = Numerics(precision=faster_precision(name, settings, Numerics(), side=32, classes=10))

    def trial() -> None:
        length = Length(1, count, 120)
        list(train(initialised(name, settings.init, 0), images, settings, length=length, seed=0, numerics=numerics))

    def optimizer(model: nn.Module) -> torch.optim.SGD:
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def plain() -> None:
        model = initialised(name, settings.init, 0).train()
        sgd = optimizer(model)
        pictures = Pictures(images, settings.normalisation.mean, settings.normalisation.std)
        for x, y in DataLoader(pictures, BATCH, shuffle=True, drop_last=True):
            loss = nn.functional.cross_entropy(model(x), y)
            sgd.zero_grad()
            loss.backward()
            sgd.step()

    def floor() -> None:
        model = initialised(name, settings.init, 0).to(memory_format=torch.channels_last).train()
        sgd = optimizer(model)
        x = normalised(torch.from_numpy(images.train_images[:BATCH]), settings.normalisation)
        y = torch.from_numpy(images.train_labels[:BATCH])
        for _ in range(batches):
            with numerics.autocast():
                logits = model(x)
            loss = nn.functional.cross_entropy(logits.float(), y)
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()

    building = statistics.median(seconds(lambda: initialised(name, settings.init, 0)) for _ in range(3))
    rows = [[seconds(work) - building for work in (trial, plain, floor)] for _ in range(rounds + 1)][1:]
    for label, index in (("trial", 0), ("plain", 1), ("floor", 2)):
        print(f"{label:6} {count / statistics.median(row[index] for row in rows):9.1f} images per core-second")
    print(f"trial / plain {statistics.median(row[1] / row[0] for row in rows):.2f}")
    print(f"trial / floor {statistics.median(row[2] / row[0] for row in rows):.3f}")
    print(f"mm, width {width}, {numerics.precision}, batch {BATCH}, {batches} batches, {rounds} rounds, 1 thread")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:4]]
    main(*given, *(16, 10, 3)[len(given) :])
