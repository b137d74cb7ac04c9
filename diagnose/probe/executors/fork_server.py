"""The process that trials are forked from: `python -P -m diagnose.probe.executors.fork_server`.

torch and the models' libraries take seconds to import. This process imports them once, computes nothing, and forks one
process for each trial. It reads its standard input, one JSON object a line: first the MODEL texts with what the user
allows them, then orders. (A text may come from somebody else's file, so it is never an argument of a program.) It
answers each order on its standard output when the process is over, and ends with all of them when its input ends, which
also happens when the process that started it is killed.

A fork cannot use CUDA where anything has looked for GPUs through CUDA before it, as mmengine does when it is imported.
Such a look is asked to go another way (in `local`); where it did not, the fork begins a Python of its own.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from diagnose.guard import guarded_unless
from diagnose.networks.consent import NOTHING, Consent, limited_to
from diagnose.probe.executors.safe_path import own_python
from diagnose.probe.trial.devices import freed_memory

NAME, AFRESH = "diagnose.probe.executors.fork_server", "--afresh"
"""This module, and what is given to it to do one piece of work in the process at hand."""

PAUSE = 0.02
"""Seconds between two looks at the processes."""

LACK_OF_MEMORY = 75
"""The exit code of a process that ran out of memory and could say so."""


def main() -> None:
    """Fork a process for each order until the input ends; Ctrl-C is for who started this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    running: dict[int, str] = {}
    rest, consent = b"", NOTHING
    while True:
        if select.select([0], [], [], PAUSE)[0]:
            read = os.read(0, 65536)
            if not read:
                break
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if "models" in order:
                    consent = Consent(**order["consent"])
                    _import(order["models"], consent)
                    print(json.dumps({"ready": True}), flush=True)
                else:
                    running[_fork(order, consent)] = order["folder"]
        while running:
            number, status = os.waitpid(-1, os.WNOHANG)
            if not number:
                break
            answer = {"folder": running.pop(number), "code": os.waitstatus_to_exitcode(status)}
            print(json.dumps(answer), flush=True)
    for number in running:
        os.kill(number, signal.SIGKILL)  # a trial is whole at every moment
        os.waitpid(number, 0)


def _import(models: list[str], consent: Consent) -> None:
    """Import what the trials need; a user's own file is left to each trial, which says what is wrong with it."""
    import torch

    import diagnose.probe.data.image_cache
    import diagnose.probe.trial.initial_weights
    import diagnose.probe.trial.train  # noqa: F401
    from diagnose.networks import build, parse

    torch.optim.SGD([torch.zeros(1)], lr=0.1)  # imports what an optimiser needs
    for model in models:
        with suppress(Exception), limited_to(consent), guarded_unless(consent.code):
            ref = parse(model)
            if ref.source != "user":
                build(ref)


def _fork(order: dict[str, Any], consent: Consent) -> int:
    sys.stdout.flush()
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        exit_with_parent(parent)
        folder = Path(order["folder"])
        errors = os.open(folder / "errors.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        for stream, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, errors), (2, errors)):
            os.dup2(file, stream)
        os.environ.update(order["environment"])
        freed_memory(kept=order["keeps_memory"])
        if order["limit"] is not None:
            signal.setitimer(signal.ITIMER_REAL, order["limit"])  # whose SIGALRM ends the process
        if order["device"].startswith("cuda") and _spoilt_for_cuda():
            said = json.dumps(asdict(consent))
            os.execv(sys.executable, own_python(NAME, AFRESH, order["task"], str(folder), order["images"], said))
        code = _work(order["task"], folder, Path(order["images"]), consent)
    finally:
        _end(code)


def _end(code: int) -> NoReturn:
    """End this process at once: what a library would do at its exit could spoil how the work ended."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _spoilt_for_cuda() -> bool:
    """Tell whether torch would refuse to use CUDA in this process since it is a fork."""
    import torch

    return bool(torch.cuda._is_in_bad_fork())


def _work(task: str, folder: Path, images: Path, consent: Consent) -> int:
    """Train or time the trial of `folder`; where foreign code may not run, a guard lets it write there alone."""
    import traceback

    from diagnose.errors import USAGE, DiagnoseError
    from diagnose.probe.executors.executor import AttemptOutcome, cause_of
    from diagnose.probe.trial.worker import time_steps, work

    try:
        with limited_to(consent), guarded_unless(consent.code, writable=(folder,), network=consent.download):
            (work if task == "trial" else time_steps)(folder, images)
    except BaseException as error:
        if not isinstance(error, DiagnoseError):
            traceback.print_exc()
        outcome, why = cause_of(error)
        print(why, file=sys.stderr)
        return {AttemptOutcome.OUT_OF_MEMORY: LACK_OF_MEMORY, AttemptOutcome.WRONG: USAGE}.get(outcome, 1)
    return 0


def exit_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, where it can; elsewhere each epoch looks.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it ended before it could be asked for


if __name__ == "__main__":
    if sys.argv[1:2] == [AFRESH]:
        _end(_work(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), Consent(**json.loads(sys.argv[5]))))
    main()
