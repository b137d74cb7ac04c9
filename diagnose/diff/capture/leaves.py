"""The leaves of a graph: what is state (weights, running statistics) and what is a constant with a content."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from diagnose.diff.capture.tape import Tape, TapeEntry, meta_of

LEGIBLE = 16
"""The most elements of a constant that carries its values; a larger one carries their digest."""


def state_leaf(name: str, tensor: Tensor) -> TapeEntry:
    """Return the leaf of a parameter or of a buffer that a checkpoint or training fills."""
    kind = "parameter" if isinstance(tensor, nn.Parameter) else "buffer"
    return TapeEntry(None, leaf=kind, name=name, results=(meta_of(tensor),))


def constant_leaf(tensor: Tensor, tape: Tape, name: str = "") -> TapeEntry:
    """Return the leaf of a tensor whose values are part of the design; remember the tensor on the tape."""
    digest = _digest(tensor, name)
    tape.constants[digest] = tensor.detach()
    legible = tensor.numel() <= LEGIBLE and not tensor.is_meta
    values = tuple(tensor.detach().flatten().tolist()) if legible else digest
    attributes = (("values", values), ("digest", digest))
    return TapeEntry(None, leaf="constant", name=name, results=(meta_of(tensor),), attributes=attributes)


def is_state(module: nn.Module, name: str, tensor: Tensor, *, mutated: bool) -> bool:
    """Say whether a buffer is state: training changes it, or it is a floating one that a checkpoint holds."""
    if mutated:
        return True
    owner_path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(owner_path)
    return tensor.is_floating_point() and leaf not in owner._non_persistent_buffers_set


def _digest(tensor: Tensor, name: str) -> str:
    if tensor.is_meta:
        return f"without values: {name}"
    content = tensor.detach().cpu().contiguous()
    head = f"{tuple(content.shape)}{content.dtype}".encode()
    return hashlib.sha256(head + content.flatten().view(torch.uint8).numpy().tobytes()).hexdigest()[:24]
