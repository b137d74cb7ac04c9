"""What ended a process, and telling a lack of memory from everything else."""

from __future__ import annotations

from pathlib import Path

from diagnose.errors import message_of as words_of

SAID = (
    "can't allocate memory",  # torch's CPU allocator
    "out of memory",  # CUDA
    "alloc_failed",  # cuBLAS and cuDNN
    "allocation_failed",  # cuDNN since 9
    "bad_alloc",  # C++
    "cannot allocate memory",  # the operating system
)
"""What the libraries say, in lower case, where they say no more than RuntimeError."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out; torch's own OutOfMemoryError says so in its message."""
    return isinstance(error, MemoryError) or (
        isinstance(error, (RuntimeError, OSError)) and names_out_of_memory(words_of(error))
    )


def names_out_of_memory(text: str) -> bool:
    """Tell whether a text is what a library says when memory runs out."""
    return any(said in text.lower() for said in SAID)


def first_line(error: BaseException) -> str:
    """Return an error in one line, its first: torch adds advice on how to look into it below."""
    return f"{type(error).__name__}: {words_of(error)}".strip().splitlines()[0].rstrip(": ")


def kernel_kills(root: Path = Path("/")) -> int | None:
    """Return how many processes the kernel has killed for lack of memory, None where it does not say.

    Of this process's control group where it counts them, which leaves out other people's; else of the machine. A
    process that ends by SIGKILL while this number stays the same was killed by somebody.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst (memory.events), cgroup-v1/memory.rst (memory.oom_control),
    mm/vmstat.c (oom_kill).
    """
    try:
        lines = (line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines())
        groups = [fields for fields in lines if len(fields) == 3]
    except OSError:
        groups = []
    control = root / "sys/fs/cgroup"
    places = [
        control / "memory" / path.strip("/") / "memory.oom_control"
        for _, kinds, path in groups
        if "memory" in kinds.split(",")
    ]
    places += [control / path.strip("/") / "memory.events" for number, _, path in groups if number == "0"]
    for place in (*places, root / "proc/vmstat"):
        try:
            counts = dict(line.split(maxsplit=1) for line in place.read_text().splitlines())
            return int(counts["oom_kill"])
        except (OSError, ValueError, KeyError):
            continue
    return None
