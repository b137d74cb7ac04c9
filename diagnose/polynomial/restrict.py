"""A network and its blocks restricted to a line, with random weights; and its ReLUs frozen at one input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from diagnose.polynomial.degree import Line

SEED = 0


def randomise(model: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights and running statistics, so that no zero-initialised norm hides a term; float64, eval mode."""
    model.double().eval()
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if not tensor.is_floating_point():
            continue
        drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            drawn = 1 + 0.25 * torch.tanh(drawn)  # a scale of about 1, and no variance near zero
        elif tensor.ndim > 1:
            drawn = drawn / max(1, tensor[0].numel()) ** 0.5
        with torch.no_grad():
            tensor.copy_(drawn)


def straight(function: nn.Module, start: Tensor, generator: torch.Generator) -> Line:
    """Return t ↦ function(start + t·d) for a random direction d as long as `start`."""
    direction = torch.randn(start.shape, generator=generator, dtype=torch.float64)
    direction *= torch.linalg.vector_norm(start) / torch.linalg.vector_norm(direction)

    def line(t: float) -> Tensor:
        with torch.no_grad():
            output = function(start + t * direction)
        return first_tensor(output)

    return line


def first_tensor(output: Any) -> Tensor:
    """Return a module's output, or the first of several."""
    value = next(iter(output)) if isinstance(output, tuple | list) else output
    if not isinstance(value, Tensor):
        raise TypeError(f"its output is a {type(value).__name__}, not a tensor")
    return value


def inputs_of(model: nn.Module, paths: Sequence[str], x: Tensor) -> dict[str, Tensor]:
    """Return the input that each block gets in a pass over x; a block that takes more than one tensor is left out."""
    seen: dict[str, Tensor] = {}

    def keep(path: str, arguments: tuple[Any, ...]) -> None:
        if len(arguments) == 1 and isinstance(arguments[0], Tensor):
            seen.setdefault(path, arguments[0].detach().clone())

    hooks = [
        model.get_submodule(path).register_forward_pre_hook(lambda _, given, path=path: keep(path, given))
        for path in paths
    ]
    try:
        with torch.no_grad():
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


class NetworkPrefix(nn.Module):
    """A network up to where a block begins: what the block is given."""

    def __init__(self, model: nn.Module, path: str) -> None:
        super().__init__()
        self._model, self._path = model, path

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's input for the network's input x; what follows the block is not run."""
        hook = self._model.get_submodule(self._path).register_forward_pre_hook(_stop)
        try:
            self._model(x)
        except _BlockInput as reached:
            return reached.value
        finally:
            hook.remove()
        raise RuntimeError(f"{self._path} is never called")


class _BlockInput(Exception):  # noqa: N818 - no error: it ends a pass at the block it has reached
    """Carry a block's input out of a forward pass."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value


def _stop(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    raise _BlockInput(inputs[0])


def relus(module: nn.Module) -> tuple[nn.ReLU, ...]:
    """Return the ReLUs of a module."""
    return tuple(part for part in module.modules() if isinstance(part, nn.ReLU))


@contextmanager
def frozen(module: nn.Module, start: Tensor) -> Iterator[None]:
    """Fix each ReLU's mask to the one it has at `start`, for every input; restored at the end.

    What a network of ReLUs computes near `start` is what it computes with these masks.
    """
    gates = _Gates()
    found = relus(module)
    before = [relu.inplace for relu in found]
    hooks: list[Any] = [relu.register_forward_hook(gates.gate) for relu in found]
    for relu in found:
        relu.inplace = False
    try:
        with torch.no_grad():
            module(start)
        gates.recording = False
        hooks.append(module.register_forward_pre_hook(gates.restart))
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for relu, inplace in zip(found, before, strict=True):
            relu.inplace = inplace


class _Gates:
    """The masks of each call of each ReLU, in the order of the calls."""

    def __init__(self) -> None:
        self.recording = True
        self._masks: list[Tensor] = []
        self._next = 0

    def restart(self, _module: nn.Module, _inputs: Any) -> None:
        self._next = 0

    def gate(self, _module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if self.recording:
            self._masks.append(inputs[0] > 0)
            return output
        mask = self._masks[self._next]
        self._next += 1
        return inputs[0] * mask
