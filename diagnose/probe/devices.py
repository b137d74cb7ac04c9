"""The devices of this machine."""

from __future__ import annotations

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's mallopt, from <malloc.h>."""


def chosen_device() -> str:
    """Return the device that trials run on where none is asked for: a GPU where torch sees one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def cores() -> int:
    """Return the processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs of this machine, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(named.split(",")) if named else tuple(map(str, range(torch.cuda.device_count())))


def keep_freed_memory() -> None:
    """Let this process reuse the memory that tensors free, where the C library is glibc; no number changes by it.

    Otherwise glibc gives large blocks back, and the kernel hands them out anew page by page, with zeros: on a CPU a
    tenth of the time of a training step.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)
