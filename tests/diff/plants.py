"""Planted differences: each changes one part of a network and returns the path of that part, or nothing."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from tests.diff.architectures import (
    Add,
    Attention,
    Cat,
    ChannelNorm,
    Flatten,
    Gate,
    MeanTokens,
    Position,
    Residual,
    Scale,
    Tokens,
)
from tests.diff.edit import Run, change, of, swap

Plant = Callable[[nn.Module], list[str]]


def put(kind: type[nn.Module], make: Callable[[nn.Module], nn.Module], only: int = 0) -> Plant:
    return lambda model: swap(model, of(kind), make, only)


def wide(module: nn.Module) -> bool:
    return type(module) is nn.Conv2d and module.kernel_size[0] > 1


def put_if(wanted: Callable[[nn.Module], bool], make: Callable[[nn.Module], nn.Module], only: int = 0) -> Plant:
    return lambda model: swap(model, wanted, make, only)


def alter(wanted: Callable[[nn.Module], bool], only: int = 0, **attributes: object) -> Plant:
    def changed(module: nn.Module) -> None:
        for name, value in attributes.items():
            setattr(module, name, value)

    return lambda model: change(model, wanted, changed, only)


def another_conv(only: int = 0, *, wanted: Callable[[nn.Module], bool] = wide, **changes: object) -> Plant:
    def make(module: nn.Module) -> nn.Module:
        options = {"kernel_size": module.kernel_size, "stride": module.stride, "padding": module.padding,
                   "groups": module.groups, "dilation": module.dilation, "bias": module.bias is not None}  # fmt: skip
        return nn.Conv2d(module.in_channels, module.out_channels, **(options | changes))

    return put_if(wanted, make, only)


def strided(module: nn.Module) -> bool:
    return type(module) is nn.Conv2d and module.stride == (2, 2) and module.kernel_size[0] == 3


def stride_moved(model: nn.Module) -> list[str]:
    for path, module in model.named_modules():
        if type(module) is Residual:
            convs = [(f"{path}.body.{name}", part) for name, part in module.body.named_children() if wide(part)]
            if len(convs) > 1 and convs[0][1].stride == (2, 2):
                convs[0][1].stride, convs[1][1].stride = (1, 1), (2, 2)
                return [convs[0][0], convs[1][0]]
    return []


def swapped(*kinds: type[nn.Module]) -> Plant:
    """Exchange two neighbours of a sequence."""

    def plant(model: nn.Module) -> list[str]:
        for path, module in model.named_modules():
            if type(module) is not nn.Sequential:
                continue
            names = list(module._modules)
            for name_a, name_b in pairwise(names):
                if type(module._modules[name_a]) is kinds[0] and type(module._modules[name_b]) is kinds[1]:
                    module._modules[name_a], module._modules[name_b] = module._modules[name_b], module._modules[name_a]
                    prefix = f"{path}." if path else ""
                    return [prefix + name_a, prefix + name_b]
        return []

    return plant


def norm_shared(model: nn.Module) -> list[str]:
    for path, module in model.named_modules():
        if type(module) is Residual and isinstance(module.body, nn.Sequential):
            norms = [
                name for name, part in module.body.named_children() if isinstance(part, (nn.BatchNorm2d, nn.GroupNorm))
            ]
            shapes = [module.body._modules[name].weight.shape for name in norms]
            if len(norms) == 2 and shapes[0] == shapes[1]:
                setattr(module.body, norms[1], module.body._modules[norms[0]])
                return [f"{path}.body.{norms[0]}", f"{path}.body.{norms[1]}"]
    return []


def layers_tied(model: nn.Module) -> list[str]:
    seen: dict[object, tuple[str, nn.Module]] = {}
    for path, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            key = type(module), module.weight.shape
            if key in seen and min(module.weight.shape) > 1:
                module.weight = seen[key][1].weight
                return [f"{seen[key][0]}.weight", f"{path}.weight"]
            seen[key] = path, module
    return []


def extra_block(model: nn.Module) -> list[str]:
    for path, module in model.named_modules():
        if type(module) is nn.Sequential:
            kinds = [(name, part) for name, part in module.named_children() if type(part) is Residual]
            same = [(name, part) for name, part in kinds if type(part.shortcut) is nn.Identity]
            if len(kinds) > 1 and same:
                import copy

                name, part = same[0]
                setattr(module, name, nn.Sequential(part, copy.deepcopy(part)))
                return [f"{path}.{name}" if path else name]
    return []


def wrong_tap(model: nn.Module) -> list[str]:
    """Take the residual from after the first layer of the body."""
    for path, module in model.named_modules():
        if type(module) is Residual and type(module.shortcut) is nn.Identity and len(module.body) > 2:

            def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
                first = self.body[0](x)
                return self.after(self.join(self.body[1:](first), first)) if first.shape == x.shape else None

            parent, _, name = path.rpartition(".")
            if isinstance(module.body[0], nn.Conv2d) and module.body[0].in_channels != module.body[0].out_channels:
                continue
            setattr(
                model.get_submodule(parent), name, Run(forward, body=module.body, join=module.join, after=module.after)
            )
            return [f"{path}.join", path]
    return []


def unscaled(factor: float) -> Callable[..., torch.Tensor]:
    def forward(self: Run, x: torch.Tensor) -> torch.Tensor:
        m = self.m
        n, length, width = x.shape
        q, k, v = m.qkv(x).reshape(n, length, 3, m.heads, width // m.heads).permute(2, 0, 3, 1, 4).unbind(0)
        out = F.scaled_dot_product_attention(q, k, v, scale=factor)
        return m.proj(out.transpose(1, 2).reshape(n, length, width))

    return forward


def crossed(order: tuple[int, int, int], heads_first: bool = True) -> Callable[..., torch.Tensor]:
    def forward(self: Run, x: torch.Tensor) -> torch.Tensor:
        m = self.m
        n, length, width = x.shape
        parts = m.qkv(x).reshape(n, length, 3, m.heads, width // m.heads).permute(2, 0, 3, 1, 4).unbind(0)
        q, k, v = (parts[index] for index in order)
        out = F.scaled_dot_product_attention(q, k, v)
        out = out.transpose(1, 2) if heads_first else out
        return m.proj(out.reshape(n, length, width))

    return forward


def flattened_otherwise(model: nn.Module) -> list[str]:
    if not any(isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size == 2 for module in model.modules()):
        return []  # over a map of one pixel every order is the same
    return swap(model, of(Flatten), lambda m: Run(lambda self, x: x.transpose(1, 2).flatten(1)), 0)


class Frozen(nn.Module):
    """Batch norm that never takes the batch's statistics."""

    def __init__(self, m: nn.Module) -> None:
        super().__init__()
        self.m = m

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        m = self.m
        return F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias, False, m.momentum, m.eps)


def then(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[nn.Module], nn.Module]:
    return lambda module: nn.Sequential(module, Run(lambda self, x: function(x)))


def joined(function: Callable[..., torch.Tensor]) -> Callable[[nn.Module], nn.Module]:
    return lambda module: Run(lambda self, *x: function(*x))


PLANTS: dict[str, Plant] = {
    "relu removed": put(nn.ReLU, lambda m: nn.Identity(), 1),
    "last relu removed": put(nn.ReLU, lambda m: nn.Identity(), -1),
    "relu doubled by leaky": put(nn.ReLU, lambda m: nn.LeakyReLU(0.1), 0),
    "relu as gelu": put(nn.ReLU, lambda m: nn.GELU(), 1),
    "relu as relu6": put(nn.ReLU, lambda m: nn.ReLU6(), 0),
    "relu6 as relu": put(nn.ReLU6, lambda m: nn.ReLU(), 0),
    "gelu as its tanh approximation": put(nn.GELU, lambda m: nn.GELU(approximate="tanh"), 0),
    "gelu as relu": put(nn.GELU, lambda m: nn.ReLU(), 0),
    "silu as hardswish": put(nn.SiLU, lambda m: nn.Hardswish(), 0),
    "hardswish as silu": put(nn.Hardswish, lambda m: nn.SiLU(), 0),
    "relu before the norm": swapped(nn.BatchNorm2d, nn.ReLU),
    "norm after the activation": swapped(nn.GroupNorm, nn.SiLU),
    "stride moved": stride_moved,
    "stride": another_conv(-1, stride=2),
    "dilation": another_conv(-1, dilation=2, padding=2),
    "kernel size": another_conv(0, kernel_size=5, padding=2),
    "groups": another_conv(-1, wanted=lambda m: wide(m) and m.groups == 1 and m.in_channels % 2 == 0, groups=2),
    "padding mode": another_conv(0, wanted=lambda m: wide(m) and m.padding[0] > 0, padding_mode="reflect"),
    "padding": another_conv(-1, wanted=lambda m: wide(m) and m.padding[0] > 0, padding=0),
    "bias added": another_conv(0, wanted=lambda m: type(m) is nn.Conv2d and m.bias is None, bias=True),
    "bias removed": put(nn.Linear, lambda m: nn.Linear(m.in_features, m.out_features, bias=False), -1),
    "batch norm's eps": alter(of(nn.BatchNorm2d), 0, eps=1e-3),
    "layer norm's eps": alter(of(nn.LayerNorm), 0, eps=1e-3),
    "group norm's eps": alter(of(nn.GroupNorm), 0, eps=1e-3),
    "momentum": alter(of(nn.BatchNorm2d), -1, momentum=0.01),
    "norm removed": put(nn.BatchNorm2d, lambda m: nn.Identity(), 1),
    "batch norm as group norm": put(nn.BatchNorm2d, lambda m: nn.GroupNorm(2, m.num_features), 1),
    "batch norm as instance norm": put(nn.BatchNorm2d, lambda m: nn.InstanceNorm2d(m.num_features, affine=True), 0),
    "batch norm without statistics": put(
        nn.BatchNorm2d, lambda m: nn.BatchNorm2d(m.num_features, track_running_stats=False), 0),
    "batch norm frozen": put(nn.BatchNorm2d, Frozen, 0),
    "norm without weights": put(nn.LayerNorm, lambda m: nn.LayerNorm(m.normalized_shape, elementwise_affine=False), 0),
    "final norm missing": put(nn.LayerNorm, lambda m: nn.Identity(), -1),
    "groups of group norm": alter(of(nn.GroupNorm), 0, num_groups=4),
    "norm shared": norm_shared,
    "weights tied": layers_tied,
    "residual subtracted": put(Add, joined(lambda a, b: a - b)),
    "residual halved": put(Add, joined(lambda a, b: a + 0.5 * b)),
    "residual scaled": put(Add, joined(lambda a, b: (a + b) * 0.9), -1),
    "residual left out": put(Add, joined(lambda a, b: a), -1),
    "residual detached": put(Add, joined(lambda a, b: a + b.detach())),
    "second-order term": put(Add, joined(lambda a, b: a + b + a * b)),
    "wrong residual tap": wrong_tap,
    "concatenation in another order": put(Cat, joined(lambda *x: torch.cat(x[::-1], 1))),
    "max pooling as average": put(nn.MaxPool2d, lambda m: nn.AvgPool2d(m.kernel_size, m.stride, m.padding)),
    "average pooling as max": put(nn.AvgPool2d, lambda m: nn.MaxPool2d(m.kernel_size, m.stride, m.padding)),
    "padding not averaged": alter(lambda m: type(m) is nn.AvgPool2d and m.padding == 1, count_include_pad=False),
    "ceil mode": alter(lambda m: type(m) is nn.MaxPool2d and m.stride == 2, ceil_mode=True),
    "global average as maximum": put(nn.AdaptiveAvgPool2d, lambda m: nn.AdaptiveMaxPool2d(m.output_size), -1),
    "dropout rate": alter(of(nn.Dropout), p=0.4),
    "dropout removed": put_if(lambda m: type(m) is nn.Dropout and m.p > 0, lambda m: nn.Identity()),
    "dropout added": put(nn.Linear, lambda m: nn.Sequential(m, nn.Dropout(0.1)), -1),
    "dropout in eval, too": put(nn.Dropout, lambda m: Run(lambda self, x: F.dropout(x, m.p or 0.1, True))),
    "constant factor": put(nn.Conv2d, then(lambda x: x * 1.5), -1),
    "constant offset": put(nn.Linear, then(lambda x: x + 0.1), -1),
    "attention scale": put(Attention, lambda m: Run(unscaled(1.0), m=m)),
    "attention without transposition": put(Attention, lambda m: Run(crossed((0, 1, 2), heads_first=False), m=m)),
    "more heads": put(Attention, lambda m: Run(lambda self, x: self.m(x), m=_with_heads(m, 3))),
    "extra block": extra_block,
    "gate removed": put(Gate, lambda m: nn.Identity()),
    "gate by sigmoid": put(nn.Hardsigmoid, lambda m: nn.Sigmoid()),
    "layer scale removed": put(Scale, lambda m: nn.Identity()),
    "channel norm as batch norm": put(ChannelNorm, lambda m: nn.BatchNorm2d(m.norm.normalized_shape[0])),
    "flattened in another order": flattened_otherwise,
    "tokens in another order": put(Tokens, lambda m: Run(lambda self, x: x.transpose(2, 3).flatten(2).transpose(1, 2))),
    "position left out": put(Position, lambda m: nn.Identity()),
    "first token instead of the mean": put(MeanTokens, lambda m: Run(lambda self, x: x[:, 0])),
}  # fmt: skip


def _with_heads(module: nn.Module, heads: int) -> nn.Module:
    module.heads, module.scale = heads, (module.proj.in_features // heads) ** -0.5
    return module
