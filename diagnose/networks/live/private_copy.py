"""Copies of a module in which nothing is the original's: tensors become twins, wrappers and the caller's hooks go.

`copy.deepcopy` does the rest; what it shall put for an object is given to it beforehand.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from diagnose.errors import CannotRun, in_one_line
from diagnose.networks.live.live_hooks import foreign_hooks
from diagnose.networks.live.live_network import unwrapped
from diagnose.networks.meta import meta_twin

HALVES = (torch.float16, torch.bfloat16)

PLAIN = (Tensor, nn.Parameter, nn.Buffer)
"""The classes of tensors that twins are made of; a subclass copies itself."""


def copied(module: nn.Module, name: str, *, weights: bool) -> nn.Module:
    """Return a private copy of a module: on the CPU with its weights, or on the meta device without.

    Raises:
        DiagnoseError: a hook of the caller's may change what is computed, values are missing, or something that the
            module holds cannot be copied (exit code 3).
    """
    if weights:
        _check(module, name)
    memo: dict[int, Any] = {}
    tensors = list(_tensors(module))
    make = _on_cpu(double=is_double(module)) if weights else _on_meta(module)
    for tensor in tensors:
        memo[id(tensor)] = make(tensor)
    try:
        _leave_hooks(module, memo)
        for part in module.modules():
            if unwrapped(part) is not part:
                memo[id(part)] = copy.deepcopy(unwrapped(part), memo)
        return copy.deepcopy(module, memo)
    except Exception as error:  # whatever an object of the caller's raises when it is copied
        raise CannotRun(
            f"{name} cannot be copied: {in_one_line(error)[:200]}",
            hint="Give a MODEL text that builds it anew: path/to/file.py:factory.",
        ) from error


def element_type(tensor: Tensor, *, double: bool) -> torch.dtype:
    """Return the element type of a twin on the CPU: float32 for half precision, and for a network that is `double`."""
    return torch.float32 if tensor.dtype in HALVES or (double and tensor.dtype == torch.float64) else tensor.dtype


def is_double(module: nn.Module) -> bool:
    """Say whether a network computes in float64: all its parameters of floats are."""
    floats = {parameter.dtype for parameter in module.parameters() if parameter.is_floating_point()}
    return floats == {torch.float64}


def _check(module: nn.Module, name: str) -> None:
    for path, hook in foreign_hooks(module):
        if not hook.returns_nothing:
            raise CannotRun(
                f"The hook {hook.name} on {f'{name}.{path}' if path else name} may change what the network computes, "
                "and no copy can run it without writing into what is yours.",
                hint="Remove it, or make it a module of the network. A hook that returns nothing is left out.",
            )
    for path, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(tensor):
            raise CannotRun(f"{name} has the lazy parameter {path}.", hint="Run the network once beforehand.")
        if tensor.is_meta:
            raise CannotRun(
                f"{name} has no values: {path} is on the meta device.", hint="Give a MODEL text that builds it."
            )


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    """Yield the plain tensors that a module holds, once each: registered, or in attributes, lists and dictionaries."""
    seen: set[int] = set()
    left: list[Any] = [module]
    while left:
        item = left.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Tensor):
            if type(item) in PLAIN and not is_lazy(item):
                yield item
        elif isinstance(item, nn.Module):
            left += vars(item).values()
        elif isinstance(item, dict):
            left += item.values()
        elif isinstance(item, (list, tuple, set)):
            left += item


def _on_meta(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return what makes a tensor's twin without values; an attribute that is one number keeps its value."""
    storages: dict[int, torch.UntypedStorage] = {}
    registered = set(map(id, (*module.parameters(), *module.buffers())))

    def twin(tensor: Tensor) -> Tensor:
        is_number = tensor.ndim == 0 and id(tensor) not in registered and not tensor.is_meta
        return tensor.detach().clone() if is_number else meta_twin(tensor, storages)

    return twin


def _on_cpu(*, double: bool) -> Callable[[Tensor], Tensor]:
    """Return what makes a tensor's twin on the CPU; those that share memory share it again."""
    flats: dict[tuple[int, torch.dtype], Tensor] = {}

    def twin(tensor: Tensor) -> Tensor:
        plain, dtype = tensor.detach(), element_type(tensor, double=double)
        if plain.layout != torch.strided or plain.is_quantized or plain.is_conj() or plain.is_neg():
            made = plain.to("cpu", dtype, copy=True)
        else:
            storage = plain.untyped_storage()
            key = storage._cdata, plain.dtype
            if key not in flats:
                whole = torch.empty(0, dtype=plain.dtype, device=plain.device).set_(storage)
                flats[key] = whole.to("cpu", dtype, copy=True)
            made = torch.empty(0, dtype=dtype)
            made.set_(flats[key].untyped_storage(), plain.storage_offset(), plain.shape, plain.stride())
        if isinstance(tensor, nn.Parameter):
            made = nn.Parameter(made, requires_grad=tensor.requires_grad)
        elif tensor.is_leaf:
            made.requires_grad_(tensor.requires_grad)
        made.__dict__.update(vars(tensor))
        return made

    return twin


def _leave_hooks(module: nn.Module, memo: dict[int, Any]) -> None:
    """Let the copy have the network's own hooks alone."""
    left: dict[int, tuple[dict[int, Any], set[int]]] = {}
    parts = dict(module.named_modules())
    for path, hook in foreign_hooks(module):
        registry = vars(parts[path])[hook.registry]
        left.setdefault(id(registry), (registry, set()))[1].add(hook.key)
    for number, (_, _) in left.items():
        memo[number] = OrderedDict()
    for number, (registry, keys) in left.items():
        memo[number].update((key, copy.deepcopy(hook, memo)) for key, hook in registry.items() if key not in keys)
