"""How fast trials run here, by timing a few steps of them, and which numerics and parallelism are the fastest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heapreplace
from math import ceil

from diagnose.errors import CannotRun, DiagnoseError, Option, UsageError
from diagnose.probe.data.images import Images
from diagnose.probe.executors.executor import FORM, Executor, OutOfMemoryError, TrialCost
from diagnose.probe.trial.hyperparameters import Hyperparameters
from diagnose.probe.trial.spec import TrialLength, TrialSpec
from diagnose.values import ENGINES, LAYOUTS, PRECISIONS, Numerics, PartialNumerics, Schedule, ScheduleKind

TIMED_ON_CPU, TIMED_ON_GPU = (32, 2), (256, 30)
"""Images and steps of one timing that a choice stands on; on a GPU enough steps for CUDA graphs to be recorded."""

GLANCE = (16, 1)
"""The same of a first look, which finds the widths that are far too slow for a budget."""

SECONDS, MOST_STEPS, MOST_STEPS_ON_GPU = 1.0, 40, 400
"""How long a careful timing should last, and the most steps that it may take."""

PATIENCE = 3.0
"""How many times as long as the shortest so far a timing may take before it is given up."""

CLOSE = 2.0
"""An option that is slower than the fastest by less than this factor is timed twice: the machine may be busy."""

FEWEST = 8
"""The smallest micro-batch: batch norm over fewer images is another network."""


NO_ROOM = "does not fit the memory"
MORE_ROOM = "Give {}, a smaller {} or a machine with more memory."
ROOM_OPTIONS = (Option("workers", 1), Option("width"))


@dataclass(frozen=True, slots=True)
class Timing:
    """One way of computing that was timed: trials at a time and images per second of all of them together.

    `seconds` is what the timing took. `images_per_second` is None where it could not be run, and then `why` says so;
    `out_of_memory` says that it did not fit the memory.
    """

    numerics: Numerics
    workers: int
    images_per_second: float | None
    seconds: float
    why: str = ""
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Times trials of one recipe's settings on the images that the trials will have."""

    settings: Hyperparameters
    images: Images
    executor: Executor

    def clock(
        self, model: str, numerics: Numerics, *, batch: int, steps: int, copies: int, limit: float | None
    ) -> TrialCost:
        """Return the seconds of a trial's parts; nothing is learned, so that nothing can diverge."""
        still = replace(self.settings, learning_rate=0.0, schedule=Schedule(ScheduleKind.CONSTANT), batch_size=batch)
        length = TrialLength(2, min(steps * batch, len(self.images.train_images)), 2)
        spec = TrialSpec(model, "timing", "", (), 0, still, length, self.images.name, self.images.key, numerics)
        return self.executor.clock(spec, copies=copies, limit=limit)

    def numerics(
        self, model: str, asked: PartialNumerics, *, device: str, images: int
    ) -> tuple[Numerics, int, list[Timing]]:
        """Choose the fastest value of all that was not asked for, one field after the other.

        On a CPU `torch.compile` is not tried: there it costs more than it gains in trials this short. The start of
        an engine is spread over `images`, those of a whole trial.

        Raises:
            DiagnoseError: none of the ways can train the model.
        """
        first, workers = self.beginning(asked, device)
        precisions = _with(first, "precision", asked.precision, PRECISIONS)
        timings = self._race(model, [(option, workers) for option in precisions])
        best = _fastest(timings)
        layouts = _with(best.numerics, "layout", asked.layout, LAYOUTS)
        timings = self._race(model, [(option, workers) for option in layouts if option != best.numerics], timings)
        best = _fastest(timings)
        if best.numerics.on_gpu and asked.engine is None:
            engines = _with(best.numerics, "engine", None, ENGINES[: 2 if asked.micro_batch else 3])
            # What is compiled the first time lies on the disk for all trials: the second time counts.
            timed = [self._timing(model, option, workers, spread=images) for option in engines for _ in range(2)][1::2]
            timings, best = [*timings, *timed], _fastest(timed)
        if asked.threads is None and device == "cpu":
            timings = self._race(model, self._parallel(best.numerics, asked), timings)
            best = _fastest(timings)
        return best.numerics, best.workers, timings

    def beginning(self, asked: PartialNumerics, device: str) -> tuple[Numerics, int]:
        """Return what a choice starts from: one thread a trial and a trial a core; on a GPU, a trial a device."""
        numerics = asked.completed(device)
        here = max(self.executor.cores // numerics.threads, 1) if device == "cpu" else self.executor.slots
        return numerics, asked.workers or here

    def _parallel(self, numerics: Numerics, asked: PartialNumerics) -> list[tuple[Numerics, int]]:
        """Return the ways to fill the cores with threads × trials at a time, but for trials of one thread."""
        most = self.executor.cores
        ways = [(asked.workers or most // threads, threads) for threads in _powers(most)[1:]]
        allowed = max(most, asked.workers or 0)
        return [(replace(numerics, threads=threads), count) for count, threads in ways if count * threads <= allowed]

    def _race(self, model: str, options: Sequence[tuple[Numerics, int]], before: Sequence[Timing] = ()) -> list[Timing]:
        """Time pairs of numerics and trials at a time, then those that are close to the fastest again, the last first.

        The better of both counts, so that a load from outside must fall on an option twice to make it the slower one;
        the second timing is longer where steps are short. What takes much longer than the shortest so far is given up.
        The earlier timings are returned, too.
        """
        timings = list(before)
        for numerics, workers in options:
            shortest = min((timing.seconds for timing in timings if timing.images_per_second), default=None)
            compiles = numerics.engine != "eager"  # which takes as long as it takes
            limit = None if shortest is None or compiles else PATIENCE * shortest + 1.0
            timings.append(self._timing(model, numerics, workers, limit=limit))
        bar = max(timing.images_per_second or 0.0 for timing in timings) / CLOSE
        close = [index for index, timing in enumerate(timings) if (timing.images_per_second or 0.0) > bar]
        for index in reversed(close if options and len(close) > 1 else ()):
            first = timings[index]
            again = self._timing(model, first.numerics, first.workers, before=first)
            timings[index] = _fastest([first, again])
        return timings

    def _timing(
        self,
        model: str,
        numerics: Numerics,
        workers: int,
        *,
        limit: float | None = None,
        spread: int | None = None,
        before: Timing | None = None,
    ) -> Timing:
        began, why, rate, short = time.perf_counter(), "", None, False
        most, fewest = TIMED_ON_GPU if numerics.on_gpu else TIMED_ON_CPU
        for batch in _halves(min(most, self.settings.batch_size)):
            steps, short = fewest, False
            if before is not None and before.images_per_second:
                steps = max(steps, _steps(batch * workers / before.images_per_second, numerics))
            try:
                clock = self.clock(model, numerics, batch=batch, steps=steps, copies=workers, limit=limit)
                rate = workers / (clock.train + (clock.start / spread if spread else 0.0))
            except OutOfMemoryError:
                why, short = f"{model} {NO_ROOM} with {batch} images a forward pass", True
                continue
            except TimeoutError:
                why = f"given up after {limit:.1f} s"
            except DiagnoseError as error:
                if isinstance(error, UsageError):
                    raise  # it is the MODEL text that is wrong, whatever the numerics
                why = error.message
            break
        return Timing(numerics, workers, rate, time.perf_counter() - began, why, short)

    def glance(self, model: str, numerics: Numerics) -> TrialCost | None:
        """Return the seconds of the parts of one trial, roughly; None where it does not fit the memory."""
        most, steps = TIMED_ON_GPU if numerics.on_gpu else GLANCE
        batch = min(most, self.settings.batch_size)
        try:
            return self.clock(model, replace(numerics, engine="eager"), batch=batch, steps=steps, copies=1, limit=None)
        except OutOfMemoryError:
            return None

    def cost(self, model: str, numerics: Numerics, workers: int) -> TrialCost:
        """Return the seconds of a trial's parts at the recipe's own batch, while `workers` of it run.

        Raises:
            OutOfMemoryError: the batch does not fit the memory.
            DiagnoseError: the model cannot be trained.
        """
        batch, few = self.settings.batch_size, TIMED_ON_GPU[1] if numerics.on_gpu else 1
        short = self.clock(model, numerics, batch=batch, steps=few, copies=workers, limit=None)
        steps = _steps(batch * short.train, numerics)
        if steps <= few:
            return short
        return self.clock(model, numerics, batch=batch, steps=steps, copies=workers, limit=None)


def _halves(batch: int) -> list[int]:
    """Return a batch, its half and so on, to the smallest that still is a batch."""
    return [batch, *(batch >> times for times in range(1, batch.bit_length()) if batch >> times >= FEWEST)]


def _steps(seconds: float, numerics: Numerics) -> int:
    """Return how many steps a longer timing has, from the seconds of one step."""
    return min(ceil(SECONDS / seconds), MOST_STEPS_ON_GPU if numerics.on_gpu else MOST_STEPS)


def _fastest(timings: Sequence[Timing]) -> Timing:
    """Return the fastest timing; where nothing could be run, the reason of the first is raised."""
    fastest = max(timings, key=lambda timing: timing.images_per_second or 0.0)
    if fastest.images_per_second is None:
        if timings[0].out_of_memory:
            raise CannotRun(timings[0].why, hint=MORE_ROOM, options=ROOM_OPTIONS)
        raise CannotRun(timings[0].why, hint=FORM)
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


def wall_seconds(specs: Sequence[TrialSpec], costs: dict[str, TrialCost], *, test_images: int, workers: int) -> float:
    """Return how long trials take if the workers take them in their order."""
    free = [0.0] * workers
    heapify(free)
    for spec in specs:
        cost = costs[spec.model]
        epoch = spec.length.images * cost.train + test_images * cost.test + cost.keep
        heapreplace(free, free[0] + cost.start + spec.length.epochs * epoch)
    return max(free)
