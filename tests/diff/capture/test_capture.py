"""Capture: views and in-place writes, detached regions, the recorder, and what is restored."""

import itertools
import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from diagnose.diff.capture.capture import capture
from diagnose.diff.capture.steady import is_steady
from diagnose.diff.capture.tape import CannotCapture
from diagnose.diff.ir.interpreter import Execution, evaluate
from tests.diff.architectures import ARCHITECTURES, INPUT

SMALL = (2, 4)


class Written(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def write_through_a_view(x: Tensor) -> Tensor:
    y = x.clone()
    left = y[:, :2]
    y[:, 1] = 7.0
    left.mul_(2)
    return y + left.sum()


def relu_before_it_is_read_again(x: Tensor) -> Tensor:
    y = x * 2
    kept = y
    torch.relu_(y)
    return kept + y


def view_of_a_view(x: Tensor) -> Tensor:
    y = x.clone()
    y.view(2, 2, 2)[:, 0].add_(x[:, :2])
    return y.t().reshape(-1)


def chunks_written(x: Tensor) -> Tensor:
    y = x.clone()
    a, b = y.chunk(2, 1)
    a.add_(b)
    return y


@pytest.mark.parametrize("recorder", [False, True])
@pytest.mark.parametrize(
    "function", [write_through_a_view, relu_before_it_is_read_again, view_of_a_view, chunks_written]
)
def test_in_place_writes_become_values(function, recorder) -> None:
    x = torch.randn(SMALL)
    captured = capture(Written(function), (x.clone(),), training=False, recorder=recorder)
    values = {}
    for node in captured.form.graph.nodes:
        reads = [values[value] for value in node.inputs]
        values[node.id] = x if node.op == "input" else evaluate(node, reads, captured.constants, Execution())

    torch.testing.assert_close(values[captured.form.graph.outputs[0]], function(x.clone()))


class DependsOnData(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if x.sum().item() > -1e9 else x


def test_a_branch_on_data_is_recorded_instead() -> None:
    captured = capture(DependsOnData(), (torch.randn(SMALL),), training=False)

    assert captured.form.graph.capture == "recorder"
    assert captured.skipped[0].what == "torch.export"
    assert [node.op for node in captured.form.graph.nodes if node.op == "linear"] == ["linear"]


def test_what_runs_without_gradient_is_detached() -> None:
    def frozen(x: Tensor) -> Tensor:
        with torch.no_grad():
            y = x * 3
        return x + y

    ops = [node.op for node in capture(Written(frozen), (torch.randn(SMALL),), training=False).form.graph.nodes]

    assert "detach" in ops


def test_python_randomness_is_noticed() -> None:
    calls = itertools.count()
    captured = capture(
        Written(lambda x: x * 2 if next(calls) % 2 else torch.tanh(x)), (torch.randn(SMALL),), training=False
    )

    assert not captured.steady


def test_modes_buffers_and_the_random_state_are_restored() -> None:
    network = ARCHITECTURES["resnet"]().eval()
    network[1].train()
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    modes = [module.training for module in network.modules()]
    state = torch.get_rng_state()

    for recorder in (False, True):
        capture(network, (torch.zeros(INPUT),), training=True, recorder=recorder)

    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())


def test_what_cannot_run_cannot_be_captured() -> None:
    with pytest.raises(CannotCapture, match="shapes cannot be multiplied"):
        capture(nn.Linear(3, 3), (torch.zeros(SMALL),), training=False)


@pytest.mark.parametrize("name", ["resnet", "vit", "mobilenet3"])
def test_no_weight_is_read(name) -> None:
    with torch.device("meta"):
        network = ARCHITECTURES[name]()

    assert len(capture(network, (torch.zeros(INPUT, device="meta"),), training=True).form.graph.nodes) > 20


@pytest.mark.parametrize("draw", [random.random, np.random.rand])
def test_a_branch_drawn_at_random_is_noticed(draw) -> None:
    seed = next(seed for seed in range(20) if _differs_between_passes(draw, seed))
    random.seed(seed)
    np.random.seed(seed)
    module = Written(lambda x: torch.tanh(x) if draw() < 0.5 else x * 2)
    assert is_steady(module, (torch.randn(SMALL),)) is False


def _differs_between_passes(draw, seed) -> bool:
    random.seed(seed)
    np.random.seed(seed)
    return (draw() < 0.5) != (draw() < 0.5)


@pytest.mark.parametrize("name", ["resnet", "vit", "mobilenet3"])
def test_a_network_that_draws_nothing_in_python_is_steady(name) -> None:
    network = ARCHITECTURES[name]()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert is_steady(network, (torch.zeros(INPUT),)) is True
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_the_same_operators_on_other_weights_are_another_computation() -> None:
    class Turns(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
            self.turn = itertools.cycle(range(2))

        def forward(self, x: Tensor) -> Tensor:
            return self.layers[next(self.turn)](x)

    assert is_steady(Turns(), (torch.zeros(2, 4),)) is False


def test_what_depends_on_data_cannot_be_told_without_any() -> None:
    assert is_steady(Written(lambda x: x if float(x.sum()) > 0 else -x), (torch.ones(SMALL),)) is None


def test_a_layer_that_is_registered_twice_keeps_its_weights() -> None:
    layer = nn.BatchNorm2d(INPUT[1])
    network = nn.Sequential(layer, nn.ReLU(), layer)
    before = dict(network.state_dict())

    assert is_steady(network, (torch.zeros(INPUT),)) is True
    assert all(type(tensor) is type(before[name]) for name, tensor in network.state_dict().items())
    assert layer.weight is network[2].weight
    assert isinstance(layer.weight, nn.Parameter)
