"""Small networks of many designs, made of named parts that a rewrite or a planted difference can exchange."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INPUT = (2, 3, 16, 16)


class Add(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b


class Cat(nn.Module):
    def forward(self, *values: Tensor) -> Tensor:
        return torch.cat(values, 1)


class Flatten(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(x, 1)


class Tokens(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2)


class Residual(nn.Module):
    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, after: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut, self.join = body, shortcut or nn.Identity(), Add()
        self.after = after or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.join(self.body(x), self.shortcut(x)))


class Dense(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body, self.join = body, Cat()

    def forward(self, x: Tensor) -> Tensor:
        return self.join(x, self.body(x))


class Branches(nn.Module):
    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches, self.join = nn.ModuleList(branches), Cat()

    def forward(self, x: Tensor) -> Tensor:
        return self.join(*(branch(x) for branch in self.branches))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        out = F.scaled_dot_product_attention(q, k, v, scale=self.scale)
        return self.proj(out.transpose(1, 2).reshape(n, length, width))


class Gate(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pool, self.squeeze, self.act = nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, width // 2, 1), nn.ReLU()
        self.excite, self.gate = nn.Conv2d(width // 2, width, 1), nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.excite(self.act(self.squeeze(self.pool(x)))))


class ChannelNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Scale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width, 1, 1), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Mixer(nn.Module):
    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.norm, self.mix = nn.LayerNorm(width), mlp(length, 2 * length)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(self.norm(x).transpose(1, 2)).transpose(1, 2)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.middle = unit(3, 8), unit(8, 16), unit(16, 16)
        self.pool, self.up = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
        self.join2, self.join1 = Cat(), Cat()
        self.up2, self.up1, self.head = unit(32, 8), unit(16, 8), nn.Conv2d(8, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        high = self.down1(x)
        two = self.down2(self.pool(high))
        low = self.middle(self.pool(two))
        two = self.up2(self.join2(self.up(low), two))
        return self.head(self.up1(self.join1(self.up(two), high)))


class Position(nn.Module):
    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(1, length, width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table


class MeanTokens(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


def conv(width_in: int, width_out: int, size: int = 3, **kwargs: int) -> nn.Conv2d:
    return nn.Conv2d(width_in, width_out, size, padding=size // 2, bias=False, **kwargs)


def unit(width_in: int, width_out: int, act: Callable[[], nn.Module] = nn.ReLU, **kwargs: int) -> nn.Sequential:
    return nn.Sequential(conv(width_in, width_out, **kwargs), nn.BatchNorm2d(width_out), act())


def mlp(width: int, hidden: int, rate: float = 0.0) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(rate), nn.Linear(hidden, width))


def head(width: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), Flatten(), nn.Linear(width, 10))


def basic(width_in: int, width: int, stride: int = 1) -> Residual:
    body = nn.Sequential(*unit(width_in, width, stride=stride), conv(width, width), nn.BatchNorm2d(width))
    shortcut = None
    if stride > 1 or width_in != width:
        shortcut = nn.Sequential(conv(width_in, width, 1, stride=stride), nn.BatchNorm2d(width))
    return Residual(body, shortcut, nn.ReLU())


def plain() -> nn.Module:
    return nn.Sequential(*unit(3, 8), nn.MaxPool2d(2), *unit(8, 16), nn.AvgPool2d(3, 2, 1), *unit(16, 16), *head(16))


def resnet() -> nn.Module:
    return nn.Sequential(
        unit(3, 8), basic(8, 8), basic(8, 8), basic(8, 16, 2), basic(16, 16), basic(16, 24, 2), head(24)
    )


def resnext() -> nn.Module:
    def block(width: int) -> Residual:
        body = nn.Sequential(*unit(width, 8, size=1), *unit(8, 8, groups=4), conv(8, width, 1), nn.BatchNorm2d(width))
        return Residual(body, None, nn.ReLU())

    return nn.Sequential(unit(3, 16), nn.MaxPool2d(3, 2, 1), block(16), block(16), block(16), head(16))


def densenet() -> nn.Module:
    def layer(width: int) -> Dense:
        return Dense(nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), conv(width, 4), nn.Dropout(0.2)))

    transition = nn.Sequential(nn.BatchNorm2d(16), nn.ReLU(), conv(16, 8, 1), nn.AvgPool2d(2))
    return nn.Sequential(conv(3, 8), layer(8), layer(12), transition, layer(8), layer(12), nn.BatchNorm2d(16),
                         nn.ReLU(), head(16))  # fmt: skip


def mobilenet2() -> nn.Module:
    def block(width: int) -> Residual:
        body = nn.Sequential(*unit(width, 16, nn.ReLU6, size=1), *unit(16, 16, nn.ReLU6, groups=16), conv(16, width, 1),
                             nn.BatchNorm2d(width))  # fmt: skip
        return Residual(body)

    return nn.Sequential(unit(3, 8, nn.ReLU6, stride=2), block(8), block(8), unit(8, 16, nn.ReLU6, size=1), head(16))


def mobilenet3() -> nn.Module:
    def block(width: int) -> Residual:
        body = nn.Sequential(*unit(width, 16, nn.Hardswish, size=1), *unit(16, 16, nn.Hardswish, groups=16), Gate(16),
                             conv(16, width, 1), nn.BatchNorm2d(width))  # fmt: skip
        return Residual(body)

    return nn.Sequential(unit(3, 8, nn.Hardswish, stride=2), block(8), block(8), head(8))


def vgg() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), Flatten(),
        nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10),
    )  # fmt: skip


def vit() -> nn.Module:
    def block(width: int) -> nn.Sequential:
        return nn.Sequential(
            Residual(nn.Sequential(nn.LayerNorm(width), Attention(width, 2))),
            Residual(nn.Sequential(nn.LayerNorm(width), mlp(width, 2 * width, 0.1))),
        )

    return nn.Sequential(nn.Conv2d(3, 12, 4, 4), Tokens(), Position(16, 12), block(12), block(12), nn.LayerNorm(12),
                         MeanTokens(), nn.Linear(12, 10))  # fmt: skip


def convnext() -> nn.Module:
    def block(width: int) -> Residual:
        body = nn.Sequential(nn.Conv2d(width, width, 7, padding=3, groups=width), ChannelNorm(width), nn.Conv2d(
            width, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, width, 1), Scale(width))  # fmt: skip
        return Residual(body)

    return nn.Sequential(nn.Conv2d(3, 8, 4, 4), ChannelNorm(8), block(8), block(8), head(8))


def inception() -> nn.Module:
    def block(width: int) -> Branches:
        return Branches(unit(width, 4, size=1), nn.Sequential(unit(width, 4, size=1), unit(4, 8)),
                        nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(width, 4, size=1)))  # fmt: skip

    return nn.Sequential(unit(3, 16), block(16), nn.MaxPool2d(2), block(16), head(16))


def preact() -> nn.Module:
    def block(width: int) -> Residual:
        return Residual(nn.Sequential(nn.GroupNorm(2, width), nn.SiLU(), conv(width, width), nn.GroupNorm(2, width),
                                      nn.SiLU(), conv(width, width)))  # fmt: skip

    return nn.Sequential(
        conv(3, 8), block(8), block(8), nn.AvgPool2d(2), block(8), nn.GroupNorm(2, 8), nn.SiLU(), head(8)
    )


def mixer() -> nn.Module:
    def block() -> nn.Sequential:
        return nn.Sequential(Mixer(16, 12), Residual(nn.Sequential(nn.LayerNorm(12), mlp(12, 24, 0.1))))

    return nn.Sequential(nn.Conv2d(3, 12, 4, 4), Tokens(), block(), block(), nn.LayerNorm(12), MeanTokens(),
                         nn.Linear(12, 10))  # fmt: skip


ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    build.__name__: build
    for build in (
        plain,
        resnet,
        resnext,
        densenet,
        mobilenet2,
        mobilenet3,
        vgg,
        vit,
        convnext,
        inception,
        preact,
        mixer,
    )
} | {"unet": UNet}
