"""Which module an operator runs in: the stack of modules being called, and for gradients that of the forward pass."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as hooks


class ModuleStack:
    """The paths of the modules being called, and when each of them was entered and left.

    Autograd numbers its nodes in the order of the forward pass. A gradient is that of the module which was innermost
    when the node of its number was made.
    """

    def __init__(self, model: nn.Module) -> None:
        self._paths = {module: path for path, module in model.named_modules()}
        self._stack = [""]
        self._numbers = [0]
        self._innermost = [""]

    def current(self) -> str:
        """Return the path of the innermost module that is being called, "" for the model itself."""
        return self._stack[-1]

    def of_gradient(self) -> str:
        """Return the path of the module whose gradient is being computed."""
        node = torch._C._current_autograd_node()
        if len(self._stack) > 1 or node is None:  # a checkpointed module runs again, within the backward pass
            return self.current()
        return self._innermost[bisect_right(self._numbers, node._sequence_nr()) - 1]

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the calls of modules within this context."""
        entered = hooks.register_module_forward_pre_hook(self._enter)
        left = hooks.register_module_forward_hook(self._leave, always_call=True)
        try:
            yield
        finally:
            entered.remove()
            left.remove()

    def _enter(self, module: nn.Module, args: Any) -> None:
        # A module that is not registered in the model belongs to the one that calls it.
        self._stack.append(self._paths.get(module, self._stack[-1]))
        self._note()

    def _leave(self, module: nn.Module, args: Any, result: Any) -> None:
        self._stack.pop()
        self._note()

    def _note(self) -> None:
        self._numbers.append(torch.autograd._get_sequence_nr())  # type: ignore[attr-defined]
        self._innermost.append(self._stack[-1])
