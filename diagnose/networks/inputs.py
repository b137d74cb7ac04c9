"""The inputs of a forward pass: what the user asked for, else what the model's source says, else what is tried.

An input is `[NAME=]SHAPE[:TYPE]`. Without a name it is positional. With one it is a keyword argument; a name with dots
is an entry of a dictionary, or of a list where it is a number: `batch.mask=1x128:bool`, `images.0=3x224x224`. Where
the first part is a number, too, it is the place of a positional argument that holds others: `0.mask=1x128:bool`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from keyword import iskeyword
from math import prod
from typing import TYPE_CHECKING, Any

from diagnose.errors import CannotRun, DiagnoseError, UsageError
from diagnose.values import InputSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

_INPUT = re.compile(r"(?P<shape>\d{1,9}(?:x\d{1,9})*)(?::(?P<dtype>\w+))?", re.ASCII)
_NAME = re.compile(r"(?:[^\W\d]\w*|\d{1,3}\.\w+)(\.\w+)*")
_LONGEST_NAME = 200
_MOST_SIZES = 16
_MOST_ENTRIES = 10**15
_DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
_TOKENS = InputSpec((1, 16), "int64")
_FORMS = (
    "Write sizes joined by x, the batch first, an element type where it is not a float, and the name of an argument "
    "that is a keyword: 1x3x32x32, 1x128:int64, mask=1x128:bool, or batch.mask=1x128:bool for an entry of a dictionary"
)


def parse_inputs(texts: Sequence[str]) -> tuple[InputSpec, ...]:
    """Parse the inputs of one call; raise DiagnoseError where one cannot be read or two claim the same place."""
    specs = tuple(map(parse_input, texts))
    places: dict[str, str] = {}
    for spec in filter(lambda spec: spec.name, specs):
        parts = spec.name.split(".")
        for length in range(1, len(parts) + 1):
            place = ".".join(parts[:length])
            kind = "tensor" if length == len(parts) else "list" if parts[length].isdecimal() else "dictionary"
            if kind == "tensor" and place in places:
                raise _refused(f"the input {place!r} is given twice, or as a tensor and as what holds tensors")
            if places.setdefault(place, kind) != kind:
                raise _refused(f"the input {place!r} is asked to be a {places[place]} and a {kind}")
    for place in (place for place, kind in places.items() if kind == "list"):
        entries = {
            inner_place.split(".")[place.count(".") + 1]
            for inner_place in places
            if inner_place.startswith(f"{place}.")
        }
        if entries != set(map(str, range(len(entries)))):
            raise _refused(f"the entries of the list {place!r} are not numbered 0, 1, 2 and so on")
    return specs


def parse_input(text: str) -> InputSpec:
    """Parse "1x3x32x32", "1x128:int64" or "mask=1x128:bool"; raise DiagnoseError with the right form otherwise."""
    name, equals, rest = text.strip().rpartition("=")
    match = _INPUT.fullmatch(rest.strip())
    if match is None:
        raise _refused(f"cannot read the input {text[:_LONGEST_NAME]!r}")
    name = name.strip()
    if equals and (not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or iskeyword(name.split(".")[0])):
        raise _refused(f"{name!r} in the input {text!r} is no name of an argument")
    dtype = match["dtype"] or "float32"
    if dtype not in _DTYPES:
        raise UsageError(
            f"unknown element type {dtype!r} in the input {text!r}",
            hint=f"Known are {', '.join(_DTYPES)}.",
        )
    shape = tuple(int(size) for size in match["shape"].split("x"))
    if 0 in shape:
        raise UsageError(f"the input {text!r} has a size of 0", hint="Every size is at least 1.")
    if len(shape) > _MOST_SIZES or prod(shape) > _MOST_ENTRIES:
        raise UsageError(
            f"the input {text[:_LONGEST_NAME]!r} is too large",
            hint=f"It may have {_MOST_SIZES} sizes, and {_MOST_ENTRIES:,} entries in all.",
        )
    return InputSpec(shape, dtype, name)


def _refused(message: str) -> DiagnoseError:
    return UsageError(message, hint=_FORMS)


def candidates(
    model: nn.Module, shapes: Sequence[tuple[int, ...]], asked: Sequence[InputSpec]
) -> tuple[tuple[InputSpec, ...], ...]:
    """Return the inputs to try, in order: those asked for alone, else the source's shapes, else integer tokens.

    A model with an embedding table is fed integer tokens, too: first where its source names no shape of its own.
    """
    from torch import nn

    if asked:
        return (tuple(asked),)
    images = tuple((InputSpec(shape, element_type(model)),) for shape in shapes)
    if not any(isinstance(module, nn.Embedding) for module in model.modules()):
        return images
    return ((_TOKENS,), *images)


def element_type(model: nn.Module) -> str:
    """Return the element type of a model's first weight of floats, which is what its images have: "float32"."""
    floats = (str(weight.dtype) for weight in model.parameters() if weight.is_floating_point())
    found = next(floats, "float32").removeprefix("torch.")
    return found if found in _DTYPES else "float32"


def tensors(inputs: Sequence[InputSpec], device: str = "meta") -> tuple[Tensor, ...]:
    """Return one tensor per input on `device`; their values are unset (meta) or zero.

    Where an input has a name, the model they are given to must be `with_named_inputs` them.
    """
    import torch

    return tuple(torch.zeros(spec.shape, dtype=getattr(torch, spec.dtype), device=device) for spec in inputs)


def with_named_inputs(model: nn.Module, inputs: Sequence[InputSpec]) -> nn.Module:
    """Let a model take its inputs in order, one tensor each, and give them to its own forward by their names.

    So whatever runs a model, another tool too, needs to know of positions only. The model gets a class of its own,
    derived from the one it has; it is changed in place and returned. Without names it stays as it is.
    """
    if not any(spec.name for spec in inputs) or _TAKEN in vars(type(model)):
        return model
    own = type(model)
    if "forward" in vars(model):
        raise CannotRun(
            f"an object of {own.__name__} with a forward of its own takes no inputs by name",
            hint="Give them in order, without names.",
        )
    names = tuple(spec.name for spec in inputs)

    def forward(self: nn.Module, *given: Any) -> Any:
        args, kwargs = _arguments(names, given)
        return own.forward(self, *args, **kwargs)

    model.__class__ = type(own.__name__, (own,), {"forward": forward, "__module__": own.__module__, _TAKEN: names})
    return model


_TAKEN = "_diagnose_names"


def _arguments(names: Sequence[str], given: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and the keyword arguments that the named tensors make."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, tensor in zip(names, given, strict=True):
        if not name:
            positional.append(tensor)
            continue
        *holders, last = name.split(".")
        held = named
        for part in holders:
            held = held.setdefault(part, {})
        held[last] = tensor
    for place in sorted(filter(str.isdecimal, named), key=int):
        positional.insert(int(place), _listed(named.pop(place)))
    return positional, {name: _listed(value) for name, value in named.items()}


def _listed(value: Any) -> Any:
    """Turn a dictionary of numbers into the list it stands for."""
    if not isinstance(value, dict):
        return value
    entries = {key: _listed(entry) for key, entry in value.items()}
    if not all(key.isdecimal() for key in entries):
        return entries
    return [entries[key] for key in sorted(entries, key=int)]
