"""Rewrites that leave the function as it is: each returns the paths it touched, none where it does not apply."""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from tests.diff.architectures import Add, Attention, Cat, Flatten, Gate, MeanTokens, Residual, Scale, Tokens
from tests.diff.edit import Run, of, swap

Rewrite = Callable[[nn.Module], list[str]]


def each(kind: type[nn.Module], make: Callable[[nn.Module], nn.Module]) -> Rewrite:
    return lambda model: swap(model, of(kind), make)


def run(kind: type[nn.Module], function: Callable[..., torch.Tensor]) -> Rewrite:
    """Replace every module of a kind by a function of it; the module stays as the part `m`."""
    return each(kind, lambda module: Run(function, m=module))


def plainly(kind: type[nn.Module], function: Callable[..., torch.Tensor]) -> Rewrite:
    """Replace every module of a kind that has no weights by a function."""
    return each(kind, lambda module: Run(lambda self, *x: function(*x)))


def renamed(model: nn.Module) -> list[str]:
    touched = []
    for path, module in list(model.named_modules()):
        for name in list(module._modules):
            if not name.isdigit() and not isinstance(module, nn.MultiheadAttention) and type(module) is Residual:
                touched.append(f"{path}.{name}")
    for module in model.modules():
        if type(module) is nn.Sequential:
            parts = list(module._modules.items())
            module._modules.clear()
            for name, part in parts:
                module.add_module(f"part_{name}", part)
                touched.append(name)
    return touched


def reordered(model: nn.Module) -> list[str]:
    """Register in the opposite order what is called by name."""
    touched = []
    for path, module in model.named_modules():
        if not isinstance(module, (nn.Sequential, nn.ModuleList)) and len(module._modules) > 1:
            parts = list(module._modules.items())
            module._modules.clear()
            module._modules.update(reversed(parts))
            touched.append(path)
    return touched


def shared_activation(model: nn.Module) -> list[str]:
    activation = nn.ReLU()
    touched = swap(model, of(nn.ReLU), lambda module: activation)
    return touched if len(touched) > 1 else []


def separate_qkv(module: nn.Module) -> nn.Module:
    width = module.proj.in_features
    parts = {}
    for index, name in enumerate("qkv"):
        linear = nn.Linear(width, width)
        with torch.no_grad():
            linear.weight.copy_(module.qkv.weight[index * width : (index + 1) * width])
            linear.bias.copy_(module.qkv.bias[index * width : (index + 1) * width])
        parts[name] = linear

    def forward(self: Run, x: torch.Tensor) -> torch.Tensor:
        n, length, _ = x.shape
        q, k, v = (getattr(self, name)(x).view(n, length, self.heads, -1).transpose(1, 2) for name in "qkv")
        out = F.scaled_dot_product_attention(q, k, v)
        return self.proj(out.permute(0, 2, 1, 3).flatten(2))

    return Run(forward, proj=module.proj, heads=module.heads, **parts)


def spelled_attention(self: Run, x: torch.Tensor) -> torch.Tensor:
    m = self.m
    n, length, width = x.shape
    q, k, v = m.qkv(x).reshape(n, length, 3, m.heads, width // m.heads).permute(2, 0, 3, 1, 4)
    weights = (q * m.scale) @ k.transpose(-2, -1)
    return m.proj((weights.softmax(-1) @ v).transpose(1, 2).reshape(n, length, width))


def chunked_attention(self: Run, x: torch.Tensor) -> torch.Tensor:
    m = self.m
    n, length, width = x.shape
    q, k, v = (part.reshape(n, length, m.heads, -1).transpose(1, 2) for part in m.qkv(x).chunk(3, -1))
    weights = torch.softmax(torch.matmul(q, k.transpose(2, 3)) / math.sqrt(width // m.heads), dim=-1)
    return m.proj(torch.matmul(weights, v).transpose(1, 2).flatten(2))


def torch_attention(module: nn.Module) -> nn.Module:
    width = module.proj.in_features
    whole = nn.MultiheadAttention(width, module.heads, batch_first=True)
    with torch.no_grad():
        whole.in_proj_weight.copy_(module.qkv.weight)
        whole.in_proj_bias.copy_(module.qkv.bias)
        whole.out_proj.weight.copy_(module.proj.weight)
        whole.out_proj.bias.copy_(module.proj.bias)
    return Run(lambda self, x: self.m(x, x, x, need_weights=False)[0], m=whole)


def transposed_linear(module: nn.Module) -> nn.Module:
    weight = nn.Parameter(module.weight.detach().t().clone())
    return Run(lambda self, x: x @ self.w + self.b, w=weight, b=module.bias)


def padded_conv(module: nn.Module) -> nn.Module:
    amount = module.padding[0]
    if not amount or module.padding_mode != "zeros":
        return module
    module.padding = (0, 0)
    return Run(lambda self, x: self.m(F.pad(x, (amount,) * 4)), m=module)


def same_conv(module: nn.Module) -> nn.Module:
    if module.padding[0] and module.stride == (1, 1):
        module.padding = "same"
        module._reversed_padding_repeated_twice = [module.kernel_size[0] // 2] * 4
    return module


def outer_bias(module: nn.Module) -> nn.Module:
    if module.bias is None:
        return module
    bias = nn.Parameter(module.bias.detach().clone())
    module.bias = None
    return Run(lambda self, x: self.m(x) + self.b.view(1, -1, 1, 1), m=module, b=bias)


def functional_norm(self: Run, x: torch.Tensor) -> torch.Tensor:
    m = self.m
    return F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias, self.training, m.momentum, m.eps)


REWRITES: dict[str, Rewrite] = {
    "renamed": renamed,
    "registered in another order": reordered,
    "wrapped": each(nn.Conv2d, lambda m: nn.Sequential(nn.Sequential(m))),
    "identity inserted": each(nn.Conv2d, lambda m: nn.Sequential(nn.Identity(), m, nn.Identity())),
    "dropout at rate 0 inserted": each(nn.Linear, lambda m: nn.Sequential(m, nn.Dropout(0.0))),
    "relu in place": each(nn.ReLU, lambda m: nn.ReLU(inplace=True)),
    "relu functional": plainly(nn.ReLU, F.relu),
    "relu as a method": plainly(nn.ReLU, lambda x: x.relu()),
    "relu shared": shared_activation,
    "relu as where": plainly(nn.ReLU, lambda x: torch.where(x > 0, x, torch.zeros_like(x))),
    "relu as threshold": plainly(nn.ReLU, lambda x: F.threshold(x, 0.0, 0.0)),
    "relu6 as hardtanh": each(nn.ReLU6, lambda m: nn.Hardtanh(0.0, 6.0)),
    "gelu spelled out": plainly(nn.GELU, lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))),
    "gelu spelled out otherwise": plainly(nn.GELU, lambda x: x * (torch.erf(x * 2**-0.5) + 1.0) / 2),
    "silu spelled out": plainly(nn.SiLU, lambda x: torch.sigmoid(x) * x),
    "silu in place": each(nn.SiLU, lambda m: nn.SiLU(inplace=True)),
    "hardswish spelled out": plainly(nn.Hardswish, lambda x: x * F.relu6(x + 3) / 6),
    "hardsigmoid spelled out": plainly(nn.Hardsigmoid, lambda x: F.relu6(x + 3) / 6),
    "global pooling as a mean": each(nn.AdaptiveAvgPool2d, lambda m: m if m.output_size != 1 else Run(
        lambda self, x: x.mean((2, 3), keepdim=True))),
    "global pooling as a flat mean": each(nn.AdaptiveAvgPool2d, lambda m: m if m.output_size != 1 else Run(
        lambda self, x: x.flatten(2).mean(2)[..., None, None])),
    "global pooling as a sum": each(nn.AdaptiveAvgPool2d, lambda m: m if m.output_size != 1 else Run(
        lambda self, x: x.sum(dim=[-1, -2], keepdim=True) / (x.shape[2] * x.shape[3]))),
    "pooling functional": run(nn.MaxPool2d, lambda self, x: F.max_pool2d(
        x, self.m.kernel_size, self.m.stride, self.m.padding)),
    "flatten as a view": plainly(Flatten, lambda x: x.contiguous().view(x.size(0), -1)),
    "tokens by permute": plainly(Tokens, lambda x: x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, x.shape[1])),
    "mean of tokens by a sum": plainly(MeanTokens, lambda x: x.sum(1) / x.shape[1]),
    "residual sum commuted": plainly(Add, lambda a, b: b + a),
    "residual sum in place": plainly(Add, lambda a, b: a.add_(b) if a is not b else a + b),
    "residual sum of a stack": plainly(Add, lambda a, b: torch.add(b, a, alpha=1.0)),
    "zero added": plainly(Add, lambda a, b: a + b + 0.0),
    "times one": plainly(Add, lambda a, b: (a + b) * 1.0),
    "residual minus the negative": plainly(Add, lambda a, b: a - (-b)),
    "halved and doubled": plainly(Add, lambda a, b: (0.5 * (a + b)) * 2),
    "cloned": plainly(Add, lambda a, b: a.clone() + b.contiguous()),
    "concatenation nested": plainly(Cat, lambda *x: torch.cat([torch.cat(x[:-1], 1), x[-1]], 1) if len(x) > 2
                                    else torch.cat(x, dim=-3)),
    "concatenation of pieces": plainly(Cat, lambda *x: torch.cat(
        [piece for value in x for piece in value.chunk(2, 1)], 1)),
    "norm functional": run(nn.BatchNorm2d, functional_norm),
    "layer norm functional": run(nn.LayerNorm, lambda self, x: F.layer_norm(
        x, x.shape[-1:], self.m.weight, self.m.bias, self.m.eps)),
    "linear as a product": each(nn.Linear, transposed_linear),
    "linear as addmm": run(nn.Linear, lambda self, x: torch.addmm(self.m.bias, x, self.m.weight.t()) if x.dim() == 2
                           else F.linear(x, self.m.weight, self.m.bias)),
    "padding apart": each(nn.Conv2d, padded_conv),
    "padding named same": each(nn.Conv2d, same_conv),
    "bias added apart": each(nn.Conv2d, outer_bias),
    "q, k and v apart": each(Attention, separate_qkv),
    "attention spelled out": run(Attention, spelled_attention),
    "attention in chunks": run(Attention, chunked_attention),
    "torch's own attention": each(Attention, torch_attention),
    "gate commuted": run(Gate, lambda self, x: self.m.gate(
        self.m.excite(self.m.act(self.m.squeeze(self.m.pool(x))))) * x),
    "layer scale reshaped": each(Scale, lambda m: Run(
        lambda self, x: self.g[None, :, None, None] * x, g=nn.Parameter(m.gamma.detach().flatten()))),
    "dropout functional": each(nn.Dropout, lambda m: Run(lambda self, x: F.dropout(x, m.p, self.training))),
    "unsqueezed and squeezed": each(nn.Linear, lambda m: nn.Sequential(nn.Unflatten(0, (1, -1)), m, Run(
        lambda self, x: x.squeeze(0)))),
}  # fmt: skip
