"""The weight mapping: fused, transposed and renamed weights find their places."""

import copy

import pytest
import torch
from torch import nn

from diagnose.diff.compare import Model, compare_networks
from diagnose.diff.proof.random_weights import state_of
from diagnose.diff.weights.mapping import transplant
from diagnose.values import InputSpec
from tests.diff.architectures import ARCHITECTURES, INPUT, Attention
from tests.diff.edit import of, swap
from tests.diff.rewrites import REWRITES, separate_qkv, transposed_linear


@pytest.mark.parametrize("kind", ["q, k and v apart", "torch's own attention", "linear as a product", "renamed"])
def test_a_transplant_makes_the_twin_compute_the_same(kind) -> None:
    original = ARCHITECTURES["vit"]().eval()
    twin = copy.deepcopy(original)
    REWRITES[kind](twin)
    for parameter in twin.parameters():
        nn.init.normal_(parameter)

    moved = compare_networks(Model("a", original), Model("b", twin), [InputSpec(INPUT)]).matches
    written = transplant(moved, state_of(original), state_of(twin.eval()))

    x = torch.randn(INPUT)
    torch.testing.assert_close(twin(x), original(x), rtol=1e-4, atol=1e-5)
    assert all(written[name] == parameter.numel() for name, parameter in twin.named_parameters())


def test_fused_weights_are_mapped_in_parts(compare) -> None:
    original = ARCHITECTURES["vit"]()
    twin = copy.deepcopy(original)
    swap(twin, of(Attention), separate_qkv)
    swap(twin, of(nn.Linear), transposed_linear, -1)

    mapping = compare(original, twin).mapping

    transforms = {(pair.a, pair.b): pair.transform for pair in mapping.pairs}
    assert transforms["3.0.body.1.qkv.weight", "3.0.body.1.k.weight"] == "[12:24] of dim 0"
    assert transforms["7.weight", "7.w"] == "into transposed"
    assert mapping.only_a == mapping.only_b == ()
