"""Which parameters the forward pass reads: one pass on meta tensors, which computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from diagnose.errors import in_one_line
from diagnose.networks.build_errors import as_exceptions
from diagnose.networks.inputs import tensors
from diagnose.networks.process_state import in_mode
from diagnose.values import InputSpec, Skipped


def storage_key(tensor: Tensor) -> int:
    """Return what identifies the memory behind a tensor, on the meta device too."""
    key: int = tensor.untyped_storage()._cdata
    return key


class _Reads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Record the storage of every tensor that an operator reads, so that a view or `.data` reads its parameter."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for leaf in tree_leaves((args, kwargs)):
            if isinstance(leaf, Tensor):
                self.seen.add(storage_key(leaf))
        return func(*args, **kwargs)


def read_by_forward(
    model: nn.Module, candidates: Sequence[tuple[InputSpec, ...]]
) -> tuple[frozenset[int], tuple[InputSpec, ...]] | Skipped:
    """Return the storage keys that an eval-mode forward pass reads, and the inputs it ran on.

    `candidates` are tried in order; where none runs, return the reason. Every tensor of the model is on the meta
    device. Train and eval mode are restored.
    """
    reasons = []
    with in_mode(model, training=False):
        for inputs in candidates:
            try:
                return _reads(model, inputs), inputs
            except Exception as error:  # whatever a model raises is the reason, not a crash of ours
                reasons.append(f"{', '.join(map(str, inputs))}: {in_one_line(error)}")
            try:
                with torch.device("meta"):  # for a model that makes tensors and forgets to say where
                    return _reads(model, inputs), inputs
            except Exception:
                continue  # the first error says more
    return Skipped("which parameters the forward pass uses", "; ".join(reasons) or "no input is known")


@as_exceptions()
def _reads(model: nn.Module, inputs: tuple[InputSpec, ...]) -> frozenset[int]:
    with torch.no_grad(), _Reads() as reads:
        model(*tensors(inputs))
    return frozenset(reads.seen)
