"""The devices of this machine."""

from __future__ import annotations

import ctypes
import os
import sys

from diagnose.errors import CannotRun, Option, UsageError

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's mallopt, from <malloc.h>."""


def chosen_device(asked: str | None, *, elsewhere: bool = False) -> str:
    """Return the device that trials run on: the one asked for, else a GPU where torch sees one.

    Raises:
        DiagnoseError: torch knows no such device, or Ray is to choose among several elsewhere (exit code 2), or it is
            not here (3).
    """
    import torch

    if asked is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(asked)
    except RuntimeError as error:
        raise UsageError(f"unknown device {asked!r}", hint="Known are cpu, cuda and cuda:1.") from error
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"A probe does not know {asked!r}.", hint="It trains on cpu or cuda.")
    if device.type == "cpu":
        return "cpu"
    if elsewhere:
        if device.index is not None:
            raise UsageError(
                f"A Ray cluster gives each trial a GPU of its own, so that {asked} cannot be asked for.",
                hint="{} takes any.",
                options=(Option("device", "cuda"),),
            )
        return asked
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        raise CannotRun(
            f"There is no {asked} here: torch sees {count or 'no'} GPU{'s' if count != 1 else ''}.",
            hint="{} trains on the processor. A GPU needs its driver and a torch that is built for it.",
            options=(Option("device", "cpu"),),
        )
    return asked


def cores() -> int:
    """Return the processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs of this machine, as CUDA_VISIBLE_DEVICES names them; CUDA sees none behind a wrong one."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    return tuple(named.split(","))[:count] if named else tuple(map(str, range(count)))


def freed_memory(*, kept: bool) -> None:
    """Let this process reuse the memory that tensors free, or give it back, where the C library is glibc.

    No number changes by it. Memory that was given back comes from the kernel page by page and filled with zeros, which
    takes a tenth of a training step on a CPU. Keeping it takes a seventh more memory.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is not None and hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0 if kept else 65_536)  # the second numbers are glibc's own
        libc.mallopt(M_TRIM_THRESHOLD, -1 if kept else 128 << 10)
