"""Looks on at optimizer steps: hyperparameters, which parameters they hold, whether gradients were cleared."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import nn
from torch.optim import optimizer as torch_optimizers

from .code_place import code_place
from .course import Course
from .watch_networks import network_parameters, size_of

NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm)

COVERED_AT = (1, 2, 3, 10)
"""Steps of an optimizer at which is looked which parameters it holds and which have a gradient."""

MOST_NAMES = 12
"""Most names of parameters that are written down of one kind."""


def install(course: Course) -> None:
    """Put the hooks in."""
    steps = _Steps(course)
    torch_optimizers.register_optimizer_step_pre_hook(steps.before)
    torch_optimizers.register_optimizer_step_post_hook(steps.after)
    course.after(torch_optimizers.Optimizer, "__init__", steps.made)
    course.before_backward.append(steps.before_backward)


class _Gradient:
    """What is known of the gradient of one small parameter between two steps of its optimizer."""

    def __init__(self, watched: torch.Tensor | None) -> None:
        self.watched = watched
        self.backwards = 0
        self.cleared = False


class _Steps:
    """The optimizers seen, each with a number, its steps, and its gradient."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self.steps: dict[int, int] = {}
        self.groups: dict[int, str] = {}
        self.gradients: dict[int, _Gradient] = {}
        self.backwards_before = 0
        self.before_step = course.guarded(self._before, "gradients at a step")
        self.after_step = course.guarded(self._after, "steps")
        self.before_backward = course.guarded(self._before_backward, "gradients at backward")
        self.made = course.guarded(self._made, "optimizers")

    def before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Look at the gradients before a step; a step with a closure computes them later."""
        if not args and not kwargs.get("closure"):
            self.before_step(optimizer)

    def after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Write a step down."""
        if args or kwargs.get("closure"):
            self.before_step(optimizer)
        self.after_step(optimizer)

    # ------------------------------------------------------------------------------------------ optimizers

    def _made(self, result: None, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        if optimizer in self.numbers:
            return
        number = self.numbers[optimizer] = len(self.numbers) + 1
        kind = type(optimizer)
        self.course.log.write(
            "optimizer",
            number=number,
            name=kind.__name__,
            module=kind.__module__,
            groups=_hyperparameters(optimizer),
            sizes=_sizes(optimizer),
            place=code_place(),
        )

    def _after(self, optimizer: Any) -> None:
        if optimizer not in self.numbers:
            self._made(None, optimizer)
        course, number = self.course, self.numbers[optimizer]
        course.steps += 1
        course.current.steps += 1
        step = self.steps[number] = self.steps.get(number, 0) + 1
        rates = [float(group["lr"]) for group in optimizer.param_groups if "lr" in group]
        course.log.write(
            "step",
            optimizer=number,
            number=step,
            in_pass=course.current.number,
            batches=course.current.batches_of_step(number),
            after_backwards=course.backwards,
            backwards=course.backwards - self.backwards_before,
            lr=rates,
        )
        self.backwards_before = course.backwards
        self._note_groups(optimizer, number)
        if step in COVERED_AT:
            self._note_cover(optimizer, number, step)

    def _note_groups(self, optimizer: Any, number: int) -> None:
        """Write the hyperparameters down where anything but the learning rate has changed."""
        groups = [{k: v for k, v in group.items() if k != "lr"} for group in _hyperparameters(optimizer)]
        if self.groups.get(number) != repr(groups):
            self.groups[number] = repr(groups)
            self.course.log.write(
                "groups", optimizer=number, groups=_hyperparameters(optimizer), sizes=_sizes(optimizer)
            )

    def _note_cover(self, optimizer: Any, number: int, step: int) -> None:
        held = {id(p): i for i, group in enumerate(optimizer.param_groups) for p in group["params"]}
        repeated = sum(len(group["params"]) for group in optimizer.param_groups) - len(held)
        kinds: dict[str, dict[str, int]] = {}
        names: dict[str, list[str]] = {"outside": [], "outside_with_gradient": [], "without_gradient": []}
        counts = dict.fromkeys(names, 0)
        found, seen, frozen = set(), set(), 0
        for _, name, module, parameter in network_parameters(self.course):
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            group = held.get(id(parameter))
            if group is not None:
                found.add(id(parameter))
                kind = kinds.setdefault(str(group), {})
                word = _kind_of(module, name)
                kind[word] = kind.get(word, 0) + 1
            if not parameter.requires_grad:
                frozen += 1
                continue
            places = ["outside"] if group is None else ["without_gradient"] if parameter.grad is None else []
            if group is None and parameter.grad is not None:
                places.append("outside_with_gradient")
            for place in places:
                counts[place] += 1
                if len(names[place]) < MOST_NAMES:
                    names[place].append(name)
        self.course.log.write(
            "cover",
            optimizer=number,
            step=step,
            kinds=kinds,
            frozen=frozen,
            held=len(held),
            held_of_no_network=len(set(held) - found),
            held_of_no_network_without_gradient=sum(
                p.grad is None for group in optimizer.param_groups for p in group["params"] if id(p) not in found
            ),
            repeated=repeated,
            tensors=len(seen),
            counts=counts,
            names=names,
        )

    # ------------------------------------------------------------------------------------------- gradients

    def _before(self, optimizer: Any) -> None:
        """Write down how the gradients came to a step: none at all, or those of the step before still among them."""
        number = self.numbers.get(optimizer, 0)
        held = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        dense = sorted((p for p in held if not p.grad.is_sparse), key=torch.Tensor.numel)
        watched = next((p for p in dense if bool(p.grad.any())), None)
        if not held or (watched is None and len(dense) == len(held)):
            self.course.log.write("step-without-gradient", optimizer=number, zero=bool(held), place=code_place())
        known = self.gradients.get(number)
        if known is not None and known.watched is not None and known.backwards:
            kind = "gradients-cleared" if known.cleared else "gradients-kept"
            self.course.log.write(kind, optimizer=number, place=code_place())
        self.gradients[number] = _Gradient(watched)

    def _before_backward(self) -> None:
        for known in self.gradients.values():
            if known.watched is None:
                continue
            known.backwards += 1
            gradient = known.watched.grad
            if gradient is None or not bool(gradient.any()):
                known.cleared = True


def _sizes(optimizer: Any) -> list[int]:
    """Return the numbers in the parameters of each group."""
    return [sum(map(size_of, group["params"])) for group in optimizer.param_groups]


def _hyperparameters(optimizer: Any) -> list[dict[str, Any]]:
    """Return the hyperparameters of each group that are numbers or truth values."""
    return [
        {key: _plain(value) for key, value in group.items() if key != "params" and _plain(value) is not None}
        for group in optimizer.param_groups
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return float(value) if value.numel() == 1 else None
    if isinstance(value, tuple | list):
        return [float(part) for part in value] if all(isinstance(part, int | float) for part in value) else None
    return value if isinstance(value, bool | int | float | str) else None


def _kind_of(module: nn.Module, name: str) -> str:
    """Return "norm", "bias" or "weight" for a parameter."""
    if isinstance(module, NORMS) or "norm" in type(module).__name__.lower():
        return "norm"
    return "bias" if name.rpartition(".")[2] == "bias" else "weight"
