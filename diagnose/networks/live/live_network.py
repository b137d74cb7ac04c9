"""Modules that are there already: each is worked on as a private copy, and stays as it is.

A wrapper that changes nothing of what is computed is taken off, also inside. A copy on the meta device allocates
nothing; one with weights takes their memory once more, on the CPU and, for floats of half precision, in float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from diagnose.errors import CannotRun, UsageError
from diagnose.networks.live.live_hooks import foreign_hooks, tensor_hooks
from diagnose.networks.origins.origin import ModelFactory, Shapes
from diagnose.values import ModelRef, Skipped

if TYPE_CHECKING:
    from torch import Tensor, nn

SOURCE = "live"

SHAPES: Shapes = ((1, 3, 224, 224), (1, 3, 32, 32))
"""What is tried where no inputs are given: ImageNet's and CIFAR's."""

WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "CheckpointWrapper": "_checkpoint_wrapped_module",
}
"""torch's wrappers that compute what they hold, and the attribute under which they hold it."""

SHARDED = ("FullyShardedDataParallel", "FSDPModule", "DeepSpeedEngine")
"""Wrappers that spread one tensor over processes; this one has parts of the weights alone."""


def live(module: nn.Module, name: str = "") -> ModelRef:
    """Return a module as a MODEL; `name` is what it is called in reports, else its class."""
    inner = unwrapped(module)
    return ModelRef(name or type(inner).__name__, SOURCE, type(inner).__qualname__, (("module", inner),))


def unwrapped(module: nn.Module) -> nn.Module:
    """Return what a wrapper of `WRAPPERS` holds, through all of them; any other module as it is."""
    while attribute := _attribute(module):
        module = getattr(module, attribute)
    return module


def _attribute(module: nn.Module) -> str:
    classes = (base for base in type(module).__mro__ if base.__module__.partition(".")[0] == "torch")
    return next((WRAPPERS[base.__name__] for base in classes if base.__name__ in WRAPPERS), "")


class Live:
    """The module that is its own argument."""

    def names(self) -> tuple[str, ...]:
        """Return nothing: no text names such a module."""
        return ()

    def prepare(self, ref: ModelRef, *, pretrained: bool) -> ModelFactory:
        """Check that the module can be copied; a copy is made as often as the model is built."""
        from diagnose.networks.live.private_copy import copied

        module: nn.Module = dict(ref.kwargs)["module"]
        if pretrained:
            raise UsageError(f"{ref.text} has the weights that it has.")
        _check(ref.text, module)
        return ModelFactory(
            partial(copied, module, ref.text, weights=True),
            "a module of yours",
            lambda copy: SHAPES,
            bare=partial(copied, module, ref.text, weights=False),
            skipped=lambda allocate: tuple(_skipped(ref.text, module, allocate=allocate)),
        )


ORIGIN = Live()


def _check(name: str, module: nn.Module) -> None:
    """Raise DiagnoseError where a module cannot be copied as what it is."""
    import torch

    for path, part in module.named_modules():
        where = f"{name}.{path}" if path else name
        if any(base.__name__ in SHARDED for base in type(part).__mro__):
            raise CannotRun(
                f"{where} is sharded by {type(part).__name__}: this process has a part of its weights alone.",
                hint="Take the module before it is wrapped, or a MODEL text that builds it.",
            )
        if isinstance(part, torch.jit.ScriptModule):
            raise CannotRun(f"{where} is a TorchScript module.", hint="Take the module that it was made of.")
        own = vars(part).get("forward")
        if own is not None and _reaches_out(own):
            raise CannotRun(
                f"{where} has a forward of its own, {getattr(own, '__qualname__', own)}, that holds other modules or "
                "tensors: a copy of it would run the original.",
                hint="Take the module before its forward is replaced, or a MODEL text that builds it.",
            )
    for path, tensor in _state(module):
        if any(base.__name__ == "DTensor" for base in type(tensor).__mro__):
            raise CannotRun(
                f"{name} has the sharded tensor {path}.", hint="Take the module before its weights are distributed."
            )


def _reaches_out(function: object) -> bool:
    """Say whether a plain function closes over a module or a tensor, which no copy of it would replace."""
    import torch

    cells = getattr(function, "__closure__", None) or ()
    if getattr(function, "__self__", None) is not None:
        return False  # a bound method is copied with its object
    held = [cell.cell_contents for cell in cells if _is_filled(cell)]
    held += [getattr(holder, "__self__", None) for holder in held]
    return any(isinstance(holder, (torch.nn.Module, torch.Tensor)) for holder in held)


def _is_filled(cell: object) -> bool:
    return hasattr(cell, "cell_contents")


def _state(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _skipped(name: str, module: nn.Module, *, allocate: bool) -> Iterator[Skipped]:
    """Yield what a private copy leaves out, or does otherwise than the module would."""
    from diagnose.networks.live.private_copy import element_type, is_double

    for where, hook in foreign_hooks(module):
        yield Skipped(
            f"the hook {hook.name} on {_of(name, where)}", "your hooks are not run; what they change is not seen"
        )
    hooked = tensor_hooks(module)
    if hooked:
        yield Skipped(f"hooks on gradients of {name}: {_listed(hooked)}", "your hooks are not run")
    if not allocate:
        return
    tensors = [tensor for _, tensor in _state(module)]
    devices = sorted({str(tensor.device) for tensor in tensors} - {"cpu"})
    double = is_double(module)
    kinds = {tensor.dtype for tensor in tensors if element_type(tensor, double=double) != tensor.dtype}
    changed = sorted(str(kind).removeprefix("torch.") for kind in kinds)
    if devices:
        yield Skipped(f"{name} on {_listed(devices)}", "a copy on the CPU was compared; rounding on the device was not")
    if changed:
        yield Skipped(f"{name} in {_listed(changed)}", "a copy in float32 was compared; rounding is not part of it")


def _of(name: str, path: str) -> str:
    return f"{name}.{path}" if path else name


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
