"""A case of toy models that are built in milliseconds."""

import pytest

MODELS = '''
import torch
from torch import nn


class Square(nn.Module):
    """One layer, then its Hadamard product with another: degree 2."""

    def __init__(self, width=224):
        super().__init__()
        self.one, self.other = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        return self.one(x) * self.other(x)


class Stack(nn.Module):
    def __init__(self, width=224, depth=3, activation=False):
        super().__init__()
        self.blocks = nn.Sequential(*(Square(width) for _ in range(depth)))
        self.act = nn.ReLU() if activation else nn.Identity()
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        return self.head(self.act(self.blocks(x)))


def stack(width=224, depth=3, activation=False):
    return Stack(width, depth, activation)


def broken():
    raise RuntimeError("the plug is not in")
'''


@pytest.fixture
def toys(tmp_path):
    path = tmp_path / "toys.py"
    path.write_text(MODELS)
    return path
