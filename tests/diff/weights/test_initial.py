"""Initial values of weights, and of buffers that a forward pass changes: by their distribution, not by two moments."""

import torch
from torch import nn

from diagnose.values import Significance


def started(compare, a, b, shape=(2, 64)):
    answer = compare(a, b, shape=shape, initial=True)
    return [item for item in answer.findings if item.kind == "initial weights"]


def network(*deviations: float, draw=nn.init.normal_) -> nn.Module:
    layers = [nn.Linear(64, 64, bias=False) for _ in deviations]
    torch.manual_seed(3)
    for layer, deviation in zip(layers, deviations, strict=True):
        draw(layer.weight)
        with torch.no_grad():
            layer.weight.mul_(deviation)
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))


def test_zeros_are_counted_by_themselves(compare) -> None:
    (found,) = started(compare, network(0.05, 0.05, 0.0), network(0.1, 0.1, 0.1))

    assert "0 → random in 1 of 3" in found.message
    assert found.count == 3


def test_the_same_draws_are_equal(compare) -> None:
    assert not started(compare, network(0.1, 0.1), network(0.1, 0.1))


def test_another_distribution_of_the_same_deviation_differs(compare) -> None:
    def uniform(tensor):
        return nn.init.uniform_(tensor, -(3**0.5), 3**0.5)

    torch.manual_seed(0)
    a, b = nn.Linear(256, 256, bias=False), nn.Linear(256, 256, bias=False)
    nn.init.normal_(a.weight), uniform(b.weight)

    (found,) = started(compare, a, b, shape=(2, 256))
    assert found.verdict is Significance.REAL


def test_other_starts_of_running_statistics_differ(compare) -> None:
    def norm(mean: float) -> nn.Module:
        made = nn.Sequential(nn.BatchNorm1d(64))
        nn.init.constant_(made[0].running_mean, mean)
        return made

    assert not started(compare, norm(0.0), norm(0.0))
    (found,) = started(compare, norm(0.0), norm(1.0))
    assert found.where == ("batch norm running statistics",)


class Teacher(nn.Module):
    """Holds a running average of what it saw, from a start of its own."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.l = nn.Linear(64, 64)
        self.register_buffer("centre", torch.full((64,), start))
        nn.init.zeros_(self.l.weight), nn.init.zeros_(self.l.bias)

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.centre.lerp_(x.mean(0), 0.1)
        return self.l(x - self.centre)


def test_other_starts_of_a_buffer_that_changes_differ(compare) -> None:
    assert not started(compare, Teacher(0.0), Teacher(0.0))
    assert len(started(compare, Teacher(0.0), Teacher(1.0))) == 1
