"""Masks of attention that no input decides: spelled in many ways, and what only resembles them."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from diagnose.diff.compare import Model, diff
from diagnose.values import InputSpec
from tests.diff.edit import Run

LENGTH = 6
LATER = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)


class Attending(nn.Module):
    """Attention whose queries, keys and values go through a function, with a mask in a buffer."""

    def __init__(self, function) -> None:
        super().__init__()
        self.qkv, self.out, self.function = nn.Linear(16, 48), nn.Linear(16, 16), function
        self.register_buffer("later", LATER.clone(), persistent=False)
        self.register_buffer("added", torch.zeros(1, 1, 9, 9).masked_fill(~torch.ones(9, 9).tril().bool(), -torch.inf),
                             persistent=False)  # fmt: skip

    def forward(self, x):
        n, length, _ = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, 4, 4).permute(2, 0, 3, 1, 4)
        return self.out(self.function(self, q, k, v).transpose(1, 2).reshape(n, length, 16))


def spelled(hide):
    return lambda m, q, k, v: hide(m, q @ k.mT / 2).softmax(-1) @ v


def fused(mask=lambda m: None, **options):
    return lambda m, q, k, v: F.scaled_dot_product_attention(q, k, v, mask(m), **options)


def ones() -> torch.Tensor:
    return torch.ones(LENGTH, LENGTH, dtype=torch.bool)


LOWEST = torch.finfo(torch.float32).min

CAUSAL = {
    "is_causal": fused(is_causal=True),
    "truths": fused(lambda m: ones().tril()),
    "by positions": fused(lambda m: (torch.arange(LENGTH)[:, None] >= torch.arange(LENGTH))[None, None]),
    "a buffer of −∞, cut": fused(lambda m: m.added[:, :, :LENGTH, :LENGTH]),
    "filled with −∞": spelled(lambda m, s: s.masked_fill(~ones().tril(), -torch.inf)),
    "filled by a buffer": spelled(lambda m, s: s.masked_fill(m.later, LOWEST)),
    "a choice by truths": spelled(lambda m, s: torch.where(ones().tril(), s, torch.full([], LOWEST))),
    "a sum": spelled(lambda m, s: s + torch.full((LENGTH, LENGTH), LOWEST).triu(1)),
    "a product of truths": spelled(lambda m, s: s + (1.0 - ones().tril().float()) * LOWEST),
}
FULL = {
    "nothing": fused(),
    "all true": fused(lambda m: (torch.arange(LENGTH)[None] >= 0).expand(2, 1, LENGTH, LENGTH)),
    "zeros": fused(lambda m: torch.zeros(LENGTH, LENGTH)),
    "filled nowhere": spelled(lambda m, s: s.masked_fill(~ones(), -torch.inf)),
    "zeros added": spelled(lambda m, s: s + (1.0 - ones().float()) * LOWEST),
}
OTHERS = {
    "later keys alone": fused(lambda m: ones().triu()),
    "one key more": fused(lambda m: ones().tril(1)),
    "a window": fused(lambda m: ones().tril() & ~ones().tril(-3)),
    "filled with zeros": spelled(lambda m, s: s.masked_fill(m.later, 0.0)),
    "lowered a little": spelled(lambda m, s: s - 3.0 * m.later),
    "a bias by distance": spelled(lambda m, s: s + torch.arange(6.0)[None] * 0.1),
}


def compared(function_a, function_b):
    torch.manual_seed(0)
    models = Model("a", Attending(function_a)), Model("b", Attending(function_b))
    return diff(*models, [InputSpec((2, LENGTH, 16))], initial=False)


@pytest.mark.parametrize("name", [name for name in CAUSAL if name != "is_causal"])
def test_causal_masks_are_one(name) -> None:
    assert compared(CAUSAL["is_causal"], CAUSAL[name]).verdict == "equivalent"


@pytest.mark.parametrize("name", [name for name in FULL if name != "nothing"])
def test_masks_that_hide_nothing_are_none(name) -> None:
    assert compared(FULL["nothing"], FULL[name]).verdict == "equivalent"


@pytest.mark.parametrize("name", OTHERS)
def test_other_masks_are_different(name) -> None:
    assert compared(CAUSAL["is_causal"], OTHERS[name]).verdict == "different"


def test_two_windows_are_one() -> None:
    added = spelled(lambda m, s: s + torch.full((LENGTH, LENGTH), -torch.inf).triu(1)
                    + torch.full((LENGTH, LENGTH), -torch.inf).tril(-3))  # fmt: skip

    assert compared(OTHERS["a window"], added).verdict == "equivalent"


def test_a_query_that_sees_nothing_is_left_as_it_is_written() -> None:
    hidden = ones().tril()
    hidden[0] = False
    answer = compared(fused(lambda m: hidden.clone()), spelled(lambda m, s: s.masked_fill(~hidden, LOWEST)))

    assert answer.verdict != "equivalent"


def test_a_table_that_is_computed_is_one_that_is_held() -> None:
    def table(self, x):
        angles = torch.arange(6.0)[:, None] * 100.0 ** (-torch.arange(0.0, 16, 2) / 16)
        return self.line(x + torch.cat((angles.sin(), angles.cos()), -1) * self.scale)

    def held(base):
        module = Run(lambda self, x: self.line(x + self.table * self.scale), line=nn.Linear(16, 4), scale=1.0)
        angles = torch.arange(6.0)[:, None] / base ** (torch.arange(0.0, 16, 2) / 16)
        module.register_buffer("table", torch.cat((angles.sin(), angles.cos()), -1), persistent=False)
        return Model("b", module)

    computed = Model("a", Run(table, line=nn.Linear(16, 4), scale=1.0))
    verdicts = [diff(computed, held(base), [InputSpec((2, 6, 16))], initial=False).verdict for base in (100.0, 90.0)]

    assert verdicts == ["equivalent", "different"]
