"""Looks on at loss functions and at what `backward` starts from."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F

from .code_place import code_place
from .course import Course

LOSSES = (
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "multi_margin_loss",
    "soft_margin_loss",
    "poisson_nll_loss",
    "gaussian_nll_loss",
    "ctc_loss",
)
"""Functions of torch.nn.functional that are losses; their modules call them."""

TAG = "diagnose-watch-loss"
"""The key under which a node of the autograd graph carries the call that made it."""

LOOKED_AT = 3
"""First calls of each loss, and first backward passes, that are looked into; after them one in `EVERY`."""

EVERY = 50
DEEPEST = 64
"""Most nodes of the graph that are followed from what backward starts from."""

TOLERANCE = 1e-3
"""How far the sum of a row of probabilities may be from 1."""


def install(course: Course) -> None:
    """Put the hooks in."""
    losses = _Losses(course)
    for name in LOSSES:
        course.wrap(F, name, losses.around(name))
    course.wrap(F, "dropout", losses.around_dropout)
    course.wrap(torch.autograd, "backward", losses.around_backward)
    course.wrap(torch.jit, "script", losses.without_us)


class _Losses:
    """What was seen of losses, and whether a loss function is being called from within another."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.calls: dict[str, int] = {}
        self.inside = False
        self.signatures: set[str] = set()
        self.note_call = course.guarded(self._note_call, "losses")
        self.note_backward = course.guarded(self._note_backward, "backward")
        self.note_dropout = course.guarded(self._note_dropout, "dropout")
        self.note_failure = course.guarded(self._note_failure, "failed-losses")

    def around(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return what makes the wrapper of a loss function."""

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            signature = inspect.signature(original)

            def loss(*args: Any, **kwargs: Any) -> Any:
                if torch.compiler.is_compiling() or self.inside:
                    return original(*args, **kwargs)
                self.inside = True
                try:
                    value = original(*args, **kwargs)
                except (IndexError, RuntimeError):
                    self.note_failure(name, signature, args, kwargs)
                    raise
                finally:
                    self.inside = False
                self.note_call(name, signature, args, kwargs, value)
                return value

            return loss

        return make

    def around_dropout(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return the wrapper of dropout, which acts by an argument rather than by a module's mode."""

        def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
            if not torch.compiler.is_compiling():
                self.note_dropout(p, training)
            return original(input, p, training, inplace)

        return dropout

    def around_backward(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return the wrapper of autograd's backward, which `Tensor.backward` calls."""

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            for look in self.course.before_backward:
                look()
            self.note_backward(tensors)
            result = original(tensors, *args, **kwargs)
            self.course.end_where_asked()
            return result

        return backward

    def without_us(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return a wrapper of `torch.jit.script`, which reads the source of functions and must find torch's own."""

        def script(obj: Any, optimize: Any = None, _frames_up: int = 0, *args: Any, **kwargs: Any) -> Any:
            ours = [entry for entry in self.course.undo if entry[0] is F]
            for owner, name, theirs, _ in ours:
                setattr(owner, name, theirs)
            try:  # names are looked up in the frame of the caller, which is one further up than it would be
                return original(obj, optimize, _frames_up + 1, *args, **kwargs)
            finally:
                for owner, name, _, wrapper in ours:
                    setattr(owner, name, wrapper)

        return script

    # --------------------------------------------------------------------------------------------- looks

    def _note_dropout(self, p: float, training: bool) -> None:
        if p > 0:
            grad = "grad" if torch.is_grad_enabled() else "no_grad"
            counts = self.course.current.modes.setdefault(f"functional dropout/{grad}", [0, 0])
            counts[0 if training else 1] += 1

    def _note_failure(self, name: str, signature: inspect.Signature, args: Any, kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs).arguments
        if name in ("cross_entropy", "nll_loss"):
            self._write(name, given, {"failed": True, **_label_facts(given)})

    def _note_call(self, name: str, signature: inspect.Signature, args: Any, kwargs: Any, value: Any) -> None:
        count = self.calls[name] = self.calls.get(name, 0) + 1
        given = signature.bind(*args, **kwargs).arguments
        options = {key: _plain(v) for key, v in given.items() if key not in ("input", "target")}
        if value.grad_fn is not None:
            value.grad_fn.metadata[TAG] = {"function": name, "options": options}
            if count <= LOOKED_AT or count % EVERY == 0:
                self._write(name, given, _looked(name, given))

    def _write(self, name: str, given: dict[str, Any], facts: dict[str, Any]) -> None:
        shapes = {
            key: list(given[key].shape) for key in ("input", "target") if isinstance(given.get(key), torch.Tensor)
        }
        self.course.log.write("loss-input", function=name, **shapes, **facts, place=code_place())

    def _note_backward(self, tensors: Any) -> None:
        course = self.course
        course.backwards += 1
        going = course.current
        going.backwards += 1
        if going.loader is not None:
            course.training_loaders.add(going.loader)
            course.trained_passes.add(going.number)
        roots = tensors if isinstance(tensors, list | tuple) else [tensors]
        root = next((t for t in roots if isinstance(t, torch.Tensor)), None)
        if root is None:
            return
        looked = course.backwards <= LOOKED_AT or course.backwards % EVERY == 0
        if looked or (root.device.type == "cpu" and root.numel() == 1):
            value = float(root.detach().sum())
            course.log.write("backward", number=course.backwards, in_pass=going.number, value=_spelt(value))
        if looked:
            self._note_terms(root)

    def _note_terms(self, root: torch.Tensor) -> None:
        tags, operations = [], []
        for name, tag in _nodes(root.grad_fn):
            if tag is not None:
                tags.append(tag)
            elif not tags:
                operations.append(name)
        if repr((tags, operations)) not in self.signatures and len(self.signatures) < 16:
            self.signatures.add(repr((tags, operations)))
            self.course.log.write("loss", terms=tags, operations=operations[:8], place=code_place())


def _nodes(start: Any) -> Iterator[tuple[str, Any]]:
    """Yield the nodes of a graph, breadth first and not beyond a loss: name, and the loss that it carries."""
    queue: list[Any] = [start]
    seen: set[Any] = set()
    while queue and len(seen) < DEEPEST:
        node = queue.pop(0)
        if node is None or node in seen:
            continue
        seen.add(node)
        tag = node.metadata.get(TAG) if hasattr(node, "metadata") else None
        yield node.name(), tag
        if tag is None:
            queue += [following for following, _ in node.next_functions]


def _spelt(value: float) -> float | str:
    """Return a number as JSON has it: one that is not finite as a text."""
    return value if math.isfinite(value) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return f"tensor of {list(value.shape)}"
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)[:80]


def _looked(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what the values of a loss's input and target show."""
    values = given["input"].detach()
    facts: dict[str, Any] = {"before": _name_of(given["input"])}
    if name in ("cross_entropy", "nll_loss"):
        facts |= _label_facts(given)
    if name == "cross_entropy" and values.ndim >= 2 and values.shape[1] > 1:
        sums = values.float().sum(1)
        facts["probabilities"] = bool((values >= 0).all()) and bool(((sums - 1).abs() < TOLERANCE).all())
    if name == "nll_loss":
        facts["above_zero"] = float((values > 0).float().mean())
    if name == "binary_cross_entropy_with_logits":
        facts["within_0_1"] = bool((values >= 0).all()) and bool((values <= 1).all())
    return facts


def _name_of(tensor: torch.Tensor) -> str:
    return tensor.grad_fn.name() if tensor.grad_fn is not None else ""


def _label_facts(given: dict[str, Any]) -> dict[str, Any]:
    """Return the range of the labels and the number of classes; nothing where the targets are probabilities."""
    labels, values = given["target"], given["input"]
    if labels.is_floating_point() or not labels.numel():
        return {}
    kept = labels[labels != given.get("ignore_index", -100)]
    if not kept.numel():
        return {"ignored": True}
    classes = values.shape[1] if values.ndim > 1 else values.shape[0]
    return {"lowest": int(kept.min()), "highest": int(kept.max()), "classes": classes}
