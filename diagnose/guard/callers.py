"""Who causes an event: a library that is being imported, a generator of code, or somebody else."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from types import FrameType

LIBRARIES = ("fvcore", "iopath", "matplotlib", "mmcv", "mmengine", "mmpretrain", "networkx", "numpy", "PIL",
             "safetensors", "scipy", "sympy", "timm", "torch", "torchinfo", "torchvision", "transformers")  # fmt: skip
"""What a judgement imports. While one of these is imported, what its own module code does is its own doing: torch asks
the system's linker for libraries, matplotlib looks for fonts."""

GENERATORS = ("attr", "collections", "dataclasses", "einops", "enum", "jinja2", "mpmath", "networkx", "numpy", "scipy",
              "sympy.utilities.lambdify", "torch._dynamo", "torch._export", "torch._inductor", "torch._jit_internal",
              "torch._sources", "torch.export", "torch.fx", "torch.jit", "typing", "typing_extensions")  # fmt: skip
"""The modules that write Python code themselves and run it: a named tuple, a data class, a traced graph."""

CALLERS = ("mmengine.registry", "runpy", "timeit", "code")
"""Modules that call every function they are given: code that they hand to a generator is not the generator's own."""

_HERE = Path(__file__).resolve().parent
_GUARD = os.path.dirname(__file__)  # noqa: PTH120 as Python names it


def in_an_import() -> bool:
    """Say whether a library that a judgement needs is being imported: its module code is among the callers."""
    frame = caller()
    while frame is not None:
        if frame.f_code.co_name == "<module>" and module_of(frame).partition(".")[0] in LIBRARIES:
            return is_ours(frame.f_code.co_filename)
        frame = frame.f_back
    return False


def caller() -> FrameType | None:
    """Return the frame that caused an event: the first outside this folder."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and os.path.dirname(frame.f_code.co_filename) == _GUARD:  # noqa: PTH120 as Python names it
        frame = frame.f_back
    return frame


def outer(frame: FrameType | None) -> str:
    """Return the module that called a generator of code: the first frame outside it."""
    while frame is not None and is_generator(module_of(frame)):
        frame = frame.f_back
    return module_of(frame)


def module_of(frame: FrameType | None) -> str:
    """Return the name of the module whose code a frame runs; C code has none."""
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))


def is_generator(module: str) -> bool:
    """Say whether a module writes Python code itself and runs it."""
    return any(module == name or module.startswith(name + ".") for name in GENERATORS)


def _places() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({os.path.realpath(paths[name]) for name in names} | {str(_HERE.parent)})


_PLACES = _places()


def is_ours(path: str) -> bool:
    """Say whether a file is part of Python, of what is installed beside it, or of diagnose."""
    if path in ("frozen", "built-in") or path.startswith("<frozen "):
        return True
    where = os.path.realpath(path) if path.startswith(os.sep) else ""
    return any(where.startswith(place + os.sep) for place in _PLACES)
