"""One image through one pipeline: call by call, and as its library runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diagnose.errors import EndedError, in_one_line
from diagnose.networks.build_errors import as_exceptions
from diagnose.pipeline.runnable import Native, RunnablePipeline, RunnableStep, values_of
from diagnose.values import Skipped

REPRODUCED = 1e-6
"""How far, in the units of the output, the calls one by one may be from the pipeline as its library runs it."""


@dataclass(frozen=True)
class Trace:
    """The pictures after each call, random calls left out.

    `output` is what the library gives, or the last picture where calls are random.
    `reproduced` says that the calls one by one give the library's output, `varies` that the library gave two outputs.
    """

    natives: tuple[Native, ...]
    output: Native
    reproduced: bool
    varies: bool

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Return the extreme values after each call, as they are written down there."""
        return tuple((float(values.min()), float(values.max())) for values in map(values_of, self.natives))


def run_calls(calls: Sequence[RunnableStep], native: Native) -> Native:
    """Run calls one after another; those that draw random numbers are left out."""
    for call in calls:
        if not call.random:
            native = call.apply(native)
    return native


def trace(pipeline: RunnablePipeline, path: Path) -> Trace | Skipped:
    """Run a pipeline on an image; where it fails, return what failed."""
    try:
        with as_exceptions():
            return _trace(pipeline, path)
    except (Exception, EndedError) as error:
        return Skipped(f"{pipeline.name} on {path.name}", in_one_line(error))


def _trace(pipeline: RunnablePipeline, path: Path) -> Trace:
    natives: list[Native] = []
    native: Native = path
    for call in pipeline.calls:
        native = run_calls((call,), native)
        natives.append(native)
    values = values_of(native)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"a {type(native).__name__} is no picture")
    if not values.size:
        raise ValueError("the output is empty")
    if pipeline.random:
        return Trace(tuple(natives), native, reproduced=True, varies=False)
    output = pipeline.whole(path)
    again = pipeline.whole(path) if not pipeline.readable else output
    return Trace(tuple(natives), output, reproduced=_close(native, output), varies=not _close(output, again))


def _close(a: Native, b: Native) -> bool:
    first, second = values_of(a), values_of(b)
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=0, atol=REPRODUCED, equal_nan=True))
