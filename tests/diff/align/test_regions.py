"""The regions of pairs that are not alike."""

from collections import Counter

import torch
from torch import nn

from diagnose.diff.align import regions


class Bent(nn.Module):
    def __init__(self, *bends) -> None:
        super().__init__()
        self.layers, self.bends = nn.ModuleList(nn.Linear(4, 4) for _ in bends), bends

    def forward(self, x):
        for layer, bend in zip(self.layers, self.bends, strict=True):
            x = bend(layer(x))
        return x


def test_each_region_is_computed_once_in_a_comparison(compare, monkeypatch) -> None:
    counts, region = Counter(), regions._region
    monkeypatch.setattr(regions, "_region", lambda side, node, matched: (
        counts.update([(id(side), node)]) or region(side, node, matched)))  # fmt: skip

    answer = compare(
        Bent(torch.tanh, torch.sin, torch.tanh), Bent(torch.sin, torch.sin, lambda x: x.sin().exp()), shape=(2, 4)
    )

    assert answer.verdict == "different"
    assert counts
    assert max(counts.values()) == 1
