"""FlopCounterMode and torchinfo: how each is run, and by which rules its figure differs from ours.

FlopCounterMode sees a backward pass, too; torchinfo knows of forward passes alone.

Source: torch/utils/flop_counter.py (torch 2.12), torchinfo/layer_info.py and model_statistics.py (torchinfo 1.8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from math import prod
from typing import Any

import torch
from torch import nn

from diagnose.flops.count import backward, count_forward
from diagnose.networks.inputs import tensors
from diagnose.networks.process_state import in_mode
from diagnose.values import FlopRow, FlopTable

Figure = tuple[int, Counter[str]]
"""A tool's figure, and by cause what it counts beyond ours."""

# ------------------------------------------------------------------------------------- FlopCounterMode


def mode_figure(model: nn.Module, table: FlopTable) -> Figure:
    """Run torch's FlopCounterMode, which counts 2 per MAC of the operators in its registry and nothing else.

    It is run on a training step where `table` holds one.
    """
    from torch.utils.flop_counter import FlopCounterMode, flop_registry

    counter = FlopCounterMode(display=False)
    given = tensors(table.inputs)
    with in_mode(model, training=table.trained), torch.set_grad_enabled(table.trained), counter:
        result = model(*given)
        if table.trained:
            backward(model, result, nullcontext())
    known = {str(packet).removeprefix("aten.") for packet in flop_registry}
    modules = dict(model.named_modules())
    causes = Counter[str]()
    # It sees the parts of composite operators, as they run with gradients.
    for row in (table if table.trained else count_forward(model, table.inputs, whole=False)).rows:
        if row.macs and row.op not in known:
            causes[f"does not count {row.op}"] -= 2 * row.macs
        elif table.trained and row.kind == "convolution" and not row.backward:
            causes["counts weight gradients of grouped convolutions as if ungrouped"] += 2 * _ungrouped(row, modules)
    return int(counter.get_total_flops()), causes


def _ungrouped(row: FlopRow, modules: Mapping[str, nn.Module]) -> int:
    """Return the MACs between a grouped convolution's weight gradient and one of as many channels without groups."""
    module = modules[row.path]
    if not isinstance(module, nn.modules.conv._ConvNd) or not module.weight.requires_grad:
        return 0
    return row.macs * (module.groups - 1)


# ------------------------------------------------------------------------------------------- torchinfo


def torchinfo_figure(model: nn.Module, table: FlopTable, *, training: bool = False) -> Figure:
    """Run torchinfo, which multiplies the parameters of every module without children by what the module returns."""
    import torchinfo

    given, mode = list(tensors(table.inputs)), "train" if training else "eval"
    with in_mode(model, training=training):
        summary = torchinfo.summary(model, input_data=given, device="meta", mode=mode, verbose=0)
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
