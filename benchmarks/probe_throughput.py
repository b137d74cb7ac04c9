"""Images per second of a probe's trial, against a Lightning script and against the floor.

    ./run --with lightning python benchmarks/probe_throughput.py [--width 64] [--batches 10] [--rounds 3] [--device cpu]

`lightning` is what a tutorial writes: torchvision's transforms on PIL images, a DataLoader, a LightningModule, fp32,
contiguous memory; where Lightning is not installed, `plain` stands in, the same in a loop of torch's own.
`floor` is forward, backward and step on one fixed batch with the trial's numerics. Each works epoch by epoch in a
process of its own, of one thread, in turns; the first epoch of each is not counted, with which it builds and compiles.
On a CPU the seconds are CPU time, so that the figures are per core; on a GPU they are wall time. Every rate is that of
the fastest round, since others' work on the machine only ever slows one down; the ratios are given of the fastest
rounds and as the median of the ratios within a round. The trial's evaluation is of one image.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # or a library's look for GPUs spoils them for a fork

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from diagnose.probe.data.image_cache import placed
from diagnose.probe.data.images import Images
from diagnose.probe.data.load_images import load_images
from diagnose.probe.executors.local import Local
from diagnose.probe.plan.timing import Benchmark
from diagnose.probe.trial.augment import normalised
from diagnose.probe.trial.devices import freed_memory
from diagnose.probe.trial.hyperparameters import Hyperparameters, hyperparameters_of
from diagnose.probe.trial.initial_weights import initialised, narrowed
from diagnose.probe.trial.spec import TrialLength
from diagnose.probe.trial.train import autocast, engine, train
from diagnose.probe.trial.train import placed as placed_model
from diagnose.recipes import load
from diagnose.values import Numerics, PartialNumerics

BATCH = 128

Turn = Callable[[], None]
"""What an arm calls after each of its epochs."""


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
    """A process that trains epoch by epoch, the next one whenever it is asked to."""

    def __init__(self, work: Callable[[Turn], None], *, device: str, keeps_memory: bool) -> None:
        context = multiprocessing.get_context("fork")
        self._ask, self._answer = context.SimpleQueue(), context.SimpleQueue()
        self._process = context.Process(target=self._run, args=(work, device, keeps_memory), daemon=True)
        self._process.start()

    def _run(self, work: Callable[[Turn], None], device: str, keeps_memory: bool) -> None:
        def now() -> float:
            if device == "cpu":
                return time.process_time()
            torch.cuda.synchronize()
            return time.perf_counter()

        def turn() -> None:
            nonlocal began
            self._answer.put(now() - began)
            self._ask.get()
            began = now()

        torch.set_num_threads(1)
        freed_memory(kept=keeps_memory)
        self._ask.get()
        began = now()
        work(turn)

    def seconds(self) -> float:
        """Return the seconds that an epoch takes now, the first with all that comes before it."""
        self._ask.put(None)
        return self._answer.get()

    def end(self) -> None:
        """Kill the process: Lightning's would not heed a SIGTERM where it waits."""
        self._process.kill()


def chosen_numerics(name: str, settings: Hyperparameters, images: Images, device: str) -> Numerics:
    """Return the numerics that a probe chooses here for trials of one thread."""
    with tempfile.TemporaryDirectory() as folder:
        executor = Local(Path(folder), placed(images, Path(folder)), models=[name])
        asked = PartialNumerics(threads=1, workers=1)
        # a trial of the built-in case's 120 epochs, over which compiling is spread
        numerics, _, timings = Benchmark(settings, images, executor).numerics(
            name, asked, device=device, images=120 * 50_000
        )
        executor.close()
    for timing in timings:
        rate = f"{timing.images_per_second:.1f} images/s" if timing.images_per_second else timing.why
        print(f"  tried {timing.numerics}: {rate}")
    return numerics


def lightning_fit(
    module: nn.Module, sgd: torch.optim.Optimizer, loader: DataLoader, *, device: str, epochs: int, turn: Turn
) -> None:
    """Train with Lightning's Trainer."""
    import lightning

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

        def on_train_epoch_end(self) -> None:
            turn()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return sgd

    still = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "barebones": False}
    accelerator = "cpu" if device == "cpu" else "gpu"
    trainer = lightning.Trainer(
        accelerator=accelerator, devices=1, max_epochs=epochs, enable_model_summary=False, **still
    )
    trainer.fit(Lit(), loader)


def main(width: int, batches: int, rounds: int, device: str) -> None:
    """Measure and print the rates and their ratios."""
    count = batches * BATCH
    images = load_images(f"synthetic:{count}")
    images = replace(images, test_images=images.test_images[:1], test_labels=images.test_labels[:1])
    settings, _ = hyperparameters_of(load("authors-2022"))
    name = narrowed("mm", width)
    numerics = chosen_numerics(name, settings, images, device)

    def trial(turn: Turn) -> None:
        length = TrialLength(rounds + 1, count, 120)
        model = initialised(name, settings.init, 0)
        for _ in train(model, images, settings, length=length, seed=0, numerics=numerics):
            turn()

    def optimizer(model: nn.Module) -> torch.optim.SGD:
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def loader() -> DataLoader:
        pictures = Pictures(images, settings.normalisation.mean, settings.normalisation.std)
        return DataLoader(pictures, BATCH, shuffle=True, drop_last=True)

    def plain(turn: Turn) -> None:
        model = initialised(name, settings.init, 0).to(device).train()
        sgd = optimizer(model)
        for _ in range(rounds + 1):
            for x, y in loader():
                loss = nn.functional.cross_entropy(model(x.to(device)), y.to(device))
                sgd.zero_grad()
                loss.backward()
                sgd.step()
            turn()

    def lightning(turn: Turn) -> None:
        model = initialised(name, settings.init, 0).train()
        lightning_fit(model, optimizer(model), loader(), device=device, epochs=rounds + 1, turn=turn)

    def floor(turn: Turn) -> None:
        model = placed_model(initialised(name, settings.init, 0), numerics).train()
        forward, sgd = engine(model, numerics), optimizer(model)
        pixels = torch.from_numpy(images.train_images[:BATCH]).to(device)
        x = normalised(pixels, settings.normalisation, layout=numerics.layout)
        y = torch.from_numpy(images.train_labels[:BATCH]).to(device)
        for _ in range(rounds + 1):
            for _ in range(batches):
                with autocast(numerics):
                    logits = forward(x)
                loss = nn.functional.cross_entropy(logits.float(), y)
                sgd.zero_grad(set_to_none=True)
                loss.backward()
                sgd.step()
            turn()

    ours = {"trial": trial, "floor": floor}
    peer = {"lightning": lightning} if importlib.util.find_spec("lightning") else {"plain": plain}
    arms = {label: Arm(work, device=device, keeps_memory=label in ours) for label, work in (ours | peer).items()}
    turns = [{label: arm.seconds() for label, arm in arms.items()} for _ in range(rounds + 1)][1:]
    for arm in arms.values():
        arm.end()
    unit = "images per core-second" if device == "cpu" else "images per second"
    fastest = {label: min(turn[label] for turn in turns) for label in arms}
    for label, seconds in fastest.items():
        print(f"{label:9} {count / seconds:9.1f} {unit}")
    for label in [label for label in arms if label != "trial"]:
        within = statistics.median(turn[label] / turn["trial"] for turn in turns)
        print(f"trial / {label:9} {fastest[label] / fastest['trial']:.3f}, the median within a round {within:.3f}")
    print(f"mm, width {width}, {numerics}, batch {BATCH}, {batches} batches, {rounds} rounds, 1 thread")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for option, default in (("--width", 64), ("--batches", 10), ("--rounds", 3)):
        parser.add_argument(option, type=int, default=default)
    parser.add_argument("--device", default="cpu")
    main(**vars(parser.parse_args()))
