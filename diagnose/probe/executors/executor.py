"""What runs trials, and the one loop that hands them out, takes up what was killed and notices a lack of memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from diagnose.errors import CannotRun, DiagnoseError, UsageError
from diagnose.probe.executors.out_of_memory import first_line, is_out_of_memory
from diagnose.probe.trial.journal import RUNNING, Journal
from diagnose.probe.trial.spec import TrialSpec
from diagnose.values import Trial, TrialEnd, TrialOutcome

RETRIES = 2
"""How often a trial whose process was killed is taken up again from its last epoch."""


class AttemptOutcome(StrEnum):
    """How an attempt at a trial is over: it ended, its process was killed, memory ran out, its MODEL text is wrong, or
    another error came."""

    ENDED = "ended"
    KILLED = "killed"
    OUT_OF_MEMORY = "out of memory"
    WRONG = "wrong"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TrialAttempt:
    """One attempt at a trial that is over; `why` says more.

    Where `outcome` is `ENDED`, the trial's journal says how the trial ended.
    """

    spec: TrialSpec
    outcome: AttemptOutcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class TrialCost:
    """The seconds of a trial's parts: its start, an image in training and in evaluation, and keeping an epoch."""

    start: float
    train: float
    test: float
    keep: float


class Executor(Protocol):
    """Something that runs trials, `slots` at a time on `cores` cores, and writes their journals.

    `returns_memory` is set where memory is short: then no trial keeps what its tensors free.
    """

    slots: int
    cores: int
    returns_memory: bool

    def start(self, spec: TrialSpec) -> None:
        """Begin or go on with a trial, from its last whole epoch."""

    def ended(self) -> list[TrialAttempt]:
        """Wait a moment and return the attempts that are over since the last call."""

    def clock(self, spec: TrialSpec, *, copies: int, limit: float | None = None) -> TrialCost:
        """Time a few steps of a trial, `copies` of it at once; the slowest counts.

        Raises:
            OutOfMemoryError: it does not fit the memory.
            TimeoutError: it took longer than `limit` seconds.
            DiagnoseError: it cannot be trained at all.
        """

    def close(self) -> None:
        """End what is running; each trial keeps its whole epochs."""


class OutOfMemoryError(Exception):
    """A trial does not fit the memory although it runs alone."""

    def __init__(self, spec: TrialSpec) -> None:
        super().__init__(f"{spec.model}, {spec.arm}, seed {spec.seed}: out of memory")
        self.spec = spec


FORM = "It must map (N, 3, H, W) to one logit per class; options go in brackets: MODEL(num_classes=10)."


def cannot_train(spec: TrialSpec, why: str) -> DiagnoseError:
    """Return the error of a model that cannot be trained on these images."""
    return CannotRun(
        f"{spec.model} cannot be trained on {spec.images_name} on {spec.numerics.device}: {why}", hint=FORM
    )


def cause_of(error: BaseException) -> tuple[AttemptOutcome, str]:
    """Return how an attempt ended by an error, and why."""
    if is_out_of_memory(error):
        return AttemptOutcome.OUT_OF_MEMORY, ""
    if isinstance(error, DiagnoseError):
        wrong = isinstance(error, UsageError)
        return AttemptOutcome.WRONG if wrong else AttemptOutcome.FAILED, f"{error.message} {error.hint}".strip()
    return AttemptOutcome.FAILED, first_line(error)


def failure(spec: TrialSpec, outcome: AttemptOutcome, why: str) -> Exception:
    """Return the error of a timing that did not end well."""
    if outcome is AttemptOutcome.OUT_OF_MEMORY:
        return OutOfMemoryError(spec)
    return UsageError(why) if outcome is AttemptOutcome.WRONG else cannot_train(spec, why)


def keeps_memory(spec: TrialSpec, *, returns_memory: bool) -> bool:
    """Tell whether a trial's process keeps the memory that its tensors free, which is faster on a CPU."""
    return spec.numerics.device == "cpu" and spec.numerics.micro_batch is None and not returns_memory


def run(specs: Sequence[TrialSpec], folder: Path, executor: Executor) -> Iterator[Trial]:
    """Run trials and yield each as it ends; those that ended before are read from their journals below `folder`.

    A trial that ran out of memory is run again alone and with none kept, and so is everything after it: this changes
    no number. Leaving the iterator, also by Ctrl-C, ends what is running.

    Raises:
        OutOfMemoryError: a trial ran out of memory even so; its journal says so, and the others keep what they have.
    """
    waiting, running, crowded = deque(specs), dict[str, TrialSpec](), set[str]()
    tries, slots = Counter[str](), executor.slots
    try:
        while waiting or running:
            for _ in range(len(waiting) if len(running) < slots else 0):  # with no place free there is nothing to see
                spec = waiting.popleft()
                if ended := finished(spec, folder):
                    if ended.end.outcome is TrialOutcome.OUT_OF_MEMORY:
                        raise OutOfMemoryError(spec)
                    yield ended
                elif len(running) < slots and spec.key not in running:
                    executor.start(spec)
                    running[spec.key] = spec
                else:
                    waiting.append(spec)
            if len(running) > 1:
                crowded |= running.keys()
            for attempt in executor.ended() if running else ():
                del running[attempt.spec.key]
                if attempt.outcome is AttemptOutcome.KILLED and tries[attempt.spec.key] < RETRIES:
                    tries[attempt.spec.key] += 1
                    waiting.appendleft(attempt.spec)
                elif attempt.outcome is AttemptOutcome.OUT_OF_MEMORY and (
                    attempt.spec.key in crowded or keeps_memory(attempt.spec, returns_memory=executor.returns_memory)
                ):
                    crowded.discard(attempt.spec.key)
                    waiting.appendleft(attempt.spec)
                    slots, executor.returns_memory = 1, True
                elif attempt.outcome is AttemptOutcome.OUT_OF_MEMORY:
                    Journal(folder / attempt.spec.key).finish(TrialEnd(TrialOutcome.OUT_OF_MEMORY))
                    raise OutOfMemoryError(attempt.spec)
                else:
                    curve = Journal(folder / attempt.spec.key).curve()
                    failed = TrialEnd(TrialOutcome.FAILED, why=attempt.why)
                    yield finished(attempt.spec, folder) or attempt.spec.result(curve, failed)
    finally:
        executor.close()


def finished(spec: TrialSpec, folder: Path) -> Trial | None:
    """Return a trial that has ended, None where it has not."""
    journal = Journal(folder / spec.key)
    end = journal.end()
    return None if end == RUNNING else spec.result(journal.curve(), end)


def unfinished(spec: TrialSpec, folder: Path) -> Trial:
    """Return a trial with its curve so far; a finished trial is returned whole."""
    return finished(spec, folder) or spec.result(Journal(folder / spec.key).curve(), RUNNING)
