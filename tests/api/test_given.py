"""Inputs in every form come to texts of shapes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import diagnose
from diagnose.api.given import input_texts


@pytest.mark.parametrize(
    ("inputs", "texts"),
    [
        (None, []),
        ("1x3x8x8", ["1x3x8x8"]),
        ((1, 3, 8, 8), ["1x3x8x8"]),
        (torch.Size([1, 3]), ["1x3"]),
        (torch.zeros(2, 3), ["2x3:float32"]),
        (torch.zeros(2, 3, dtype=torch.int64, device="meta"), ["2x3:int64"]),
        (np.zeros((2, 3), dtype=np.int32), ["2x3:int32"]),
        ([torch.zeros(1, 2), "1x5:int64"], ["1x2:float32", "1x5:int64"]),
        ([(1, 2), (1, 3)], ["1x2", "1x3"]),
        ({"ids": "1x5:int64", "mask": torch.ones(1, 5, dtype=torch.bool)}, ["ids=1x5:int64", "mask=1x5:bool"]),
        ({"batch": {"image": (1, 3), "boxes": [(4, 4), (5, 4)]}},
         ["batch.image=1x3", "batch.boxes.0=4x4", "batch.boxes.1=5x4"]),
        (({"image": (1, 3)}, (1, 4)), ["0.image=1x3", "1x4"]),
        ([[torch.zeros(1, 2), torch.zeros(1, 2)]], ["0.0=1x2:float32", "0.1=1x2:float32"]),
        (lambda: torch.zeros(1, 2), ["1x2:float32"]),
    ],
)  # fmt: skip
def test_inputs_as_texts(inputs, texts):
    assert input_texts(inputs) == texts


@pytest.mark.parametrize("inputs", [3, [None], {"a": "1x2", "b": 3.5}, torch.tensor(1.0), {(1, 2): "1x2"}])
def test_what_is_no_input_is_refused(inputs):
    with pytest.raises(diagnose.UsageError):
        input_texts(inputs)


class Batched(nn.Module):
    """Takes one dictionary by its place."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, batch, scale=1.0):
        return SimpleNamespace(out=self.layer(batch["x"]) + batch["pair"][1]).out


@pytest.mark.parametrize(
    "inputs", [[{"x": (2, 4), "pair": [(2, 2), (2, 2)]}], {"batch": {"x": (2, 4), "pair": [(2, 2), (2, 2)]}}]
)
def test_a_network_is_given_a_dictionary_by_its_place_or_by_its_name(inputs):
    net = Batched()
    assert diagnose.count_parameters(net, inputs=inputs).unused == 0
    assert diagnose.compare(net, Batched(), inputs=inputs).verdict == "equivalent"
    assert type(net) is Batched


def test_a_function_that_makes_inputs_leaves_the_random_state():
    net, before = nn.Linear(4, 2), torch.get_rng_state()
    diagnose.count_parameters(net, inputs=lambda: torch.randn(1, 4))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("network", [3, nn.Linear, None])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(diagnose.UsageError, match="A network is a"):
        diagnose.count_parameters(network)


def test_inputs_that_a_network_does_not_take_are_refused_in_words():
    with pytest.raises(diagnose.CannotRun, match="cannot run Linear"):
        diagnose.count_operations(nn.Linear(4, 2), inputs="1x5")
