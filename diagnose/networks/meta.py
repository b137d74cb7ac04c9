"""Building without weights: parameters on the meta device have a shape and no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

ALLOCATING = frozenset({torch.empty, torch.zeros, torch.ones, torch.randn, torch.rand, torch.full})
"""The calls that allocate weights. `arange`, `linspace` and `tensor` stay real: constructors read their values
(`torch.linspace(0, rate, depth)[i].item()` in stochastic depth), which is why `torch.device("meta")` fails there."""


class WithoutWeights(TorchFunctionMode):
    """Within this context, the tensors that `ALLOCATING` returns stand on the meta device."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Redirect one call."""
        options = dict(kwargs or {})
        if func in ALLOCATING and options.get("out") is None:
            options["device"] = "meta"
            options.pop("generator", None)  # no number is drawn, and a CPU generator is refused
            options.pop("pin_memory", None)
        return func(*args, **options)


def to_meta(module: nn.Module) -> nn.Module:
    """Move what is still real in `module` to the meta device, in place, and return it.

    Ties stay: a parameter registered twice stays one object (`Module.to("meta")` makes two of it), and tensors that
    share their memory go on sharing it. Buffers keep their persistence, parameters their `requires_grad` and their
    attributes. Lazy parameters, which have no shape yet, stay as they are.
    """
    moved: dict[int, Tensor] = {}
    storages: dict[int, torch.UntypedStorage] = {}
    for part in module.modules():
        registered: tuple[dict[str, Any], ...] = (part._parameters, part._buffers)
        for tensors in registered:
            for name, tensor in tensors.items():
                if tensor is not None and not tensor.is_meta and not is_lazy(tensor):
                    tensors[name] = _moved(tensor, moved, storages)
        for name, value in vars(part).items():
            # A plain tensor attribute would meet meta activations in the forward pass. A scalar may stay: it mixes
            # with any device, and the forward pass may read it.
            if isinstance(value, Tensor) and value.ndim > 0 and not value.is_meta:
                part.__dict__[name] = _moved(value, moved, storages)
        if isinstance(part, nn.RNNBase):
            part._init_flat_weights()
    return module


def _moved(tensor: Tensor, moved: dict[int, Tensor], storages: dict[int, torch.UntypedStorage]) -> Tensor:
    """Return the meta twin of a tensor, the same one for the same object."""
    if id(tensor) not in moved:
        moved[id(tensor)] = meta_twin(tensor, storages)
    return moved[id(tensor)]


def meta_twin(tensor: Tensor, storages: dict[int, torch.UntypedStorage]) -> Tensor:
    """Return a tensor without values: same shape, strides, kind and attributes; what shared memory shares it again."""
    plain = tensor.detach()
    if plain.layout == torch.strided and not plain.is_quantized:
        storage = plain.untyped_storage()
        if storage._cdata not in storages:
            nothing = torch.empty(storage.nbytes(), dtype=torch.uint8, device="meta")
            storages[storage._cdata] = nothing.untyped_storage()
        twin = torch.empty(0, dtype=plain.dtype, device="meta")
        twin.set_(storages[storage._cdata], plain.storage_offset(), plain.shape, plain.stride())
    else:
        twin = plain.to("meta")
    if isinstance(tensor, nn.Parameter):
        twin = nn.Parameter(twin, requires_grad=tensor.requires_grad)
    else:
        twin.requires_grad_(tensor.requires_grad)
    twin.__dict__.update(tensor.__dict__)
    return twin
