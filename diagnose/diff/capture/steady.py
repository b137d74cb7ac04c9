"""Does a network compute the same each time? Its operator calls, noted twice without computing anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

Call = tuple[str, tuple[object, ...]]
"""An operator, and its arguments: a tensor as the number of the call that made it, everything else by its text."""


def is_steady(module: nn.Module, inputs: tuple[Tensor, ...]) -> bool | None:
    """Say whether two forward passes call the same operators on the same values; None where that cannot be told.

    Python's own random numbers, and attributes that a forward pass changes, make them differ. The passes run in the
    module's present mode and compute shapes alone, on copies without data, so they cost about half of a capture.
    """
    try:
        return _calls(module, inputs) == _calls(module, inputs)
    except Exception:  # what depends on data cannot be followed without any
        return None


def _calls(module: nn.Module, inputs: tuple[Tensor, ...]) -> list[Call]:
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    given = tuple(fake.from_tensor(tensor) for tensor in inputs)
    with _without_data(module, fake) as state:
        recorder = _CallRecorder(state)
        with fake, torch.enable_grad(), recorder:
            module(*given)
    return recorder.calls


@contextmanager
def _without_data(module: nn.Module, fake: FakeTensorMode) -> Iterator[list[Tensor]]:
    """Put copies without data in the place of all parameters and buffers meanwhile, and yield them.

    A tensor that is registered twice has one copy, and a module that is used twice is seen once: torch's
    `functional_call` would leave the copies in it.
    """
    stores: list[dict[str, Any]] = [store for part in module.modules() for store in (part._parameters, part._buffers)]
    before = [dict(store) for store in stores]
    copies: dict[int, Tensor] = {}
    try:
        for store in stores:
            for name, tensor in store.items():
                if tensor is not None:
                    if id(tensor) not in copies:
                        copies[id(tensor)] = fake.from_tensor(tensor)
                    store[name] = copies[id(tensor)]
        yield list(copies.values())
    finally:
        for store, held in zip(stores, before, strict=True):
            store.clear()
            store.update(held)


class _CallRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, state: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self._alive: list[Tensor] = list(state)
        self._known: dict[int, object] = {id(tensor): number for number, tensor in enumerate(state)}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self.calls.append((str(func), tuple(map(self._named, pytree.tree_leaves((args, kwargs))))))
        result = func(*args, **kwargs)
        for place, made in enumerate(pytree.tree_leaves(result)):
            if isinstance(made, Tensor):
                self._alive.append(made)  # an id that is used again would name another tensor
                self._known.setdefault(id(made), (len(self.calls), place))
        return result

    def _named(self, argument: object) -> object:
        if not isinstance(argument, Tensor):
            return str(argument)
        return self._known.get(id(argument), (tuple(argument.shape), str(argument.dtype)))
