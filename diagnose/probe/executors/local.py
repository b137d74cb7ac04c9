"""Trials in processes of this machine, several at a time, forked from one that has imported what they need."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from diagnose.networks.consent import given
from diagnose.probe.executors.executor import AttemptOutcome, TrialAttempt, TrialCost, failure, keeps_memory
from diagnose.probe.executors.fork_server import LACK_OF_MEMORY, NAME, WRONG_REQUEST
from diagnose.probe.executors.out_of_memory import kernel_kills, names_out_of_memory
from diagnose.probe.executors.safe_path import own_python
from diagnose.probe.trial.devices import cores
from diagnose.probe.trial.journal import RUNNING, Journal
from diagnose.probe.trial.spec import TrialSpec, to_json

PAUSE = 0.1
"""Seconds that `ended` waits at most."""


class Local:
    """The processes of this machine.

    What `models` need is imported before the first trial is forked; `gpus` are the devices, as CUDA_VISIBLE_DEVICES
    names them, that trials are spread over.
    """

    def __init__(
        self, folder: Path, images: Path, *, slots: int = 1, models: Sequence[str] = (), gpus: Sequence[str] = ()
    ) -> None:
        self.folder, self.images, self.slots, self.cores, self.returns_memory = folder, images, slots, cores(), False
        self._models, self._gpus = tuple(models), tuple(gpus)
        self._fork_server: subprocess.Popen[bytes] | None = None
        self._ready, self._rest = False, b""
        self._running: dict[str, TrialSpec] = {}
        self._ordered: set[str] = set()
        self._places: dict[str, str] = {}
        self._kills = kernel_kills()

    def start(self, spec: TrialSpec) -> None:
        """Begin or go on with a trial in a process of its own."""
        journal = Journal(self.folder / spec.key)
        journal.open(to_json(spec))
        self._running[str(journal.folder)] = spec
        self._order("trial", journal.folder, spec)

    def ended(self) -> list[TrialAttempt]:
        """Wait a moment and return the attempts that are over."""
        return [self._ended(Path(folder), code) for folder, code in self._answers()]

    def clock(self, spec: TrialSpec, *, copies: int, limit: float | None = None) -> TrialCost:
        """Time a few steps of a trial, `copies` of it at once; the slowest counts."""
        with tempfile.TemporaryDirectory(prefix="diagnose-") as name:
            for index in range(copies):
                journal = Journal(Path(name, str(index)))
                journal.open(to_json(spec))
                self._order("clock", journal.folder, spec, limit=limit)
            codes: dict[str, int] = {}
            while len(codes) < copies:  # all of them, so that none is left to run beside the next timing
                codes |= dict(self._answers())
            causes = {folder: self._cause(Path(folder), code) for folder, code in codes.items()}
            if -signal.SIGALRM in codes.values():
                raise TimeoutError
            for outcome, why in causes.values():
                if outcome is not AttemptOutcome.ENDED:
                    raise failure(spec, outcome, why)
            found = [TrialCost(**json.loads(Path(folder, "clock.json").read_text())) for folder in codes]
        return TrialCost(*(max(getattr(cost, part) for cost in found) for part in TrialCost.__slots__))

    def close(self) -> None:
        """End what is running; each trial keeps its whole epochs."""
        if self._fork_server is None:
            return
        assert self._fork_server.stdin is not None
        assert self._fork_server.stdout is not None
        self._fork_server.stdin.close()  # which ends it, and it its processes
        if not self._ready:
            self._fork_server.kill()
        self._fork_server.wait()
        self._fork_server.stdout.close()
        self._fork_server, self._ready, self._rest = None, False, b""
        self._ordered.clear()
        self._places.clear()

    def _order(self, task: str, folder: Path, spec: TrialSpec, *, limit: float | None = None) -> None:
        fork_server = self._fork_server or self._begin()
        place = {}
        if self._gpus:
            held = list(self._places.values())
            self._places[str(folder)] = chosen = min(self._gpus, key=held.count)
            place = {"CUDA_VISIBLE_DEVICES": chosen}
        order: dict[str, object] = {
            "task": task,
            "folder": str(folder),
            "images": str(self.images),
            "environment": place,
            "limit": limit,
        }
        order |= {
            "device": spec.numerics.device,
            "keeps_memory": keeps_memory(spec, returns_memory=self.returns_memory),
        }
        self._ordered.add(str(folder))
        self._tell(fork_server, order)

    def _begin(self) -> subprocess.Popen[bytes]:
        """Start the process that the others are forked from; one thread, since threads do not survive a fork."""
        variables = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        variables["PYTORCH_NVML_BASED_CUDA_CHECK"] = (
            "1"  # a library's look for GPUs, which would spoil CUDA for its forks
        )
        self._fork_server = subprocess.Popen(
            own_python(NAME),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | variables,
        )
        self._tell(self._fork_server, {"models": self._models, "consent": asdict(given())})
        return self._fork_server

    def _tell(self, fork_server: subprocess.Popen[bytes], what: dict[str, object]) -> None:
        assert fork_server.stdin is not None
        with suppress(BrokenPipeError):  # it was killed, which `_answers` finds out
            fork_server.stdin.write(json.dumps(what).encode() + b"\n")
            fork_server.stdin.flush()

    def _answers(self) -> list[tuple[str, int]]:
        """Wait a moment and return the folders of the processes that are over, each with its exit code.

        Where the fork server itself was killed, its processes were, too.
        """
        fork_server = self._fork_server
        assert fork_server is not None
        assert fork_server.stdout is not None
        if not select.select([fork_server.stdout], [], [], PAUSE)[0]:
            return []
        read = os.read(fork_server.stdout.fileno(), 65536)
        if not read:
            lost = [(folder, -signal.SIGKILL) for folder in sorted(self._ordered)]
            self.close()
            return lost
        *lines, self._rest = (self._rest + read).split(b"\n")
        answers = [json.loads(line) for line in lines]
        self._ready = True
        found = [(answer["folder"], answer["code"]) for answer in answers if "folder" in answer]
        self._ordered -= {folder for folder, _ in found}
        return found

    def _ended(self, folder: Path, code: int) -> TrialAttempt:
        spec = self._running.pop(str(folder))
        return TrialAttempt(spec, *self._cause(folder, code))

    def _cause(self, folder: Path, code: int) -> tuple[AttemptOutcome, str]:
        """Return how a process ended, and why; the kernel's own count tells its SIGKILL from a user's."""
        self._places.pop(str(folder), None)
        before, self._kills = self._kills, kernel_kills()
        if code == 0:
            if (folder / "clock.json").exists() or Journal(folder).end() != RUNNING:
                return AttemptOutcome.ENDED, ""
            return AttemptOutcome.FAILED, "the model's code ended its process, as os._exit does"
        said = errors_of(folder)
        if (
            code == LACK_OF_MEMORY
            or (code == -signal.SIGKILL and self._kills != before)
            or (code < 0 and names_out_of_memory(said))
        ):
            return AttemptOutcome.OUT_OF_MEMORY, ""
        if code > 0:
            outcome = AttemptOutcome.WRONG if code == WRONG_REQUEST else AttemptOutcome.FAILED
            return outcome, said or f"its process ended with {code}"
        unknown = "; whether memory ran out, the kernel does not tell here" if self._kills is None else ""
        why = f"its process was ended by signal {-code}{unknown if code == -signal.SIGKILL else ''}"
        return AttemptOutcome.KILLED, why


def errors_of(folder: Path) -> str:
    """Return the last line of what a trial's process said."""
    try:
        lines = (folder / "errors.txt").read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
