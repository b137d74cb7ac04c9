"""The parameter table of a model: every tensor with its place, its kind, and whether the forward pass reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from diagnose.networks.anatomy import ITSELF, PARAMETRIZED, Anatomy, anatomy, kind_of
from diagnose.params.usage import read_by_forward, storage_key
from diagnose.values import BufferRow, InputSpec, ParamRow, ParamTable, Skipped


def count_parameters(model: nn.Module, candidates: Sequence[tuple[InputSpec, ...]] = ()) -> ParamTable:
    """Return the table of a model on the meta device; `candidates` are the inputs to try for a forward pass.

    A tensor registered under several paths is one tied parameter, counted at the first. A lazy layer takes its shape
    from the forward pass; one that stays without a shape is listed as skipped and counts nothing.
    """
    usage = read_by_forward(model, candidates)
    read, inputs = (None, None) if isinstance(usage, Skipped) else usage
    places = anatomy(model)
    rows, buffers, skipped = [], [], [usage] if isinstance(usage, Skipped) else []
    skipped += _packed(model)
    first_path: dict[int, str] = {}
    for path, owner, name, parameter in _owned(model, "_parameters"):
        if is_lazy(parameter):
            skipped.append(Skipped(f"parameter {path}", "a lazy layer takes its shape from a forward pass; none ran"))
            continue
        tied_to = first_path.setdefault(id(parameter), path)
        rows.append(
            ParamRow(
                path=path,
                kind=_kind(model, path, owner, name, parameter),
                shape=tuple(parameter.shape),
                parameters=parameter.numel() if tied_to == path else 0,
                place=places.place(path),
                trainable=parameter.requires_grad,
                tied_to=None if tied_to == path else tied_to,
                used=None if read is None else storage_key(parameter) in read,
            )
        )
    for path, owner, name, buffer in _owned(model, "_buffers"):
        if not is_lazy(buffer) and first_path.setdefault(id(buffer), path) == path:
            buffers.append(_buffer_row(path, owner, name, buffer, places))
    return ParamTable(tuple(rows), tuple(buffers), inputs, tuple(skipped))


def _kind(model: nn.Module, path: str, owner: nn.Module, name: str, parameter: Tensor) -> str:
    """Return the kind of layer of a parameter; what a weight is computed from belongs to the layer of that weight."""
    layer, parametrized, _ = path.rpartition(_PARAMETRIZATIONS)
    if not parametrized and not path.startswith(_PARAMETRIZATIONS[1:]):
        return kind_of(owner, name, parameter)
    return kind_of(model.get_submodule(layer), name, parameter) + PARAMETRIZED


_PARAMETRIZATIONS = ".parametrizations."
"""What stands between a layer's path and the parametrization of its weight. Source: torch.nn.utils.parametrize."""


def _packed(model: nn.Module) -> Iterator[Skipped]:
    """Yield what quantized layers hold in objects of their own, which are neither parameters nor buffers."""
    held = {
        path.removesuffix("._packed_params"): value.unpack()
        for path, module in model.named_modules()
        for value in vars(module).values()
        if isinstance(value, torch.ScriptObject) and hasattr(value, "unpack")
    }
    if held:
        elements = sum(tensor.numel() for parts in held.values() for tensor in parts if isinstance(tensor, Tensor))
        places = ", ".join(path or ITSELF for path in held)
        yield Skipped(
            f"weights of quantized layers: {places}",
            f"they are packed into objects, {elements:,} weights and biases, and stand among no parameters",
        )


def _owned(model: nn.Module, registry: str) -> Iterator[tuple[str, nn.Module, str, Tensor]]:
    """Yield path, owner, local name and tensor of each entry; a shared module's tensors under each of its paths."""
    for prefix, owner in model.named_modules(remove_duplicate=False):
        for name, tensor in getattr(owner, registry).items():
            if tensor is not None:
                yield f"{prefix}.{name}" if prefix else name, owner, name, tensor


def _buffer_row(path: str, owner: nn.Module, name: str, buffer: Tensor, places: Anatomy) -> BufferRow:
    return BufferRow(
        path=path,
        kind=kind_of(owner, name, buffer),
        shape=tuple(buffer.shape),
        elements=buffer.numel(),
        place=places.place(path),
        persistent=name not in owner._non_persistent_buffers_set,
        floating=buffer.is_floating_point(),
    )
