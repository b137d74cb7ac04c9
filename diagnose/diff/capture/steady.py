"""Does a network compute the same each time? Its operator calls, noted twice without computing anything."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
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
    state: dict[str, Tensor] = {
        name: fake.from_tensor(tensor) for name, tensor in module.state_dict(keep_vars=True).items()
    }
    recorder = _CallRecorder(state)
    with fake, torch.enable_grad(), recorder:
        functional_call(module, state, tuple(fake.from_tensor(tensor) for tensor in inputs))
    return recorder.calls


class _CallRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self._alive: list[Tensor] = list(state.values())
        self._known: dict[int, object] = {id(tensor): name for name, tensor in state.items()}

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
