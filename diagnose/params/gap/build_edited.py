"""Making an edit on a real model: its tensors get the shapes of the edited layout, new layers are hooked in.

One rule serves every edit, since an edit is a change of layout: a layer in both layouts gets its new tensors, one that
is gone becomes an identity, one that is new runs on what its block puts out (or on what the next layer takes in).
The model holds no weights (meta device); whether the result is a network is what a forward pass shows afterwards.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnose.params.gap.layout import Layer, LayerGroup, Layout


class CannotEditError(Exception):
    """An edit cannot be made on this model; the message says why."""


def build_edited(model: nn.Module, base: Layout, edited: Layout) -> None:
    """Change a model of layout `base` in place to the layout `edited`, which has the same groups."""
    shared = _shared(model)
    for old, new in zip_longest(base.groups, edited.groups):
        if old is None or new is None or old.count != new.count:
            raise CannotEditError("the edit changes the number of blocks")
        if old.layers is not new.layers:
            for block in old.paths:
                _operate_group(model, old, new, block)
    _tie_again(shared)


def _operate_group(model: nn.Module, old: LayerGroup, new: LayerGroup, block: str) -> None:
    """Change one block, or the stem, a transition or the head; `block` is the path of this one of equal blocks."""
    representative = old.paths[0]

    def path_of(layer: Layer) -> str:
        return block + layer.path.removeprefix(representative)

    kept = {layer.path: layer for layer in new.layers if not layer.added}
    for layer in old.layers:
        if layer.path in kept:
            _retensor(model, path_of(layer), layer, kept[layer.path])
    gone = [layer for layer in old.layers if layer.path not in kept]
    added = list(_runs(new.layers))
    if not old.is_block:
        _operate_end(model, gone, added)
        return
    for layer in gone:
        _leave_out(model, block, path_of(layer), layer, old)
    for run, _ in added:
        _add_to_block(model.get_submodule(block), run, old)


def _runs(layers: Sequence[Layer]) -> Iterator[tuple[list[Layer], Layer | None]]:
    """Yield each run of new layers with the old layer behind it."""
    run: list[Layer] = []
    for layer in layers:
        if layer.added:
            run.append(layer)
        elif run:
            yield run, layer
            run = []
    if run:
        yield run, None


# ---------------------------------------------------------------------------------- layers that stay


def _retensor(model: nn.Module, path: str, old: Layer, new: Layer) -> None:
    """Give a module the tensors of its new layer, and the attributes that its forward pass reads."""
    if old == new:
        return
    module = model.get_submodule(path)
    wanted = dict(new.parameters)
    for name, shape in old.parameters:
        if name not in wanted:
            module.register_parameter(name, _embedding_of(model, shape) if new.tied > old.tied else None)
    for name, shape in new.parameters:
        module.register_parameter(name, nn.Parameter(torch.empty(shape, device="meta")))
    for name, shape in new.statistics:
        module.register_buffer(name, torch.empty(shape, device="meta"))
    if isinstance(module, nn.modules.conv._ConvNd) and new.weight:
        _reshape_convolution(module, old, new)
    elif isinstance(module, nn.LayerNorm | nn.RMSNorm) and new.parameters:
        module.normalized_shape = tuple(new.parameters[0][1])
    elif isinstance(module, nn.MultiheadAttention) and new.weight:
        module.embed_dim = module.kdim = module.vdim = new.weight[1]
        module.head_dim = module.embed_dim // module.num_heads


def _reshape_convolution(module: Any, old: Layer, new: Layer) -> None:
    shape = new.weight
    if shape[2:] != old.weight[2:]:
        module.kernel_size, module.padding = shape[2:], tuple(k // 2 for k in shape[2:])
    if "depthwise" in new.kind:
        module.groups = shape[0]
    elif new.kind != old.kind and "grouped" in new.kind:
        module.groups = old.weight[1] // shape[1]
    module.in_channels, module.out_channels = shape[1] * module.groups, shape[0]


Places = list[tuple[nn.Module, str]]


def _shared(model: nn.Module) -> list[tuple[nn.Parameter, Places]]:
    """Return each tied parameter with the modules and names it is registered under."""
    places: dict[nn.Parameter, Places] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                places.setdefault(parameter, []).append((module, name))
    return [(parameter, found) for parameter, found in places.items() if len(found) > 1]


def _tie_again(shared: list[tuple[nn.Parameter, Places]]) -> None:
    """Register what now stands at the first place of a tied parameter wherever the old one still stands."""
    for old, ((first, name), *others) in shared:
        for module, other_name in others:
            if module._parameters[other_name] is old:
                module.register_parameter(other_name, first._parameters[name])


def _embedding_of(model: nn.Module, shape: tuple[int, ...]) -> nn.Parameter:
    """Return the weight of the embedding of a shape, for an output layer to be tied to."""
    for module in model.modules():
        weight = module.weight if isinstance(module, nn.Embedding) else None
        if isinstance(weight, nn.Parameter) and weight.shape == shape:
            return weight
    raise CannotEditError("no embedding was found to tie the output layer to")


# ----------------------------------------------------------------------------------- layers that go


class _ZeroPadded(nn.Module):
    """A shortcut without parameters: every stride-th pixel, new channels filled with zeros."""

    def __init__(self, stride: int, outward: int) -> None:
        super().__init__()
        self.stride, self.outward = stride, outward

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, outward, H/stride, W/stride)."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.outward - x.shape[1]))


def _leave_out(model: nn.Module, block: str, path: str, layer: Layer, group: LayerGroup) -> None:
    if layer.branch == "shortcut" and layer.is_convolution:
        strides = model.get_submodule(path).stride
        _replace(model, path, _ZeroPadded(max(strides), group.width))  # type: ignore[arg-type]
    else:
        _replace(model, path, nn.Identity())


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


# --------------------------------------------------------------------------------- layers that come


class _Gate(nn.Module):
    """Squeeze-and-excitation: channels scaled by what two linear layers make of their means."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x * torch.sigmoid(self.layers(x.mean((2, 3))))[:, :, None, None]


def _add_to_block(block: nn.Module, run: list[Layer], group: LayerGroup) -> None:
    added: nn.Module = nn.Sequential(*map(_module, run))
    if any(layer.branch == "shortcut" for layer in run):
        if getattr(block, "downsample", 0) is not None:
            raise CannotEditError("the block has no empty place for a shortcut")
        block.downsample = added
        return
    convolutional = any(layer.is_convolution for layer in group.layers)
    if convolutional and all(layer.kind == "linear" for layer in run):
        added = _Gate(added)
    block.add_module("added", added)
    block.register_forward_hook(lambda module, arguments, output: added(output))


def _operate_end(model: nn.Module, gone: list[Layer], added: list[tuple[list[Layer], Layer | None]]) -> None:
    """Change a stem or head: a layer that is gone becomes the new run, or the run stands before the next layer."""
    for run, behind in added:
        modules = nn.Sequential(*map(_module, run))
        if gone:
            old = model.get_submodule(gone[0].path)
            stride: Any = getattr(old, "stride", None)
            if stride is not None:
                first: Any = modules[0]
                first.stride = stride
            _replace(model, gone.pop(0).path, modules)
        elif behind is not None:
            next_layer = model.get_submodule(behind.path)
            next_layer.add_module("added", modules)
            next_layer.register_forward_pre_hook(lambda module, args, m=modules: (m(args[0]), *args[1:]))
        else:
            raise CannotEditError("no place was found for the new layers")
    for layer in gone:
        _replace(model, layer.path, nn.Identity())


def _module(layer: Layer) -> nn.Module:
    """Return a module of the layer's kind and shape, on the meta device."""
    with torch.device("meta"):
        if layer.is_convolution:
            outward, inward, kernel, _ = layer.weight
            groups = outward if "depthwise" in layer.kind else 1
            return nn.Conv2d(
                inward * groups, outward, kernel, padding=kernel // 2, groups=groups, bias=layer.biased
            )  # fmt: skip
        if layer.kind == "linear":
            return nn.Linear(layer.weight[1], layer.weight[0], bias=layer.biased)
        width = math.prod(layer.parameters[0][1]) if layer.parameters else 0
        if layer.kind == "batch norm":
            return nn.BatchNorm2d(width)
        if layer.kind == "layer norm":
            return nn.LayerNorm(width)
        if layer.kind == "RMS norm":
            return nn.RMSNorm(width)
    raise CannotEditError(f"no {layer.kind} can be added")


# ------------------------------------------------------------------------------------ blocks per stage


def set_depths(model: nn.Module, layout: Layout, depths: tuple[int, ...]) -> None:
    """Give each stage of a model its number of blocks: copies of its last block join, or its last blocks leave."""
    for stage, depth in zip(layout.stages, depths, strict=True):
        groups = [group for group in layout.groups if group.is_block and group.stage == stage]
        paths = [path for group in groups for path in group.paths]
        container = model.get_submodule(paths[0].rpartition(".")[0])
        names = [path.rpartition(".")[2] for path in paths]
        if not isinstance(container, nn.Sequential | nn.ModuleList):
            raise CannotEditError(f"the blocks of {stage} do not stand in a list")
        behind = list(container._modules).index(names[-1]) + 1
        if behind < len(container) and not all(map(str.isdecimal, container._modules)):
            raise CannotEditError(f"the blocks of {stage} stand between others that have names")
        for _ in range(len(paths) - depth):
            behind -= 1
            del container[behind]
        for _ in range(depth - len(paths)):
            container.insert(behind, _next_block(container[behind - 1], groups[-1], len(paths)))


def _next_block(last: nn.Module, group: LayerGroup, length: int) -> nn.Module:
    block = copy.deepcopy(last)
    if group.inward == group.width and not any(layer.branch == "shortcut" for layer in group.layers):
        return block
    if length != 1 or not isinstance(getattr(block, "downsample", None), nn.Module):
        raise CannotEditError("a stage's first block could not be turned into one that follows")
    setattr(block, "downsample", None)  # noqa: B010
    convolutions = [module for module in block.modules() if isinstance(module, nn.Conv2d)]
    first = convolutions[0]
    first.in_channels = group.width
    first.weight = nn.Parameter(torch.empty(first.out_channels, group.width, *first.kernel_size, device="meta"))
    for convolution in convolutions:
        convolution.stride = (1, 1)
    return block
