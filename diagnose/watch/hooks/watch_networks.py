"""Looks on at forward passes: which outermost network is called, in which mode, and which modules act by their mode."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_modules
from torch.nn.modules.batchnorm import _NormBase as NormBase
from torch.nn.modules.dropout import _DropoutNd as Dropout

from .course import Course

PATHS_BY_NAME = ("DropPath", "StochasticDepth")
"""Classes of modules that drop whole paths in train mode, whatever library they come from."""


def install(course: Course) -> None:
    """Put the hooks in."""
    networks = _Networks(course)
    torch_modules.register_module_forward_pre_hook(networks.before)
    torch_modules.register_module_forward_hook(networks.after, always_call=True)


class _Networks:
    """The outermost modules with parameters that were called, and how deep in one the script stands."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.depth = 0
        self.thread = threading.get_ident()
        self.sensitive: dict[type, bool] = {}
        self.numbers: weakref.WeakKeyDictionary[nn.Module, int] = weakref.WeakKeyDictionary()
        self.enter = course.guarded(self._enter, "networks")
        self.note_mode = course.guarded(self._note_mode, "modes")
        self.precisions: set[str] = set()
        self.preprocessors: weakref.WeakSet[nn.Module] = weakref.WeakSet()

    def before(self, module: nn.Module, inputs: Any) -> None:
        """Note a module that is called."""
        if torch.compiler.is_compiling() or threading.get_ident() != self.thread:
            return
        if self.depth == 0:
            self.enter(module)
        self.depth += 1
        kind = type(module)
        if kind not in self.sensitive:
            self.sensitive[kind] = issubclass(kind, NormBase | Dropout) or kind.__name__ in PATHS_BY_NAME
        if self.sensitive[kind]:
            self.note_mode(module, kind.__name__)

    def after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """Note that a module's call is over, also by an error."""
        if not torch.compiler.is_compiling() and threading.get_ident() == self.thread:
            self.depth = max(self.depth - 1, 0)

    def _note_mode(self, module: nn.Module, name: str) -> None:
        if isinstance(module, NormBase) and not module.track_running_stats:
            return  # such a norm uses the batch's own statistics in both modes
        if isinstance(module, Dropout) and module.p == 0:
            return
        if name in PATHS_BY_NAME and not _drops(module):
            return
        grad = "grad" if torch.is_grad_enabled() else "no_grad"
        counts = self.course.current.modes.setdefault(f"{name}/{grad}", [0, 0])
        counts[0 if module.training else 1] += 1

    def _enter(self, module: nn.Module) -> None:
        if module not in self.numbers:
            if next(module.parameters(), None) is None:
                self._note_preprocessor(module)
                return
            self.numbers[module] = len(self.course.networks) + 1
            self.course.networks.append(weakref.ref(module))
            self._describe(module, self.numbers[module])
        number, going = self.numbers[module], self.course.current
        if number not in going.networks:
            going.networks.append(number)
        mode = "train" if module.training else "eval"
        grad = "grad" if torch.is_grad_enabled() else "no_grad"
        key = f"{mode}/{grad}"
        going.forwards[key] = going.forwards.get(key, 0) + 1
        if module.training and torch.is_grad_enabled():
            self._note_precision(module)

    def _note_preprocessor(self, module: nn.Module) -> None:
        """Write down the mean and the standard deviation by which a preprocessor without parameters normalises."""
        if module in self.preprocessors or not hasattr(module, "_enable_normalize"):
            return
        self.preprocessors.add(module)
        enabled = bool(module._enable_normalize)
        values = {key: getattr(module, key).flatten().tolist() for key in ("mean", "std") if enabled}
        self.course.log.write("preprocessor", name=type(module).__name__, enabled=enabled, **values)

    def _describe(self, module: nn.Module, number: int) -> None:
        parameters = list(module.parameters())
        self.course.log.write(
            "network",
            number=number,
            name=f"{type(module).__module__}.{type(module).__qualname__}",
            parameters=sum(map(size_of, parameters)),
            trainable=sum(size_of(p) for p in parameters if p.requires_grad),
            tensors=len(parameters),
            type=str(parameters[0].dtype),
            device=str(parameters[0].device.type),
        )

    def _note_precision(self, module: nn.Module) -> None:
        device = next(module.parameters()).device.type
        kind = str(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else "none"
        if kind not in self.precisions:
            self.precisions.add(kind)
            self.course.log.write("autocast", type=kind, device=device)


def size_of(parameter: torch.Tensor) -> int:
    """Return the numbers in a parameter; one of a lazy module has none before the first forward pass."""
    return 0 if nn.parameter.is_lazy(parameter) else parameter.numel()


def _drops(module: nn.Module) -> bool:
    """Say whether a module that drops paths has a probability above 0."""
    values = (getattr(module, name, None) for name in ("drop_prob", "p"))
    return any(isinstance(value, int | float) and value > 0 for value in values)


def network_parameters(course: Course) -> Iterator[tuple[int, str, nn.Module, nn.Parameter]]:
    """Yield every parameter of the networks seen: network number, full name, the module that owns it, the parameter."""
    for number, reference in enumerate(course.networks, start=1):
        network = reference()
        if network is None:
            continue
        for prefix, module in network.named_modules():
            for name, parameter in module.named_parameters(recurse=False):
                yield number, f"{prefix}.{name}" if prefix else name, module, parameter
