"""Looks on at single calls: clipping, seeds, checkpoints, gradient scalers, averaged weights; notes the environment."""

from __future__ import annotations

import platform
import random
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import swa_utils

from .code_place import called_by_torch, code_place
from .course import Course

MOST_SEEDS = 200
"""Calls that set a seed and are written down."""


def install(course: Course) -> None:
    """Put the hooks in."""
    calls = _Calls(course)
    for name in ("clip_grad_norm_", "clip_grad_value_"):
        course.after(nn.utils.clip_grad, name, calls.clipped(name))
        setattr(nn.utils, name, getattr(nn.utils.clip_grad, name))
    course.after(torch, "manual_seed", calls.seeded("torch"))
    torch.random.manual_seed = torch.manual_seed
    course.after(random, "seed", calls.seeded("random"))
    if "numpy" in sys.modules:
        course.after(sys.modules["numpy"].random, "seed", calls.seeded("numpy"))
    course.after(nn.Module, "load_state_dict", calls.loaded)
    course.after(swa_utils.AveragedModel, "__init__", calls.averaged)
    course.after(swa_utils.AveragedModel, "update_parameters", calls.average_updated)
    course.wrap(swa_utils, "update_bn", calls.around_update_bn)
    course.after(GradScaler, "__init__", calls.scaler_made)
    course.wrap(GradScaler, "update", calls.around_scaler_update)
    course.log.write(
        "environment",
        torch=str(torch.__version__),
        python=platform.python_version(),
        threads=torch.get_num_threads(),
        cuda=torch.version.cuda,
    )


class _Calls:
    """The looks at single calls."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.seeds = 0
        self.note_scale = course.guarded(self._note_scale, "scalers")

    def clipped(self, name: str) -> Callable[..., None]:
        """Return the look at one of torch's functions that clip gradients."""

        def look(norm: Any, parameters: Any, *args: Any, **kwargs: Any) -> None:
            limit: Any = args[0] if args else kwargs.get("max_norm", kwargs.get("clip_value"))
            before = float(norm) if isinstance(norm, torch.Tensor) else None
            self.course.log.write(
                "clip",
                function=name,
                limit=float(limit),
                norm=before if before is None or before < float("inf") else str(before),
                after_backwards=self.course.backwards,
                after_steps=self.course.steps,
                place=code_place(),
            )

        return look

    def seeded(self, library: str) -> Callable[..., None]:
        """Return the look at the function of a library that sets its seed."""

        def look(result: Any, seed: Any = None, *args: Any, **kwargs: Any) -> None:
            place = code_place()
            self.seeds += 1
            if place and not called_by_torch() and self.seeds <= MOST_SEEDS:
                value = int(seed) if isinstance(seed, int) else None
                self.course.log.write("seed", library=library, value=value, after_steps=self.course.steps, place=place)

        return look

    def loaded(self, result: Any, module: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> None:
        """Write down a checkpoint that was loaded, what was taken of it, and what it lacked."""
        own = set(module.state_dict())
        self.course.log.write(
            "checkpoint",
            into=type(module).__name__,
            tensors=len(own),
            taken=len(own & set(state_dict)),
            missing=len(result.missing_keys),
            unexpected=len(result.unexpected_keys),
            examples=[*result.missing_keys[:3], *result.unexpected_keys[:3]],
            place=code_place(),
        )

    def averaged(self, result: None, module: Any, *args: Any, **kwargs: Any) -> None:
        """Write down averaged weights that were made."""
        self.course.log.write("average", place=code_place())

    def average_updated(self, result: None, *args: Any, **kwargs: Any) -> None:
        """Write down an update of averaged weights."""
        self.course.log.write("average-update", after_steps=self.course.steps)

    def around_update_bn(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return a wrapper that lets the passes of `update_bn` be: they are meant to run in train mode."""

        def update_bn(*args: Any, **kwargs: Any) -> Any:
            first = self.course.passes + 1
            result = original(*args, **kwargs)
            self.course.log.write("exempt", first=first, last=self.course.passes)
            return result

        return update_bn

    def scaler_made(self, result: None, scaler: Any, *args: Any, **kwargs: Any) -> None:
        """Write down a gradient scaler."""
        self.course.log.write("scaler", enabled=bool(scaler.is_enabled()), place=code_place())

    def around_scaler_update(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return a wrapper that sees whether a scaler lowered its scale, as it does where it skipped a step."""

        def update(scaler: Any, *args: Any, **kwargs: Any) -> Any:
            before = scaler.get_scale() if scaler.is_enabled() else 0.0
            result = original(scaler, *args, **kwargs)
            if scaler.is_enabled():
                self.note_scale(before, scaler.get_scale())
            return result

        return update

    def _note_scale(self, before: float, after: float) -> None:
        if after < before:
            self.course.log.write("scaled-step-skipped", scale=before, after_steps=self.course.steps)
