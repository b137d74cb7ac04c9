"""Looks on at learning-rate schedulers of torch: their classes and numbers, and when they are stepped."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from torch.optim import lr_scheduler

from .code_place import code_place
from .course import Course


def install(course: Course) -> None:
    """Put the hooks in."""
    schedulers = _Schedulers(course)
    base = lr_scheduler.LRScheduler
    course.wrap(base, "__init__", schedulers.around_making)
    course.wrap(base, "step", schedulers.around_step)
    for kind in (vars(lr_scheduler)[name] for name in dir(lr_scheduler)):
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base:
            for name, make in (("__init__", schedulers.around_making), ("step", schedulers.around_step)):
                if name in vars(kind):
                    course.wrap(kind, name, make)


class _Schedulers:
    """The schedulers seen, each with a number; those that another one steps are its parts."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self.making = 0
        self.stepping = 0
        self.note_made = course.guarded(self._note_made, "schedulers")
        self.note_step = course.guarded(self._note_step, "schedules")

    def around_making(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return the wrapper of a constructor, which steps the scheduler once by itself."""

        def make(scheduler: Any, *args: Any, **kwargs: Any) -> None:
            self.making += 1
            try:
                original(scheduler, *args, **kwargs)
            finally:
                self.making -= 1
            if self.making == 0:
                self.note_made(scheduler)

        return make

    def around_step(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return the wrapper of a step; a step within another one is a part of it."""

        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            self.stepping += 1
            try:
                result = original(scheduler, *args, **kwargs)
            finally:
                self.stepping -= 1
            if self.making == 0 and self.stepping == 0:
                self.note_step(scheduler)
            return result

        return step

    def _note_made(self, scheduler: Any) -> None:
        number = self.numbers[scheduler] = len(self.numbers) + 1
        parts = [self.numbers[part] for part in getattr(scheduler, "_schedulers", []) if part in self.numbers]
        kind = type(scheduler)
        for ancestor in kind.__mro__:  # a class of the user's may have a step of its own
            if "step" in vars(ancestor):
                self.course.wrap(ancestor, "step", self.around_step)
        self.course.log.write(
            "scheduler",
            number=number,
            name=kind.__name__,
            module=kind.__module__,
            values=_values(scheduler),
            parts=parts,
            place=code_place(),
        )

    def _note_step(self, scheduler: Any) -> None:
        if scheduler not in self.numbers:
            return
        self.course.log.write(
            "scheduler-step",
            scheduler=self.numbers[scheduler],
            after_steps=self.course.steps,
            in_pass=self.course.current.number,
            place=code_place(),
        )


def _values(scheduler: Any) -> dict[str, Any]:
    """Return the numbers that a scheduler holds as it was made."""
    values: dict[str, Any] = {}
    for key, value in vars(scheduler).items():
        if key.startswith("_") or key in ("last_epoch", "optimizer"):
            continue
        if isinstance(value, bool | int | float | str):
            values[key] = value
        elif hasattr(value, "elements"):  # a Counter: the milestones
            values[key] = sorted(value.elements())
        elif isinstance(value, list | tuple) and all(isinstance(part, int | float) for part in value):
            values[key] = list(value)
    return values
