"""Hooks on somebody's module: which belong to the network, and which are the caller's and must not be run.

A hook of torch's own (weight norm, pruning, lazy layers) or of a module of the network is part of what it computes. Any
other may write into what the caller holds, so that no copy runs it.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

REGISTRIES = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
"""Where a module keeps what runs with its passes. Source: torch.nn.Module.__init__."""


@dataclass(frozen=True, slots=True)
class CallerHook:
    """A hook of the caller's: where it is registered, its name, and whether it returns nothing, whatever happens.

    One that returns something may put it in place of what the module computes.
    """

    registry: str
    key: int
    name: str
    returns_nothing: bool


def foreign_hooks(module: nn.Module) -> Iterator[tuple[str, CallerHook]]:
    """Yield the path of each module with a hook of the caller's, and the hook."""
    parts = dict(module.named_modules())
    inside = set(map(id, parts.values()))
    for path, part in parts.items():
        for registry in REGISTRIES:
            hooks: Mapping[int, Any] = vars(part).get(registry) or {}
            for key, hook in hooks.items():
                if not _belongs(hook, inside):
                    yield path, CallerHook(registry, key, _name(hook), _returns_nothing(hook))


def tensor_hooks(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the parameters that have hooks on their gradients."""
    return tuple(name for name, parameter in module.named_parameters() if parameter._backward_hooks)


def _belongs(hook: Any, inside: set[int]) -> bool:
    owner = getattr(hook, "__self__", None)
    if owner is not None and id(owner) in inside:
        return True
    classes = type(hook).__mro__ if not hasattr(hook, "__code__") and not hasattr(hook, "__func__") else ()
    places = (getattr(hook, "__module__", ""), *(base.__module__ for base in classes))
    return any(str(place).partition(".")[0] == "torch" for place in places)


def _name(hook: Any) -> str:
    return str(getattr(hook, "__qualname__", type(hook).__qualname__))


def _returns_nothing(hook: Any) -> bool:
    """Say whether every way out of a function returns None, as its bytecode says; False where that cannot be told."""
    while isinstance(hook, functools.partial):
        hook = hook.func
    code = getattr(getattr(hook, "__func__", hook), "__code__", None)
    if code is None:
        return False
    before = None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "RETURN_CONST" and instruction.argval is not None:
            return False
        if instruction.opname == "RETURN_VALUE":
            nothing = before is not None and before.opname == "LOAD_CONST" and before.argval is None
            if not nothing:
                return False
        before = instruction
    return True
