"""What training makes of each parameter and buffer of a network: it is trained, changed by forward passes, or fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

import torch
from torch import Tensor, nn

from diagnose.diff.proof.random_weights import ProofArithmetic, samples, state_of
from diagnose.networks.process_state import attributes_kept, in_mode
from diagnose.values import InputSpec


class StateKind(StrEnum):
    """Who writes a tensor of a network's state: the optimiser, a forward pass, or nobody."""

    TRAINED = "trained"
    CHANGED = "changed"
    FROZEN = "frozen"
    FIXED = "fixed"


def state_kinds(module: nn.Module, inputs: Sequence[InputSpec]) -> dict[str, StateKind]:
    """Return the kind of every parameter, after `train()`, and of every buffer, after passes in both modes.

    A frozen parameter and a fixed buffer are constants of the function. A buffer whose pass cannot be run counts as
    changed: nothing is said of it.
    """
    with in_mode(module, training=True):
        kinds = {
            name: StateKind.TRAINED if tensor.requires_grad else StateKind.FROZEN
            for name, tensor in module.named_parameters(remove_duplicate=False)
        }
    statistics = _running_statistics(module)
    names = {name for name, _ in module.named_buffers(remove_duplicate=False)}
    changed = _changed_buffers(module, inputs) if names - statistics else set()
    for name in names:
        is_changed = changed is None or name in changed or name in statistics
        kinds[name] = StateKind.CHANGED if is_changed else StateKind.FIXED
    return kinds


def temporary_buffers(module: nn.Module) -> set[str]:
    """Return the names of the buffers that no checkpoint holds."""
    return {
        f"{path}.{name}".lstrip(".")
        for path, part in module.named_modules(remove_duplicate=False)
        for name in part._non_persistent_buffers_set
    }


def _running_statistics(module: nn.Module) -> set[str]:
    """Return the buffers of torch's norms, which their forward pass changes."""
    return {
        f"{path}.{name}".lstrip(".")
        for path, part in module.named_modules(remove_duplicate=False)
        if isinstance(part, nn.modules.batchnorm._NormBase)
        for name, buffer in part._buffers.items()
        if buffer is not None
    }


def constants_of(kinds: dict[str, StateKind]) -> set[str]:
    """Return the names of what is a constant of the function."""
    return {name for name, kind in kinds.items() if kind in (StateKind.FROZEN, StateKind.FIXED)}


def _changed_buffers(module: nn.Module, inputs: Sequence[InputSpec]) -> set[str] | None:
    """Return the buffers that a forward pass writes, in either mode; None where none could be run."""
    drawn = samples(inputs, torch.Generator().manual_seed(17), torch.float64)
    parts = [_changed_in_mode(module, drawn, training=training) for training in (True, False)]
    ran = [part for part in parts if part is not None]
    return set().union(*ran) if ran else None


def _changed_in_mode(module: nn.Module, drawn: tuple[Tensor, ...], *, training: bool) -> set[str] | None:
    before = _buffers(module)
    held = {name: tensor.clone() for name, tensor in before.items()}
    with _registered_buffers_kept(module), in_mode(module, training=training), attributes_kept(module):
        try:
            with torch.no_grad(), ProofArithmetic():  # type: ignore[no-untyped-call]
                module(*(tensor.clone() for tensor in drawn))
        except Exception:  # a forward pass raises anything; the proof says what cannot be run
            return None
        finally:
            after = _buffers(module)
            changed = {name for name, tensor in held.items() if not _same(after.get(name), tensor)}
            with torch.no_grad():
                for name in changed & {name for name in held if before[name].shape == held[name].shape}:
                    before[name].copy_(held[name])
    return changed


def _buffers(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state_of(module).items() if not isinstance(tensor, nn.Parameter)}


def _same(a: Tensor | None, b: Tensor) -> bool:
    if a is None or a.shape != b.shape:
        return False
    return bool(((a == b) | ((a != a) & (b != b))).all())


@contextmanager
def _registered_buffers_kept(module: nn.Module) -> Iterator[None]:
    """Put back the buffers that a forward pass replaces."""
    held = [(part, dict(part._buffers)) for part in module.modules()]
    try:
        yield
    finally:
        for part, buffers in held:
            part._buffers.clear()
            part._buffers.update(buffers)
