"""The leaves of a graph: what is state (weights, running statistics) and what is a constant with a content."""

from __future__ import annotations

from torch import Tensor, nn

from diagnose.diff.capture.tape import Tape, TapeEntry, meta_of
from diagnose.diff.ir.constants import constant_attributes


def state_leaf(name: str, tensor: Tensor) -> TapeEntry:
    """Return the leaf of a parameter or of a buffer that a checkpoint or training fills."""
    kind = "parameter" if isinstance(tensor, nn.Parameter) else "buffer"
    return TapeEntry(None, leaf=kind, name=name, results=(meta_of(tensor),))


def constant_leaf(tensor: Tensor, tape: Tape, name: str = "") -> TapeEntry:
    """Return the leaf of a tensor whose values are part of the design; remember the tensor on the tape."""
    attributes = constant_attributes(tensor, name)
    tape.constants[str(dict(attributes)["digest"])] = tensor.detach()
    return TapeEntry(None, leaf="constant", name=name, results=(meta_of(tensor),), attributes=attributes)


def is_state(module: nn.Module, name: str, tensor: Tensor, *, mutated: bool) -> bool:
    """Say whether a buffer is state: training changes it, or it is a floating one that a checkpoint holds."""
    if mutated:
        return True
    owner_path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(owner_path)
    return tensor.is_floating_point() and leaf not in owner._non_persistent_buffers_set
