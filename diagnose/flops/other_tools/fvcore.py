"""fvcore: how it is run on a forward pass, the only thing it knows, and by which rules its figure differs from ours.

Source: fvcore/nn/flop_count.py and jit_handles.py (fvcore 0.1.5).
"""

from __future__ import annotations

import logging
import math
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from diagnose.flops.count import count_forward
from diagnose.flops.operator_call import tensors_in
from diagnose.networks.inputs import tensors
from diagnose.networks.process_state import in_mode
from diagnose.values import FlopRow, FlopTable, InputSpec

_CONVOLUTIONS = {f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3)}
_FVCORE_MACS = _CONVOLUTIONS | {"linear", "matmul", "addmm", "mm", "bmm"}

_FVCORE_ADDS = {
    "upsample_nearest2d": (0, 1, "nearest-neighbour upsampling"),
    "upsample_bilinear2d": (0, 4, "bilinear upsampling"),
    "grid_sampler": (0, 4, "grid sampling"),
    "adaptive_avg_pool2d": (1, 0, "adaptive average pooling"),
}
"""Operator → what fvcore adds per element read and per element of the output, and its name."""


def fvcore_value(model: nn.Module, inputs: tuple[InputSpec, ...], *, training: bool = False) -> int:
    """Run fvcore on a forward pass of a model with weights: MACs of what it knows, and some operations as MACs."""
    with _silence("fvcore.nn.jit_analysis"), in_mode(model, training=training):  # its import warns, too
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(model, tensors(inputs, device="cpu"))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return int(analysis.total())


def fvcore_causes(model: nn.Module, table: FlopTable, *, training: bool = False) -> Counter[str]:
    """Return what fvcore's rules add to our MACs, by cause.

    `model` stands on the meta device; `table` counts its forward pass in the same mode, composite operators whole.
    """
    modules = dict(model.named_modules())
    causes = Counter[str]()
    for row in table.rows:
        recurrent = isinstance(modules.get(row.path), nn.RNNBase)
        if row.macs and (recurrent or row.op not in _FVCORE_MACS):
            causes[f"does not count {type(modules[row.path]).__name__ if recurrent else row.op}"] -= row.macs
        elif row.op in _FVCORE_ADDS:
            per_read, per_output, name = _FVCORE_ADDS[row.op]
            side = "read" if per_read else "written"
            amount = per_read * row.read + per_output * row.elements
            causes[f"adds {per_read or per_output} per element {side} of {name}"] += amount
        elif row.kind == "norm" and row.op in ("batch_norm", "layer_norm", "group_norm", "instance_norm"):
            per_element = _fvcore_norm(row, modules.get(row.path))
            causes[f"adds {per_element} per {row.op.replace('_', '-')} element"] += per_element * row.elements
    if any(row.macs and row.op in _PRODUCTS for row in table.rows):
        with torch.no_grad(), in_mode(model, training=training), _Products() as products:
            model(*tensors(table.inputs))
        for cause, amount in products.beyond_ours:
            causes[cause] += amount
    return causes


def _fvcore_norm(row: FlopRow, module: nn.Module | None) -> int:
    affine = getattr(module, "weight", None) is not None
    if row.op == "batch_norm" and row.operations == 2 * row.elements:  # its statistics are known
        return 2 if affine else 1
    return 5 if affine else 4


_PRODUCTS = ("matmul", "mm", "bmm")


class _Products(TorchFunctionMode):
    """See the calls of einsum and matmul as a trace sees them, and by which rule fvcore counts each beyond ours."""

    def __init__(self) -> None:
        super().__init__()
        self.beyond_ours: list[tuple[str, int]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one function and note its call."""
        result = func(*args, **(kwargs or {}))
        if func is torch.einsum and isinstance(args[0], str):
            operands = tuple(tensors_in(args[1:]))
            amount = _by_numpy(args[0], operands) - _macs_of_einsum(args[0], operands)
            self.beyond_ours.append(("counts einsum by numpy's estimate, to four digits", amount))
        elif (
            func in (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__) and len(args) == 2 and args[1].ndim > 1
        ):
            first, second = args
            amount = first.numel() * second.shape[-1] - result.numel() * first.shape[-1]
            self.beyond_ours.append(("counts matmul by the batch of its first factor", amount))
        return result


def _by_numpy(equation: str, operands: tuple[Tensor, ...]) -> int:
    """Return fvcore's figure of an einsum: half the floating-point operations that numpy prints, to four digits.

    fvcore counts two equations by their sizes, which is what ours come to.
    """
    renamed = equation.replace(" ", "")
    letters = dict.fromkeys(letter for letter in renamed if letter.isalpha())
    renamed = renamed.translate({ord(letter): 97 + i for i, letter in enumerate(letters)})
    if renamed in ("abc,abd->acd", "abc,adc->adb"):
        return _macs_of_einsum(equation, operands)
    unreal = [np.broadcast_to(np.zeros(()), tuple(operand.shape)) for operand in operands]
    said = np.einsum_path(renamed, *unreal, optimize="optimal")[1]
    line = next(line for line in said.splitlines() if "optimized flop" in line.lower())
    return math.floor(float(line.rpartition(":")[2]) / 2)


def _macs_of_einsum(equation: str, operands: tuple[Tensor, ...]) -> int:
    specs = tuple(InputSpec(tuple(operand.shape)) for operand in operands)
    return count_forward(_Einsum(equation), specs).macs


class _Einsum(nn.Module):
    """A network of one einsum."""

    def __init__(self, equation: str) -> None:
        super().__init__()
        self.equation = equation

    def forward(self, *operands: Tensor) -> Tensor:
        """Return the einsum of the operands."""
        with torch._C.DisableTorchFunction():  # it must not see itself
            return torch.einsum(self.equation, *operands)


@contextmanager
def _silence(logger: str) -> Iterator[None]:
    """Keep a tool's warnings, which speak of its own internals, from the user."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
