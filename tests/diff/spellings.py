"""Pairs of networks that differ in how one layer is written: spelled out, fused, or only almost the same."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.diff.edit import Run

Pair = Callable[[], tuple[nn.Module, nn.Module]]


class Map(nn.Module):
    """A part on maps (2, 8, 16, 16), between two convolutions."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.first, self.part = nn.Conv2d(3, 8, 3, padding=1), part
        self.second, self.head = nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.second(self.part(self.first(x)))).mean((2, 3)))


class Row(nn.Module):
    """A part on tokens (2, 16, 8), between a patch embedding and a residual linear layer."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.first, self.part = nn.Conv2d(3, 8, 4, 4), part
        self.second, self.head = nn.Linear(8, 8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.part(self.first(x).flatten(2).transpose(1, 2))
        return self.head((x + F.gelu(self.second(x))).mean(1))


def on(host: type[nn.Module], make_a: Callable[[], nn.Module], make_b: Callable[[], nn.Module]) -> Pair:
    return lambda: (host(make_a()), host(make_b()))


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape))


def affine(function: Callable[..., Tensor]) -> Callable[[], nn.Module]:
    return lambda: Run(function, w=weight(8), b=weight(8))


def plain(function: Callable[[Tensor], Tensor]) -> Callable[[], nn.Module]:
    return lambda: Run(lambda self, x: function(x))


def with_conv(function: Callable[..., Tensor]) -> Callable[[], nn.Module]:
    return lambda: Run(function, c=nn.Conv2d(8, 8, 1))


def with_qkv(function: Callable[..., Tensor]) -> Callable[[], nn.Module]:
    return lambda: Run(function, qkv=nn.Linear(8, 24), proj=nn.Linear(8, 8))


def with_gates(halves: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Callable[[], nn.Module]:
    def gated(self: Run, x: Tensor) -> Tensor:
        value, gate = halves(self.l(x))
        return value * gate.sigmoid()

    return lambda: Run(gated, l=nn.Linear(8, 16))


def centred(x: Tensor, dim: int = -1) -> Tensor:
    return x - x.mean(dim, keepdim=True)


def variance(x: Tensor, dim: int = -1, *, unbiased: bool = False) -> Tensor:
    return x.var(dim, keepdim=True, unbiased=unbiased)


def when_training(function: Callable[[Tensor], Tensor]) -> Callable[[], nn.Module]:
    return lambda: Run(lambda self, x: function(x) if self.training else x)


def dropped_path(drawn: Callable[[Tensor], Tensor]) -> Callable[[], nn.Module]:
    """A residual branch that a mask, drawn from an empty tensor of its shape, may leave out."""
    return with_conv(lambda self, x: x + self.c(x) * drawn(x.new_empty(len(x), 1, 1, 1)) if self.training
                     else x + self.c(x))  # fmt: skip


def first_channels_norm(self: Run, x: Tensor) -> Tensor:
    deviation = x - x.mean(1, keepdim=True)
    x = deviation / torch.sqrt(deviation.pow(2).mean(1, keepdim=True) + 1e-6)
    return self.w[:, None, None] * x + self.b[:, None, None]


def attention(self: Run, x: Tensor) -> Tensor:
    n, length, width = x.shape
    q, k, v = self.qkv(x).reshape(n, length, 3, 2, 4).permute(2, 0, 3, 1, 4)
    return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, length, width))


def attention_by_einsum(self: Run, x: Tensor) -> Tensor:
    n, length, _ = x.shape
    q, k, v = self.qkv(x).reshape(n, length, 3, 2, 4).unbind(2)
    weights = (torch.einsum("nlhd,nmhd->nhlm", q, k) * 0.5).softmax(-1)
    return self.proj(torch.einsum("nhlm,nmhd->nlhd", weights, v).flatten(2))


def attention_by_head(self: Run, x: Tensor) -> Tensor:
    n, length, width = x.shape
    q, k, v = self.qkv(x).reshape(n, length, 2, 3, 4).permute(3, 0, 2, 1, 4)
    return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, length, width))


def attention_in_pieces(self: Run, x: Tensor) -> Tensor:
    n, length, width = x.shape
    q, k, v = self.qkv(x).view(n, length, 2, 12).transpose(1, 2).chunk(3, -1)
    return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, length, width))


def attended(self: Run, x: Tensor, *parts: Tensor) -> Tensor:
    q, k, v = (part.view(*x.shape[:2], 2, 4).transpose(1, 2) for part in parts)
    return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def unfolded(self: Run, x: Tensor) -> Tensor:
    return (self.kernel.flatten(1) @ F.unfold(x, 3, padding=1)).reshape(x.shape)


def in_patches(self: Run, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    patches = x.reshape(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(n, h // 4, w // 4, 16 * c)
    return self.l(patches).permute(0, 3, 1, 2)


def softmax(x: Tensor) -> Tensor:
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def gate_of_maps(self: Run, x: Tensor) -> Tensor:
    return x * torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))


def gate_of_rows(self: Run, x: Tensor) -> Tensor:
    return x * torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3))))))[:, :, None, None]


def one_mask(self: Run, x: Tensor) -> Tensor:
    mask = torch.empty_like(x).bernoulli_(0.9) / 0.9 if self.training else 1.0
    return self.c(x) * mask + x * mask


def two_masks(self: Run, x: Tensor) -> Tensor:
    return F.dropout(self.c(x), 0.1, self.training) + F.dropout(x, 0.1, self.training)


def layer_norm() -> nn.Module:
    return nn.LayerNorm(8)


def timm_path(x: Tensor) -> Tensor:
    return x.bernoulli_(0.9).div_(0.9)


WITH_A_RULE: dict[str, Pair] = {
    "layer norm": on(Row, layer_norm, affine(
        lambda self, x: centred(x) / torch.sqrt(variance(x) + 1e-5) * self.w + self.b)),
    "layer norm by a reciprocal root": on(Row, layer_norm, affine(
        lambda self, x: self.w * (centred(x) * torch.rsqrt((centred(x) ** 2).mean(-1, keepdim=True) + 1e-5)) + self.b)),
    "layer norm over channels": on(Map, lambda: Run(
        lambda self, x: self.n(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), n=nn.LayerNorm(8, eps=1e-6)),
        affine(first_channels_norm)),
    "rms norm": on(Row, lambda: nn.RMSNorm(8, eps=1e-6), lambda: Run(
        lambda self, x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.w, w=weight(8))),
    "1×1 convolution as linear": on(Map, lambda: nn.Conv2d(8, 8, 1), lambda: Run(
        lambda self, x: self.l(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), l=nn.Linear(8, 8))),
    "1×1 convolution as einsum": on(Map, lambda: nn.Conv2d(8, 8, 1, bias=False), lambda: Run(
        lambda self, x: torch.einsum("nchw,oc->nohw", x, self.w), w=weight(8, 8))),
    "1×1 convolution as a product": on(Map, lambda: nn.Conv2d(8, 8, 1, bias=False), lambda: Run(
        lambda self, x: (self.w @ x.flatten(2)).reshape(x.shape), w=weight(8, 8))),
    "layer scale as a convolution": on(
        Map, lambda: Run(lambda self, x: x * self.w, w=weight(8, 1, 1)),
        lambda: nn.Conv2d(8, 8, 1, groups=8, bias=False)),
    "squeeze and excitation by linear": on(
        Map, lambda: Run(gate_of_maps, down=nn.Conv2d(8, 4, 1), up=nn.Conv2d(4, 8, 1)),
        lambda: Run(gate_of_rows, down=nn.Linear(8, 4), up=nn.Linear(4, 8))),
    "linear as einsum": on(Row, lambda: nn.Linear(8, 8), lambda: Run(
        lambda self, x: torch.einsum("nli,oi->nlo", x, self.w) + self.b, w=weight(8, 8), b=weight(8))),
    "attention by einsum": on(Row, with_qkv(attention), with_qkv(attention_by_einsum)),
    "softmax": on(Row, lambda: nn.Softmax(-1), plain(softmax)),
    "gated linear unit": on(Row, plain(lambda x: F.glu(torch.cat([x, 2 * x], -1))), plain(
        lambda x: x * torch.sigmoid(2 * x))),
    "interpolation": on(Map, with_conv(lambda self, x: torch.lerp(x, self.c(x), 0.3)), with_conv(
        lambda self, x: 0.7 * x + 0.3 * self.c(x))),
    "sum of a stack": on(Map, with_conv(lambda self, x: x + self.c(x)), with_conv(
        lambda self, x: torch.stack([x, self.c(x)]).sum(0))),
    "dropout by >": on(Row, lambda: nn.Dropout(0.1), when_training(lambda x: x * (torch.rand_like(x) > 0.1) / 0.9)),
    "dropout by <": on(Row, lambda: nn.Dropout(0.1), when_training(
        lambda x: x * (torch.rand_like(x) < 0.9).to(x.dtype) / 0.9)),
    "dropout by filling": on(Row, lambda: nn.Dropout(0.1), when_training(
        lambda x: x.masked_fill(torch.rand_like(x) < 0.1, 0) / 0.9)),
    "dropout of maps": on(Map, lambda: nn.Dropout2d(0.1), when_training(
        lambda x: x * x.new_empty(len(x), 8, 1, 1).bernoulli_(0.9) / 0.9)),
    "drop path by a floor": on(Map, dropped_path(timm_path), dropped_path(
        lambda x: (torch.rand_like(x) + 0.9).floor() / 0.9)),
    "drop path by <": on(Map, dropped_path(timm_path), dropped_path(
        lambda x: (torch.rand_like(x) < 0.9).to(x.dtype) / 0.9)),
    "drop path by dropout": on(Map, dropped_path(timm_path), dropped_path(
        lambda x: F.dropout(torch.ones_like(x), 0.1, True))),
    "q, k and v by head": on(Row, with_qkv(attention), with_qkv(attention_by_head)),
    "q, k and v by head, in pieces of the last dim": on(Row, with_qkv(attention), with_qkv(attention_in_pieces)),
    "q, k and v by head for three layers": on(Row, lambda: Run(
        lambda self, x: attended(self, x, self.q(x), self.k(x), self.v(x)),
        q=nn.Linear(8, 8), k=nn.Linear(8, 8), v=nn.Linear(8, 8), proj=nn.Linear(8, 8)), with_qkv(attention_by_head)),
    "gates side by side and in turn": on(Row, with_gates(lambda y: y.chunk(2, -1)), with_gates(
        lambda y: (y[..., ::2], y[..., 1::2]))),
}  # fmt: skip
"""The same function, and a rule of the canonical form says so."""

WITHOUT_A_RULE: dict[str, Pair] = {
    "convolution by unfolding": on(
        Map, lambda: nn.Conv2d(8, 8, 3, padding=1, bias=False), lambda: Run(unfolded, kernel=weight(8, 8, 3, 3))),
    "grouped convolution in two": on(
        Map, lambda: nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False),
        lambda: Run(lambda self, x: torch.cat([self.a(x[:, :4]), self.b(x[:, 4:])], 1),
                    a=nn.Conv2d(4, 4, 3, padding=1, bias=False), b=nn.Conv2d(4, 4, 3, padding=1, bias=False))),
    "patches by linear": on(Map, lambda: nn.Conv2d(8, 8, 4, 4), lambda: Run(in_patches, l=nn.Linear(128, 8))),
    "parametric relu": on(Map, lambda: nn.PReLU(8), lambda: Run(
        lambda self, x: F.relu(x) - self.w.view(1, -1, 1, 1) * F.relu(-x), w=weight(8))),
    "relu by the absolute value": on(Map, nn.ReLU, plain(lambda x: (x + x.abs()) / 2)),
    "tanh by sigmoid": on(Map, nn.Tanh, plain(lambda x: 2 * torch.sigmoid(2 * x) - 1)),
    "gelu by erfc": on(Map, nn.GELU, plain(lambda x: 0.5 * x * torch.erfc(-x / math.sqrt(2)))),
    "pooling by reshaping": on(Map, lambda: nn.MaxPool2d(2), plain(
        lambda x: x.reshape(len(x), 8, 8, 2, 8, 2).amax((3, 5)))),
    "pooling twice": on(Map, lambda: nn.MaxPool2d(5, 1, 2), lambda: nn.Sequential(
        nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(3, 1, 1))),
    "a factored second-order term": on(Map, with_conv(lambda self, x: self.c(x) + x + self.c(x) * x), with_conv(
        lambda self, x: (self.c(x) + 1) * (x + 1) - 1)),
    "gates side by side and by their places": on(Row, with_gates(lambda y: y.chunk(2, -1)), with_gates(
        lambda y: (y[..., torch.arange(0, 16, 2)], y[..., torch.arange(1, 16, 2)]))),
}  # fmt: skip
"""The same function for some correspondence of the weights, and no rule says so."""

LOOK_ALIKES: dict[str, Pair] = {
    "layer norm with the unbiased variance": on(Row, layer_norm, affine(
        lambda self, x: centred(x) / torch.sqrt(variance(x, unbiased=True) + 1e-5) * self.w + self.b)),
    "layer norm with eps outside the root": on(Row, layer_norm, affine(
        lambda self, x: centred(x) / (variance(x).sqrt() + 1e-5) * self.w + self.b)),
    "layer norm with another eps": on(Row, layer_norm, affine(
        lambda self, x: centred(x) / torch.sqrt(variance(x) + 1e-3) * self.w + self.b)),
    "layer norm with the bias first": on(Row, layer_norm, affine(
        lambda self, x: (centred(x) / torch.sqrt(variance(x) + 1e-5) + self.b) * self.w)),
    "layer norm over tokens": on(Row, layer_norm, affine(
        lambda self, x: centred(x, 1) / torch.sqrt(variance(x, 1) + 1e-5) * self.w + self.b)),
    "layer norm that does not centre": on(Row, layer_norm, affine(
        lambda self, x: x / torch.sqrt(variance(x) + 1e-5) * self.w + self.b)),
    "rms norm for layer norm": on(
        Row, lambda: nn.RMSNorm(8, eps=1e-5), lambda: nn.LayerNorm(8, eps=1e-5, bias=False)),
    "linear over the wrong axes": on(Map, lambda: nn.Conv2d(8, 8, 1), lambda: Run(
        lambda self, x: self.l(x.permute(0, 3, 2, 1)).permute(0, 3, 1, 2), l=nn.Linear(8, 8))),
    "1×1 convolution and a relu": on(Map, lambda: nn.Conv2d(8, 8, 1), lambda: Run(
        lambda self, x: F.relu(self.l(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)), l=nn.Linear(8, 8))),
    "dropout at another rate": on(Row, lambda: nn.Dropout(0.1), when_training(
        lambda x: x * (torch.rand_like(x) < 0.8).to(x.dtype) / 0.8)),
    "dropout without its factor": on(Row, lambda: nn.Dropout(0.1), when_training(
        lambda x: x * (torch.rand_like(x) > 0.1))),
    "dropout of whole tokens": on(Row, lambda: nn.Dropout(0.1), when_training(
        lambda x: x * (torch.rand(*x.shape[:2], 1, dtype=x.dtype) > 0.1) / 0.9)),
    "dropout of maps for dropout": on(Map, lambda: nn.Dropout2d(0.1), lambda: nn.Dropout(0.1)),
    "drop path at another rate": on(Map, dropped_path(timm_path), dropped_path(
        lambda x: (torch.rand_like(x) < 0.8).to(x.dtype) / 0.8)),
    "drop path for each channel": on(Map, dropped_path(timm_path), dropped_path(
        lambda x: x.new_empty(len(x), 8, 1, 1).bernoulli_(0.9) / 0.9)),
    "one mask for two": on(Map, with_conv(one_mask), with_conv(two_masks)),
    "interpolation the other way": on(Map, with_conv(lambda self, x: torch.lerp(x, self.c(x), 0.3)), with_conv(
        lambda self, x: 0.3 * x + 0.7 * self.c(x))),
}  # fmt: skip
"""Different functions, or different random ones, that resemble each other."""
