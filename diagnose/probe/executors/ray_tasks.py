"""Trials as Ray Core tasks, of a cluster or of one started here; the journals are written by this process alone."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from diagnose.errors import CannotRun, MissingDependency
from diagnose.networks import parse
from diagnose.probe.data.images import Images
from diagnose.probe.executors.executor import (
    AttemptOutcome,
    TrialAttempt,
    TrialCost,
    cannot_train,
    failure,
    keeps_memory,
)
from diagnose.probe.executors.out_of_memory import kernel_kills
from diagnose.probe.executors.ray_worker import EPOCH, TIMED, Item, Place, time_here, train_here
from diagnose.probe.executors.safe_path import elsewhere
from diagnose.probe.trial.devices import cores
from diagnose.probe.trial.journal import RUNNING, Journal, replace_file
from diagnose.probe.trial.spec import TrialSpec, to_json
from diagnose.values import EpochResult, TrialEnd

PAUSE = 0.2
"""Seconds that `ended` waits at most."""

PATIENCE = 5.0
"""Seconds that a cluster has to answer at its address; Ray itself asks for minutes."""

MOST_COPIES = 8
"""How many trials are timed at once at most, however many the cluster can hold."""


class RayTasks:
    """The machines of a Ray cluster: a task for each trial, on as many CPUs as it has threads, or on one GPU.

    `address` is "local" for a cluster of this machine's processors that is started and ended here. Elsewhere diagnose
    must be installed and files of models lie at the same place; images and journals travel through Ray.

    Raises:
        DiagnoseError: Ray is not installed (exit code 2) or there is no cluster at the address (3).
    """

    def __init__(self, folder: Path, images: Images, *, address: str, gpu: bool) -> None:
        try:
            for name in ("USAGE_STATS_ENABLED", "ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "ENABLE_UV_RUN_RUNTIME_ENV"):
                os.environ.setdefault(f"RAY_{name}", "0")  # the last would send the whole folder to each machine
            if address != "local" and _has_token():
                os.environ.setdefault("RAY_AUTH_MODE", "token")
            import ray
        except ImportError as error:
            raise MissingDependency(
                "--ray needs Ray, which is not installed.",
                hint="`pip install 'ray>=2.40'` adds it; without --ray the trials run on this machine.",
            ) from error
        _join(ray, address)
        self._ray, self.folder, self._gpu, self.returns_memory = ray, folder, gpu, False
        held = dict(ray.cluster_resources())  # type: ignore[no-untyped-call]
        self.cores, self.slots = int(held.get("CPU", 0)), int(held.get("GPU" if gpu else "CPU", 0))
        if self.slots < 1:
            ray.shutdown()
            raise CannotRun(f"The Ray cluster {address!r} has no {'GPU' if gpu else 'CPU'}.")
        self._splits = ray.put((images.train_images, images.train_labels, images.test_images, images.test_labels))
        self._running: dict[Any, tuple[TrialSpec, ExitStack]] = {}
        self._kills = kernel_kills()

    def start(self, spec: TrialSpec) -> None:
        """Begin or go on with a trial, from its last whole epoch."""
        journal, held = Journal(self.folder / spec.key), ExitStack()
        journal.open(to_json(spec))
        held.enter_context(journal.alone())
        state = None
        if journal.end() == RUNNING and journal.resume() is not None:
            state = journal.checkpoint.read_bytes()
        task = self._task(train_here, spec, streaming=True)
        self._running[task.remote(to_json(spec), self._splits, self._place(spec), state)] = spec, held

    def ended(self) -> list[TrialAttempt]:
        """Wait a moment, keep the epochs that have come, and return the attempts that are over."""
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=PAUSE, fetch_local=False)
        return [end for task in ready if (end := self._received(task))]

    def _received(self, task: Any) -> TrialAttempt | None:
        """Take a task's next item: an epoch goes into the journal, all else is its end."""
        spec, held = self._running[task]
        journal = Journal(self.folder / spec.key)
        how, why, state = self._item(task)
        if how == EPOCH:
            replace_file(journal.checkpoint, state)
            journal.append(EpochResult(**why))
            return None
        del self._running[task]
        outcome = AttemptOutcome(how)
        if outcome is AttemptOutcome.ENDED:
            journal.finish(TrialEnd.parse(why))
        held.close()
        return TrialAttempt(spec, outcome, why)

    def _item(self, task: Any) -> Item:
        errors = self._ray.exceptions
        try:
            item: Item = self._ray.get(next(task))
        except StopIteration:
            return AttemptOutcome.FAILED, "its task ended without a word", b""
        except errors.OutOfMemoryError:
            return AttemptOutcome.OUT_OF_MEMORY, "", b""
        except errors.RayTaskError as error:
            return AttemptOutcome.FAILED, str(error).strip().splitlines()[-1], b""
        except errors.RayError as error:
            before, self._kills = self._kills, kernel_kills()
            said = (str(error).splitlines() or [type(error).__name__])[0]
            if self._kills != before:
                return AttemptOutcome.OUT_OF_MEMORY, "", b""
            return AttemptOutcome.KILLED, said, b""
        return item

    def clock(self, spec: TrialSpec, *, copies: int, limit: float | None = None) -> TrialCost:
        """Time a few steps of a trial, a few copies of it at once; the slowest counts."""
        task = self._task(time_here, spec, streaming=False)
        order = to_json(spec), self._splits, self._place(spec)
        tasks = [task.remote(*order) for _ in range(min(copies, MOST_COPIES))]
        try:
            found = self._ray.get(tasks, timeout=limit)
        except self._ray.exceptions.GetTimeoutError:
            for timing in tasks:
                self._ray.cancel(timing, force=True)
            raise TimeoutError from None
        except self._ray.exceptions.RayError as error:
            raise cannot_train(spec, str(error).strip().splitlines()[-1]) from error
        for how, why in found:
            if how != TIMED:
                raise failure(spec, AttemptOutcome(how), why)
        return TrialCost(*(max(parts[index] for _, parts in found) for index in range(len(TrialCost.__slots__))))

    def _task(self, function: Any, spec: TrialSpec, *, streaming: bool) -> Any:
        """Return the function as a task that is never repeated by Ray itself, which knows of no journals.

        A process is used again, but for a user's own file: what that keeps from one trial must not reach the next.
        """
        options: dict[str, Any] = {"num_cpus": spec.numerics.threads, "max_retries": 0}
        if streaming:
            options["num_returns"] = "streaming"
        if self._gpu:
            options["num_gpus"] = 1
        if parse(spec.model).source == "user":
            options["max_calls"] = 1
        return self._ray.remote(**options)(function)

    def _place(self, spec: TrialSpec) -> Place:
        return os.getcwd(), keeps_memory(spec, returns_memory=self.returns_memory)  # noqa: PTH109

    def close(self) -> None:
        """End what is running and leave the cluster; each trial keeps its whole epochs."""
        for task, (_, held) in self._running.items():
            self._ray.cancel(task, force=True)
            held.close()
        self._running.clear()


def _has_token() -> bool:
    """Tell whether there is a token, which Ray shows to a cluster at an address only where RAY_AUTH_MODE says so.

    Source: Ray's documentation, "Token Authentication", with the order of these places.
    """
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    return bool(named) or Path("~/.ray/auth_token").expanduser().is_file()


def _join(ray: Any, address: str) -> None:
    """Connect to a cluster, or start one here; a busy machine, on which Ray gives up after 30 s, is asked once more."""
    here: dict[str, Any] = {"num_cpus": cores(), "include_dashboard": False} if address == "local" else {}
    quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.ERROR}
    for last in (address != "local", True):
        try:
            _ask(address)
            with elsewhere():
                ray.init(address=address, **quiet, **here)
        except Exception as error:  # Exception itself where its processes start too slowly
            ray.shutdown()
            if last:
                raise CannotRun(
                    f"cannot start on the Ray cluster {address!r}: {str(error).strip().splitlines()[0]}",
                    hint="--ray takes local or the HOST:PORT that `ray start --head` printed, on a machine of that "
                    "cluster. A cluster that asks for a token needs it in RAY_AUTH_TOKEN or in ~/.ray/auth_token.",
                ) from error
        else:
            return


def _ask(address: str) -> None:
    """Raise OSError, or OverflowError for no port at all, where an address is HOST:PORT and nothing answers there."""
    host, _, port = address.rpartition(":")
    if port.isdigit() and "/" not in host:  # as in ray://HOST:PORT
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
