"""Small networks, each with one thing that a careless count gets wrong; a user's file, as `diagnose` reads it."""

import os

import torch
from torch import nn
from torch.nn import functional as F


class Toy(nn.Module):
    """Tied, frozen, unused, bare and buffer tensors.

    embed 50·8 (tied to out), inner 8·8+8, scale 8, frozen 8·8+8, unused 5·7+7: 594 parameters.
    """

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 8)
        self.inner = nn.Linear(8, 8)
        self.out = nn.Linear(8, 50, bias=False)
        self.out.weight = self.embed.weight
        self.scale = nn.Parameter(torch.ones(8))
        self.frozen = nn.Linear(8, 8).requires_grad_(False)
        self.unused = nn.Linear(5, 7)
        self.register_buffer("mask", torch.ones(16, 16))
        self.register_buffer("temporary", torch.ones(3), persistent=False)

    def forward(self, tokens):
        return self.out(self.frozen(self.inner(self.embed(tokens))) * self.scale)


class Block(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x):
        return x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))


class Small(nn.Module):
    """One stage of equal blocks."""

    def __init__(self, depth=3, width=16, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


class HeadFirst(Small):
    """The head is registered before the stem."""

    def __init__(self):
        super().__init__()
        for name in ("fc", "blocks", "stem"):
            module = getattr(self, name)
            delattr(self, name)
            setattr(self, name, module)


class SharedBlock(Small):
    """One block called three times."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*[Block()] * 3)


class Decoder(nn.Module):
    """A language model whose output layer may be tied to its token embedding."""

    def __init__(self, tied=True, width=32, vocabulary=100, length=16, depth=3):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(length, width)
        layers = (nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True) for _ in range(depth))
        self.h = nn.ModuleList(layers)
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        if tied:
            self.lm_head.weight = self.wte.weight

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1], device=tokens.device))
        for layer in self.h:
            x = layer(x)
        return self.lm_head(self.ln_f(x))


def resnet18_of(width=64):
    """torchvision's ResNet-18 with every width scaled, built by its own block class."""
    from torchvision.models.resnet import BasicBlock, ResNet

    model = ResNet(BasicBlock, [2, 2, 2, 2])
    model.inplanes = width
    model.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
    model.bn1 = nn.BatchNorm2d(width)
    for i in range(4):
        layer = model._make_layer(BasicBlock, width * 2**i, 2, stride=1 if i == 0 else 2)
        setattr(model, f"layer{i + 1}", layer)
    model.fc = nn.Linear(width * 8, 1000)
    return model


class Empty(nn.Module):
    def forward(self, x):
        return x


def single():
    return nn.Linear(4, 3)


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.LazyConv2d(8, 3)
        self.fc = nn.LazyLinear(10)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


class Hostile(nn.Module):
    def __init__(self):
        super().__init__()
        for name in ("[bold]x[/bold]", "a|b\nc", "\x1b[31mred"):
            self.add_module(name, nn.Linear(4, 4))
        self.register_parameter("<script>alert(1)</script>", nn.Parameter(torch.ones(2)))

    def forward(self, x):
        for module in self.children():
            x = module(x)
        return x


class Raises(nn.Module):
    """Its forward pass fails."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        raise RuntimeError("no forward\nsecond line")


def broken():
    raise RuntimeError("this code is broken")


class Loud(nn.Module):
    """Prints from Python, from C and from a child process, while it is built and while it runs."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(32, 3)
        self._shout()

    def _shout(self):
        print("LOUD python")
        os.write(1, b"LOUD descriptor\n")
        os.system("echo LOUD shell")

    def forward(self, x):
        self._shout()
        return self.fc(x)
