"""The inputs of a forward pass: what the user asked for, else what the model's source says, else what is tried."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from diagnose.errors import USAGE, DiagnoseError
from diagnose.values import InputSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

_INPUT = re.compile(r"(?P<shape>\d{1,9}(?:x\d{1,9})*)(?::(?P<dtype>\w+))?", re.ASCII)
_DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "bool")
_TOKENS = InputSpec((1, 16), "int64")


def parse_input(text: str) -> InputSpec:
    """Parse "1x3x32x32" or "1x128:int64" (batch first); raise DiagnoseError with the right form otherwise."""
    match = _INPUT.fullmatch(text.strip())
    if match is None:
        raise DiagnoseError(
            f"cannot read the input {text!r}",
            hint="Write sizes joined by x, the batch first, and an element type where it is not a float: "
            "1x3x32x32 or 1x128:int64",
            exit_code=USAGE,
        )
    dtype = match["dtype"] or "float32"
    if dtype not in _DTYPES:
        raise DiagnoseError(
            f"unknown element type {dtype!r} in the input {text!r}",
            hint=f"Known are {', '.join(_DTYPES)}.",
            exit_code=USAGE,
        )
    shape = tuple(int(size) for size in match["shape"].split("x"))
    if 0 in shape:
        raise DiagnoseError(f"the input {text!r} has a size of 0", hint="Every size is at least 1.", exit_code=USAGE)
    return InputSpec(shape, dtype)


def candidates(
    model: nn.Module, shapes: Sequence[tuple[int, ...]], asked: Sequence[InputSpec]
) -> tuple[tuple[InputSpec, ...], ...]:
    """Return the inputs to try, in order: those asked for alone, else the source's shapes, else integer tokens.

    A model with an embedding table is fed integer tokens, too: first where its source names no shape of its own.
    """
    from torch import nn

    if asked:
        return (tuple(asked),)
    images = tuple((InputSpec(shape),) for shape in shapes)
    if not any(isinstance(module, nn.Embedding) for module in model.modules()):
        return images
    return ((_TOKENS,), *images)


def tensors(inputs: Sequence[InputSpec], device: str = "meta") -> tuple[Tensor, ...]:
    """Return one tensor per input on `device`; their values are unset (meta) or zero."""
    import torch

    return tuple(torch.zeros(spec.shape, dtype=getattr(torch, spec.dtype), device=device) for spec in inputs)
