"""What differs in training alone: hooks on gradients, detached values, and which weights are trained."""

import copy

import pytest
import torch
from torch import nn

from diagnose.values import Significance


def network(edit=lambda module: None) -> nn.Module:
    made = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    edit(made)
    return made


def real(answer) -> dict[str, int]:
    return {item.kind: item.count for item in answer.findings if item.verdict is Significance.REAL}


def halved(module) -> None:
    module[0].weight.register_hook(lambda gradient: gradient / 2)


def observed(module) -> None:
    module[0].weight.register_hook(lambda gradient: None)


def reversed_backwards(module) -> None:
    module[2].register_full_backward_hook(lambda layer, inputs, outputs: (-inputs[0],))


@pytest.mark.parametrize(("edit", "touched"), [(halved, 1), (reversed_backwards, 2)])
def test_a_hook_that_changes_gradients_is_real(edit, touched, compare) -> None:
    answer = compare(network(), network(edit), shape=(2, 8))

    assert answer.verdict == "different"
    assert real(answer) == {"gradients": touched}


@pytest.mark.parametrize("edit", [halved, observed, reversed_backwards])
def test_a_network_with_a_hook_equals_itself(edit, compare) -> None:
    made = network(edit)

    assert compare(made, network(edit), shape=(2, 8)).verdict == "equivalent"
    assert made[0].weight.grad is None


def test_a_hook_that_only_looks_changes_nothing(compare) -> None:
    assert compare(network(), network(observed), shape=(2, 8)).verdict == "equivalent"


def test_a_hook_after_the_gradient_is_undetermined_and_named(compare) -> None:
    made = network()
    made[0].weight.register_post_accumulate_grad_hook(lambda parameter: None)
    answer = compare(network(), made, shape=(2, 8))

    assert answer.verdict == "undetermined"
    assert [item.where for item in answer.findings if item.kind == "gradients"] == [("0.weight",)]


class Detached(nn.Module):
    """Uses a value, or a weight, twice: one use may be without a gradient."""

    def __init__(self, detached: str = "") -> None:
        super().__init__()
        self.l, self.m, self.detached = nn.Linear(8, 8), nn.Linear(8, 8), detached

    def forward(self, x):
        y = self.l(x)
        z = y.detach() if self.detached == "value" else y
        weight = self.l.weight.detach() if self.detached == "weight" else self.l.weight
        return self.m(z).tanh() * y + nn.functional.linear(x, weight)


@pytest.mark.parametrize("detached", ["value", "weight"])
def test_one_use_without_a_gradient_is_real(detached, compare) -> None:
    assert compare(Detached(), Detached(detached), shape=(2, 8)).verdict == "different"
    assert compare(Detached(detached), Detached(detached), shape=(2, 8)).verdict == "equivalent"


class Freezing(nn.Sequential):
    """Freezes its first layer whenever it is put into train mode, as backbones of detectors do."""

    def train(self, mode: bool = True):
        super().train(mode)
        if mode:
            self[0].requires_grad_(False)
        return self


def frozen(module) -> None:
    module[0].requires_grad_(False)


def test_a_frozen_layer_is_real_and_named(compare) -> None:
    answer = compare(network(), network(frozen), shape=(2, 8))

    assert answer.verdict == "different"
    assert real(answer) == {"training": 2}
    assert {place for item in answer.findings for place in item.where if item.kind == "training"} == {
        "0.weight", "0.bias",
    }  # fmt: skip


def test_a_layer_frozen_by_train_is_real(compare) -> None:
    made = Freezing(*network())
    answer = compare(network(), made, shape=(2, 8))

    assert real(answer) == {"training": 2}
    assert made[0].weight.requires_grad


def test_frozen_in_both_after_train_is_no_difference_but_is_mentioned(compare) -> None:
    made = Freezing(*network())
    twin = copy.deepcopy(made)
    twin[0].requires_grad_(False)
    answer = compare(made, twin, shape=(2, 8))

    assert answer.verdict == "equivalent"
    assert [item.verdict for item in answer.findings if item.kind == "training"] == [Significance.COSMETIC]


def test_a_frozen_layer_is_no_matter_of_eval_mode() -> None:
    from diagnose.diff.compare import Model, compare_networks
    from diagnose.values import InputSpec

    made = network()
    twin = copy.deepcopy(made)
    frozen(twin)
    compared = compare_networks(Model("a", made), Model("b", twin), [InputSpec((2, 8))], modes=(False,)).diff

    assert compared.verdict == "equivalent"
    assert torch.equal(made[0].weight, twin[0].weight)
