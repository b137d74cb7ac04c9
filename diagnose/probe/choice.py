"""How fast trials run here, by timing a few steps of them, and which numerics and parallelism are the fastest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heapreplace
from math import ceil

from diagnose.errors import DiagnoseError
from diagnose.probe.executors.executor import FORM, Clock, Executor, OutOfMemoryError
from diagnose.probe.images import Images
from diagnose.probe.numerics import ENGINES, LAYOUTS, PRECISIONS, Length, Numerics
from diagnose.probe.settings import Settings
from diagnose.probe.trials import TrialSpec
from diagnose.values import Schedule

BATCH, STEPS = 32, 2
"""Images and steps of one timing that a choice stands on."""

SECONDS, MOST_STEPS = 1.0, 40
"""What one timing that an estimate stands on should last, and its steps at most."""

PATIENCE = 2.0
"""How many times as long as the best so far a timing may take before it is given up."""

FEWEST = 8
"""The smallest micro-batch: batch norm over fewer images is another network."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One way of computing that was timed: trials at a time and images per second of all of them together.

    `seconds` is what the timing took. `images_per_second` is None where it could not be run, and then `why` says so.
    """

    numerics: Numerics
    workers: int
    images_per_second: float | None
    seconds: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user fixed of how trials compute; None is to be chosen by timing."""

    precision: str | None = None
    layout: str | None = None
    engine: str | None = None
    threads: int | None = None
    workers: int | None = None
    micro_batch: int | None = None


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Times trials of one recipe's settings on the images that the trials will have."""

    settings: Settings
    images: Images
    executor: Executor

    def clock(
        self, model: str, numerics: Numerics, *, batch: int, steps: int, copies: int, limit: float | None
    ) -> Clock:
        """Return the seconds of a trial's parts; nothing is learned, so that nothing can diverge."""
        still = replace(self.settings, learning_rate=0.0, schedule=Schedule("constant"), batch_size=batch)
        length = Length(2, min(steps * batch, len(self.images.train_images)), 2)
        spec = TrialSpec(model, "timing", "", (), 0, still, length, self.images.name, self.images.key, numerics)
        return self.executor.clock(spec, copies=copies, limit=limit)

    def numerics(self, model: str, asked: Asked, *, device: str, images: int) -> tuple[Numerics, int, list[Timing]]:
        """Choose what was not asked for, one thing after the other, the fastest of each.

        On a CPU `torch.compile` is not tried: there it costs more than it gains in trials this short. `images` are
        those of a whole trial, over which what an engine needs to start is spread.

        Raises:
            DiagnoseError: none of the ways can train the model.
        """
        first, workers = self.beginning(asked, device)
        engines = ENGINES if device.startswith("cuda") else ENGINES[:1]
        timings = self._timings(model, _with(first, "precision", asked.precision, PRECISIONS), workers)
        best = _fastest(timings)
        layouts = [
            option for option in _with(best.numerics, "layout", asked.layout, LAYOUTS) if option != best.numerics
        ]
        timings += self._timings(model, layouts, workers, before=[best])
        best = _fastest(timings)
        if len(engines) > 1 and asked.engine is None:
            timed = self._timings(model, _with(best.numerics, "engine", None, engines), workers, spread=images)
            timings, best = [*timings, *timed], _fastest(timed)
        return self._parallel(model, best, asked, timings)

    def beginning(self, asked: Asked, device: str) -> tuple[Numerics, int]:
        """Return what a choice starts from: one thread a trial and a trial a core; on a GPU, a trial a device."""
        threads = asked.threads or 1
        numerics = Numerics(
            device,
            asked.precision or PRECISIONS[0],
            threads,
            asked.layout or LAYOUTS[0],
            asked.engine or ENGINES[0],
            asked.micro_batch,
        )
        here = max(self.executor.cores // threads, 1) if device == "cpu" else self.executor.slots
        return numerics, asked.workers or here

    def _parallel(
        self, model: str, best: Timing, asked: Asked, timings: list[Timing]
    ) -> tuple[Numerics, int, list[Timing]]:
        """Choose trials at a time × threads: many of one thread, or few of several."""
        if asked.threads is not None or best.numerics.device != "cpu":
            return best.numerics, best.workers, timings
        most = self.executor.cores
        ways = [(asked.workers or most // threads, threads) for threads in _powers(most)[1:]]
        ways = [way for way in ways if way[0] * way[1] <= max(most, asked.workers or 0)]
        found = [self._timing(model, replace(best.numerics, threads=threads), count) for count, threads in ways]
        fastest = _fastest([best, *found])
        return fastest.numerics, fastest.workers, [*timings, *found]

    def _timings(
        self,
        model: str,
        options: Iterable[Numerics],
        workers: int,
        *,
        before: Sequence[Timing] = (),
        spread: int | None = None,
    ) -> list[Timing]:
        """Time options one after the other, each given up where it takes much longer than the shortest so far."""
        timings: list[Timing] = []
        for option in options:
            shortest = min((each.seconds for each in (*before, *timings) if each.images_per_second), default=None)
            limit = None if shortest is None or spread else PATIENCE * shortest + 1.0
            timings.append(self._timing(model, option, workers, limit=limit, spread=spread))
        return timings

    def _timing(
        self, model: str, numerics: Numerics, workers: int, *, limit: float | None = None, spread: int | None = None
    ) -> Timing:
        began, why, rate = time.perf_counter(), "", None
        try:
            batch = min(BATCH, self.settings.batch_size)
            clock = self.clock(model, numerics, batch=batch, steps=STEPS, copies=workers, limit=limit)
            rate = workers / (clock.train + (clock.start / spread if spread else 0.0))
        except TimeoutError:
            why = f"given up after {limit:.1f} s"
        except OutOfMemoryError:
            why = f"{model} does not fit the memory with {BATCH} images a forward pass"
        except DiagnoseError as error:
            why = error.message
        return Timing(numerics, workers, rate, time.perf_counter() - began, why)

    def cost(self, model: str, numerics: Numerics, workers: int) -> Clock:
        """Return the seconds of a trial's parts at the recipe's own batch, while `workers` of it run.

        Raises:
            OutOfMemoryError: the batch does not fit the memory.
            DiagnoseError: the model cannot be trained.
        """
        batch = self.settings.batch_size
        short = self.clock(model, numerics, batch=batch, steps=1, copies=workers, limit=None)
        steps = min(ceil(SECONDS / (batch * short.train)), MOST_STEPS)
        if steps == 1:
            return short
        return self.clock(model, numerics, batch=batch, steps=steps, copies=workers, limit=None)


def _fastest(timings: Sequence[Timing]) -> Timing:
    """Return the fastest timing; where nothing could be run, the reason of the first is raised."""
    fastest = max(timings, key=lambda timing: timing.images_per_second or 0.0)
    if fastest.images_per_second is None:
        raise DiagnoseError(timings[0].why, hint=FORM)
    return fastest


def _with(numerics: Numerics, name: str, asked: str | None, known: Sequence[str]) -> list[Numerics]:
    return [replace(numerics, **{name: value}) for value in ((asked,) if asked else known)]  # type: ignore[arg-type]


def _powers(most: int) -> list[int]:
    return [1 << exponent for exponent in range(most.bit_length()) if 1 << exponent <= most]


def smaller_micro_batch(present: int | None, batches: Iterable[int]) -> int | None:
    """Return the next smaller number of images of a forward pass that divides every batch; None where none is left.

    At most half of the present one, so that a lack of memory is met in few attempts.
    """
    whole = tuple(batches)
    most = (present or max(whole)) // 2
    fitting = [count for count in range(FEWEST, most + 1) if all(batch % count == 0 for batch in whole)]
    return max(fitting, default=None)


def wall_seconds(specs: Sequence[TrialSpec], costs: dict[str, Clock], *, test_images: int, workers: int) -> float:
    """Return how long trials take, handed out in their order to so many workers."""
    free = [0.0] * workers
    heapify(free)
    for spec in specs:
        cost = costs[spec.model]
        epoch = spec.length.images * cost.train + test_images * cost.test + cost.keep
        heapreplace(free, free[0] + cost.start + spec.length.epochs * epoch)
    return max(free)
