"""The other tools: how each is run on an eval-mode forward pass, and by which rules its figure differs from ours.

Source: torch/utils/flop_counter.py (torch 2.12), fvcore/nn/flop_count.py and jit_handles.py (fvcore 0.1.5),
torchinfo/layer_info.py and model_statistics.py (torchinfo 1.8).
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import nn

from diagnose.count.flops.count import count_parts
from diagnose.inputs import tensors
from diagnose.values import FlopRow, FlopTable

# ------------------------------------------------------------------------------------- FlopCounterMode


def mode_figure(model: nn.Module, table: FlopTable) -> tuple[int, Counter[str]]:
    """Run torch's FlopCounterMode, which counts 2 per MAC of the operators in its registry and nothing else."""
    from torch.utils.flop_counter import FlopCounterMode, flop_registry

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(*tensors(table.inputs))
    known = {str(packet).removeprefix("aten.") for packet in flop_registry}
    causes = Counter[str]()
    for row in count_parts(model, table.inputs).rows:  # it sees the parts of composite operators
        if row.macs and row.op not in known:
            causes[f"does not count {row.op}"] -= 2 * row.macs
    return int(counter.get_total_flops()), causes


# ---------------------------------------------------------------------------------------------- fvcore

_CONVOLUTIONS = {f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3)}
_FVCORE_MACS = _CONVOLUTIONS | {"linear", "matmul", "addmm", "mm", "bmm"}

_FVCORE_ADDS = {
    "upsample_nearest2d": (0, 1, "nearest-neighbour upsampling"),
    "upsample_bilinear2d": (0, 4, "bilinear upsampling"),
    "grid_sampler": (0, 4, "grid sampling"),
    "adaptive_avg_pool2d": (1, 0, "adaptive average pooling"),
}
"""Operator → what fvcore adds per element read and per element of the output, and its name."""


def fvcore_figure(model: nn.Module, table: FlopTable) -> tuple[int, Counter[str]]:
    """Run fvcore on a model with weights: MACs of what it knows, and some operations as if they were MACs."""
    model.eval()
    with _silence("fvcore.nn.jit_analysis"):  # its import warns, too
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(model, tensors(table.inputs, device="cpu"))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        value = int(analysis.total())
    return value, fvcore_causes(model, table)


def fvcore_causes(model: nn.Module, table: FlopTable) -> Counter[str]:
    """Return what fvcore's rules add to our MACs, by cause; the model may stand on any device."""
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
    return causes


def _fvcore_norm(row: FlopRow, module: nn.Module | None) -> int:
    affine = getattr(module, "weight", None) is not None
    if row.op == "batch_norm" and row.operations == 2 * row.elements:  # its statistics are known
        return 2 if affine else 1
    return 5 if affine else 4


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


# ------------------------------------------------------------------------------------------- torchinfo


def torchinfo_figure(model: nn.Module, table: FlopTable) -> tuple[int, Counter[str]]:
    """Run torchinfo, which multiplies the parameters of every module without children by what the module returns."""
    import torchinfo

    given = list(tensors(table.inputs))
    summary = torchinfo.summary(model, input_data=given, device="meta", verbose=0)
    ours = Counter[str]()
    for row in table.rows:
        ours[row.path] += row.macs
    paths = {module: path for path, module in model.named_modules()}
    causes = Counter[str]()
    leaves = set()
    for layer in summary.summary_list:
        if layer.is_leaf_layer and layer.module in paths:
            path = paths[layer.module]
            causes.update(_torchinfo_leaf(layer, 0 if path in leaves else ours[path]))
            leaves.add(path)
    for row in table.rows:
        if row.macs and row.path not in leaves:
            weighted = row.kind in ("linear", "convolution")
            what = "weights used outside a module of their own" if weighted else f"any {row.kind}"
            causes[f"does not see {what}"] -= row.macs
    return int(summary.total_mult_adds), causes


def _torchinfo_leaf(layer: Any, ours: int) -> Counter[str]:
    """Return what torchinfo's rule gives for one call of a module without children beyond `ours`, by cause.

    Convolutions: parameters × N × positions of the output. Recurrent layers: parameters × the output's first two
    sizes. All others: weight and bias × N.
    """
    module, sizes, name = layer.module, list(layer.output_size), layer.class_name
    batch = sizes[0] if sizes else 1
    own = {key: p.numel() for key, p in module.named_parameters()}
    weight, bias = own.get("weight", 0), own.get("bias", 0)
    if "Conv" in name:
        positions = prod(sizes[:1] + sizes[2:])
        odd = "transposed convolutions by their outputs" if "Transpose" in name else f"{name} by its outputs"
        return _summed((f"multiplies {odd}", weight * positions - ours), (_BIASES, bias * positions))
    if isinstance(module, nn.RNNBase):
        matrices = sum(n for key, n in own.items() if "weight" in key)
        steps = prod(sizes[:2])
        rest = steps * (sum(own.values()) - matrices)
        return _summed(
            ("multiplies recurrent weights by the first two sizes", steps * matrices - ours), (_BIASES, rest)
        )
    if isinstance(module, nn.Linear):
        return _summed(("multiplies linear layers by N alone", batch * weight - ours), (_BIASES, batch * bias))
    if "Norm" in name:
        return _summed(("counts a norm's parameters as MACs", batch * (weight + bias) - ours))
    return _summed((f"counts the parameters of {name} as MACs", batch * (weight + bias) - ours))


_BIASES = "counts biases as MACs"


def _summed(*amounts: tuple[str, int]) -> Counter[str]:
    return Counter(dict(amounts))
