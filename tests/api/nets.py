"""Small networks of a caller's."""

import torch
from torch import nn


class Mine(nn.Module):
    """A convolution, a norm and a head, with dropout."""

    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.head(self.drop(x.mean((2, 3))))


class Theirs(nn.Module):
    """The same function, written in another way and under other names."""

    def __init__(self, width=4):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(width, 5))

    def forward(self, x):
        return self.classifier(self.pool(self.features(x)))


INPUT = "1x3x8x8"
PARAMETERS = 3 * 4 * 9 + 2 * 4 + 4 * 5 + 5
MACS = 8 * 8 * 4 * 3 * 9 + 4 * 5
