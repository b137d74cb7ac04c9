"""Images per core-second of a probe's trial, against a Lightning script and against the floor.

    ./run --with lightning python benchmarks/probe_throughput.py [WIDTH] [BATCHES] [ROUNDS]

`lightning` is what a tutorial writes: torchvision's transforms on PIL images, a DataLoader, a LightningModule, fp32,
contiguous memory; `plain` is the same in a loop of torch's own, which stands in where Lightning is not installed.
`floor` is forward, backward and step on one fixed batch with the trial's numerics. One thread, CPU time, each in a
process of its own, interleaved round by round; every figure is the median over the rounds, and the ratios are of the
same round. Building the network is left out of all of them, and so is the evaluation.
"""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from diagnose.probe.augment import normalised
from diagnose.probe.choice import Asked, Stopwatch
from diagnose.probe.devices import keep_freed_memory
from diagnose.probe.executors.local import Local
from diagnose.probe.image_cache import placed
from diagnose.probe.images import Images, load_images
from diagnose.probe.numerics import Length, Numerics
from diagnose.probe.settings import Settings, settings_of
from diagnose.probe.train import autocast, train
from diagnose.probe.train import placed as placed_model
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


class Arm:
    """A process that does one piece of work whenever it is asked to, with or without a trial's way with memory."""

    def __init__(self, work: Callable[[], None], *, ours: bool) -> None:
        context = multiprocessing.get_context("fork")
        self._ask, self._answer = context.SimpleQueue(), context.SimpleQueue()
        context.Process(target=self._run, args=(work, ours), daemon=True).start()

    def _run(self, work: Callable[[], None], ours: bool) -> None:
        if ours:
            keep_freed_memory()
        while True:
            self._ask.get()
            began = time.process_time()
            work()
            self._answer.put(time.process_time() - began)

    def seconds(self) -> float:
        """Return the CPU seconds that the work takes now."""
        self._ask.put(None)
        return self._answer.get()


def chosen_numerics(name: str, settings: Settings, images: Images) -> Numerics:
    """Return the numerics that a probe chooses here for trials of one thread."""
    with tempfile.TemporaryDirectory() as folder:
        executor = Local(Path(folder), placed(images, Path(folder)), models=[name])
        asked = Asked(threads=1, workers=1)
        numerics, _, timings = Stopwatch(settings, images, executor).numerics(name, asked, device="cpu", images=1)
        executor.close()
    for timing in timings:
        rate = f"{timing.images_per_second:.1f} images/s" if timing.images_per_second else timing.why
        print(f"  tried {timing.numerics}: {rate}")
    return numerics


def lightning_trainer(module: nn.Module, sgd: torch.optim.Optimizer, loader: DataLoader) -> Callable[[], None] | None:
    """Return one epoch of Lightning's Trainer, None where Lightning is not installed."""
    try:
        import lightning
    except ImportError:
        return None
    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Lit(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = module

        def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
            loss = nn.functional.cross_entropy(self.model(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return sgd

    still = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "barebones": False}
    trainer = lightning.Trainer(accelerator="cpu", max_epochs=1, enable_model_summary=False, **still)
    return lambda: trainer.fit(Lit(), loader)


def main(width: int, batches: int, rounds: int) -> None:
    """Measure and print the three rates and their ratios."""
    torch.set_num_threads(1)
    count = batches * BATCH
    images = load_images(f"synthetic:{count}")
    images = replace(images, test_images=images.test_images[:1], test_labels=images.test_labels[:1])
    recipe = load("authors-2022")
    settings, _ = settings_of(recipe)
    name = narrowed("mm", width)
    numerics = chosen_numerics(name, settings, images)

    def trial() -> None:
        length = Length(1, count, 120)
        list(train(initialised(name, settings.init, 0), images, settings, length=length, seed=0, numerics=numerics))

    def optimizer(model: nn.Module) -> torch.optim.SGD:
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def loader() -> DataLoader:
        pictures = Pictures(images, settings.normalisation.mean, settings.normalisation.std)
        return DataLoader(pictures, BATCH, shuffle=True, drop_last=True)

    def plain() -> None:
        model = initialised(name, settings.init, 0).train()
        sgd = optimizer(model)
        for x, y in loader():
            loss = nn.functional.cross_entropy(model(x), y)
            sgd.zero_grad()
            loss.backward()
            sgd.step()

    def lightning() -> None:
        model = initialised(name, settings.init, 0).train()
        fit = lightning_trainer(model, optimizer(model), loader())
        assert fit is not None
        fit()

    def floor() -> None:
        model = placed_model(initialised(name, settings.init, 0), numerics).train()
        sgd = optimizer(model)
        x = normalised(torch.from_numpy(images.train_images[:BATCH]), settings.normalisation, layout=numerics.layout)
        y = torch.from_numpy(images.train_labels[:BATCH])
        for _ in range(batches):
            with autocast(numerics):
                logits = model(x)
            loss = nn.functional.cross_entropy(logits.float(), y)
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()

    works = {"trial": trial, "plain": plain, "floor": floor}
    if importlib.util.find_spec("lightning"):
        works["lightning"] = lightning
    own = ("trial", "floor")
    build = Arm(lambda: initialised(name, settings.init, 0), ours=True)
    building = statistics.median(build.seconds() for _ in range(3))
    arms = {label: Arm(work, ours=label in own) for label, work in works.items()}
    rounds_of = [{label: arm.seconds() - building for label, arm in arms.items()} for _ in range(rounds + 1)][1:]
    for label in works:
        rate = count / statistics.median(each[label] for each in rounds_of)
        print(f"{label:9} {rate:9.1f} images per core-second")
    for other in [label for label in works if label not in own]:
        print(f"trial / {other} {statistics.median(each[other] / each['trial'] for each in rounds_of):.2f}")
    print(f"trial / floor {statistics.median(each['floor'] / each['trial'] for each in rounds_of):.3f}")
    print(f"mm, width {width}, {numerics}, batch {BATCH}, {batches} batches, {rounds} rounds, 1 thread")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:4]]
    main(*given, *(16, 10, 3)[len(given) :])
