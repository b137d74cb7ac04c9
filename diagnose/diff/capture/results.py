"""What a forward pass gives: every tensor, number and text in what it returns, each with its place.

Dictionaries, lists, dataclasses, distributions and other objects are looked into. A place reads like Python: `.logits`
for a key or an attribute, `[0]` for a position, and nothing for a result that is itself a tensor.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

DEEPEST = 12
"""How deep objects within objects are looked into; what lies deeper cannot be compared, and is named."""

_PLAIN = (bool, int, float, complex, str, bytes, range, slice, torch.dtype, torch.device, torch.layout)


class Packing(enum.StrEnum):
    """How the results stand in what is returned: a tensor by itself, by position or by name."""

    ITSELF = "itself"
    POSITIONS = "positions"
    NAMES = "names"


@dataclass(slots=True)
class Results:
    """The results of one forward pass by their places, in the order in which they stand there.

    `values` are numbers and texts; `opaque` holds the class of what nothing can look into. `left` are single numbers
    that the pass left on a module; those that have a gradient are what a training adds to its loss.
    """

    packing: Packing = Packing.ITSELF
    tensors: dict[str, Tensor] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    opaque: dict[str, str] = field(default_factory=dict)
    left: dict[str, Tensor] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return len(self.tensors) + len(self.values) + len(self.opaque)

    @property
    def losses(self) -> dict[str, Tensor]:
        """Return what the pass left on a module and has a gradient."""
        return {place: value for place, value in self.left.items() if value.requires_grad}

    @property
    def signature(self) -> Signature:
        """Return the places of the tensors, without the tensors."""
        opaque = tuple(sorted(self.opaque.items()))
        return Signature(self.packing, tuple(self.tensors), tuple(self.losses), opaque, bool(self.values))


@dataclass(frozen=True, slots=True)
class Signature:
    """Where the tensors of a forward pass stand: in what it returns, and as losses that it left on its parts.

    `values` says that numbers or texts stand beside them.
    """

    packing: Packing = Packing.ITSELF
    places: tuple[str, ...] = ("",)
    losses: tuple[str, ...] = ()
    opaque: tuple[tuple[str, str], ...] = ()
    values: bool = False


def results_of(returned: object) -> Results:
    """Return every leaf of what a module returned."""
    results = Results(_packing(returned))
    _walk(results, "", returned, ())
    return results


def _packing(returned: object) -> Packing:
    if isinstance(returned, Tensor):
        return Packing.ITSELF
    named = not isinstance(returned, Sequence) or hasattr(returned, "_fields")
    return Packing.NAMES if named else Packing.POSITIONS


def _walk(results: Results, place: str, value: object, above: tuple[int, ...]) -> None:
    if value is None or id(value) in above:
        return
    if isinstance(value, Tensor):
        results.tensors[place] = value
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        results.tensors[place] = torch.from_numpy(np.ascontiguousarray(value))
    elif isinstance(value, enum.Enum):
        results.values[place] = value.name
    elif isinstance(value, np.generic):
        results.values[place] = value.item()
    elif isinstance(value, type):
        results.values[place] = value.__name__
    elif isinstance(value, _PLAIN):
        results.values[place] = value
    else:
        inside = None if len(above) > DEEPEST else _inside(value)
        if inside is None:
            results.opaque[place] = type(value).__name__
            return
        if isinstance(value, Distribution):
            results.values[f"{place}.distribution"] = type(value).__name__
        before = results.size
        for step, member in inside:
            _walk(results, f"{place}{step}", member, (*above, id(value)))
        if results.size == before and not isinstance(value, (Mapping, list, tuple)) and not is_dataclass(value):
            results.opaque[place] = type(value).__name__


def _inside(value: object) -> Iterable[tuple[str, object]] | None:
    """Return what a value holds, each with the step that leads to it; None where that cannot be told."""
    if isinstance(value, Mapping):
        return [(f".{key}" if isinstance(key, str) else f"[{key!r}]", member) for key, member in value.items()]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return [(f".{name}", member) for name, member in zip(value._fields, value, strict=True)]
    if isinstance(value, (list, tuple)):
        return [(f"[{index}]", member) for index, member in enumerate(value)]
    if isinstance(value, (nn.Module, set, frozenset)) or callable(value) or isinstance(value, Iterator):
        return None
    if isinstance(value, Distribution):
        names = dict.fromkeys((*sorted(value.arg_constraints), *(name for name in vars(value) if name[:1] != "_")))
        return [(f".{name}", getattr(value, name)) for name in names]
    held = _attributes(value)
    return [(f".{name}", member) for name, member in held.items()] if held else None


def _attributes(value: object) -> dict[str, object]:
    """Return the attributes of an object: the fields of a dataclass, its own ones, and those in slots."""
    names = [item.name for item in fields(value)] if is_dataclass(value) else []
    names += list(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        slots = vars(base).get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    return {name: getattr(value, name) for name in dict.fromkeys(names) if name[:2] != "__" and hasattr(value, name)}


@contextmanager
def flattened(module: nn.Module) -> Iterator[list[Results]]:
    """Let a module return the tuple of its tensors meanwhile, and yield a list that takes each pass's results.

    The tensors are those in what it returns, then the losses that it left on its parts.
    """
    seen: list[Results] = []
    before: set[int] = set()

    def enter(*_: object) -> None:
        before.clear()
        before.update(id(value) for _, value in _numbers_on(module))

    def leave(_module: nn.Module, _inputs: object, returned: object) -> tuple[Tensor, ...]:
        results = results_of(returned)
        results.left = {
            f"{place} (left on the module)": value for place, value in _numbers_on(module) if id(value) not in before
        }
        seen.append(results)
        return *results.tensors.values(), *results.losses.values()

    handles = [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _numbers_on(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Return the tensors of one floating number that parts of a module hold as plain attributes."""
    return [
        (f"{path}.{name}".lstrip("."), value)
        for path, part in module.named_modules()
        for name, value in vars(part).items()
        if isinstance(value, Tensor) and value.numel() == 1 and value.is_floating_point()
    ]


def run(module: nn.Module, tensors: tuple[Tensor, ...]) -> Results:
    """Run a module and return its results; its attributes are not put back."""
    with flattened(module) as seen:
        module(*tensors)
    return seen[-1]
