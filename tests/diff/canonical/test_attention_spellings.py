"""Rotary positions, shared heads and recurrent layers by hand, and what only resembles them."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from diagnose.diff.canonical.canonical import POINTWISE, canonical
from diagnose.diff.capture.capture import capture
from diagnose.diff.compare import Model, diff
from diagnose.diff.ir.interpreter import run_operation
from diagnose.diff.proof.random_weights import ProofArithmetic
from diagnose.values import InputSpec
from tests.diff.edit import Run

LENGTH, WIDTH = 5, 16


def angles(base: float = 100.0) -> torch.Tensor:
    return torch.arange(float(LENGTH))[:, None] / base ** (torch.arange(0, 8, 2) / 8)


def swapped(x, sign: int = 1):
    return torch.cat((-sign * x[..., 4:], sign * x[..., :4]), -1)


def by_halves(x, base: float = 100.0):
    cos, sin = angles(base).cos(), angles(base).sin()
    p, q = x.chunk(2, -1)
    return torch.cat((p * cos - q * sin, q * cos + p * sin), -1)


def as_a_whole(x):
    angle = torch.cat((angles(), angles()), -1)
    return x * angle.cos() + swapped(x) * angle.sin()


def by_repeated_tables(x):
    cos, sin = (table[None, None] for table in (angles().cos().repeat(1, 2), angles().sin().repeat(1, 2)))
    return (x * cos) + (swapped(x) * sin)


def turned_back(x):
    angle = torch.cat((angles(), angles()), -1)
    return x * angle.cos() + swapped(x, -1) * angle.sin()


class Rotary(nn.Module):
    """Attention with two heads of queries and one or two of keys and values."""

    def __init__(self, turn, heads: int = 2, share=None) -> None:
        super().__init__()
        self.q, self.kv, self.out = nn.Linear(16, 16), nn.Linear(16, 16 * heads), nn.Linear(16, 16)
        self.turn, self.heads, self.share = turn, heads, share or (lambda q, k, v: (q, k, v))

    def forward(self, x):
        q = self.q(x).unflatten(-1, (2, 8)).transpose(1, 2)
        k, v = (part.unflatten(-1, (self.heads, 8)).transpose(1, 2) for part in self.kv(x).chunk(2, -1))
        q, k, v = self.share(self.turn(q), self.turn(k), v)
        y = F.scaled_dot_product_attention(q, k, v, enable_gqa=k.shape[1] < q.shape[1])
        return self.out(y.transpose(1, 2).flatten(2))


def verdict(a: nn.Module, b: nn.Module) -> str:
    return diff(Model("a", a), Model("b", b), [InputSpec((2, LENGTH, WIDTH))], initial=False).verdict.value


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (as_a_whole, "equivalent"),
        (by_repeated_tables, "equivalent"),
        (lambda x: by_halves(x, 50.0), "different"),
        (turned_back, "equal by numbers"),  # with the halves of queries and keys exchanged, as the mapping says
    ],
)
def test_rotary_positions(turn, expected) -> None:
    assert verdict(Rotary(by_halves), Rotary(turn)) == expected


def test_rotary_positions_left_out_are_different() -> None:
    assert verdict(Rotary(as_a_whole), Rotary(lambda x: x)) == "different"


def expanded(part):
    return part[:, :, None].expand(-1, -1, 2, -1, -1).flatten(1, 2)


@pytest.mark.parametrize(
    "share",
    [
        lambda q, k, v: (q, expanded(k), expanded(v)),
        lambda q, k, v: (q, k.repeat_interleave(2, 1), v.repeat_interleave(2, dim=1)),
        lambda q, k, v: (q, k.repeat(1, 2, 1, 1), v.repeat(1, 2, 1, 1)),
    ],
)
def test_shared_keys_and_values_are_repeated_in_any_way(share) -> None:
    assert verdict(Rotary(by_halves, 1), Rotary(by_halves, 1, share)) == "equivalent"


class Grouped(nn.Module):
    """Four heads of queries on two of keys and values."""

    def __init__(self, repeat) -> None:
        super().__init__()
        self.q, self.kv, self.repeat = nn.Linear(16, 16), nn.Linear(16, 16), repeat

    def forward(self, x):
        q = self.q(x).unflatten(-1, (4, 4)).transpose(1, 2)
        k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in self.kv(x).chunk(2, -1))
        return F.scaled_dot_product_attention(q, self.repeat(k), self.repeat(v)).transpose(1, 2).flatten(2)


def test_heads_that_share_others_are_different() -> None:
    side_by_side, in_turn = lambda k: k.repeat_interleave(2, 1), lambda k: k.repeat(1, 2, 1, 1)

    assert verdict(Grouped(side_by_side), Grouped(expanded)) == "equivalent"
    assert verdict(Grouped(side_by_side), Grouped(in_turn)) != "equivalent"


def steps_of(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the outputs of a recurrent layer as its graph in the second form computes them in float64."""
    captured = capture(Run(lambda self, value: self.layer(value)[0], layer=layer), (x,), training=False, twice=False)
    graph = canonical(captured.form.graph, POINTWISE, dict(captured.constants)).graph
    assert not [node for node in graph.nodes if node.op.startswith(("gru", "lstm"))]
    values: dict[int, torch.Tensor] = {}
    state = {f"layer.{name}": weight.double() for name, weight in layer.named_parameters()}
    with torch.no_grad(), ProofArithmetic():
        for node in graph.nodes:
            leaf = x.double() if node.op == "input" else state.get(node.name)
            inputs = [values[value] for value in node.inputs]
            values[node.id] = leaf if leaf is not None else run_operation(node, inputs)
    return values[graph.outputs[0]]


class Layer(nn.Module):
    def __init__(self, kind, **options) -> None:
        super().__init__()
        self.layer, self.head = kind(16, 12, batch_first=True, **options), nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


class ByHand(nn.Module):
    """Steps of a cell with its gates in one linear layer each for the input and the state."""

    def __init__(self, gates: int, step) -> None:
        super().__init__()
        self.i, self.h, self.head = nn.Linear(16, 12 * gates), nn.Linear(12, 12 * gates), nn.Linear(12, 3)
        self.gates, self.step = gates, step

    def forward(self, x):
        state = (x.new_zeros(len(x), 12),) * 2
        for t in range(x.shape[1]):
            from_x, from_h = (part.chunk(self.gates, -1) for part in (self.i(x[:, t]), self.h(state[0])))
            state = self.step(from_x, from_h, *state)
        return self.head(state[0])


def gru(x, h, held, _):
    r, z = torch.sigmoid(x[0] + h[0]), torch.sigmoid(x[1] + h[1])
    new = (1 - z) * torch.tanh(x[2] + r * h[2]) + z * held
    return new, new


def gru_reset_early(x, h, held, _):
    r, z = torch.sigmoid(x[0] + h[0]), torch.sigmoid(x[1] + h[1])
    new = z * torch.tanh(x[2] + r * h[2]) + (1 - z) * held
    return new, new


def lstm(x, h, _, cell):
    i, f, o = ((x[gate] + h[gate]).sigmoid() for gate in (0, 1, 3))
    cell = f * cell + i * torch.tanh(x[2] + h[2])
    return o * cell.tanh(), cell


def lstm_without_last_tanh(x, h, _, cell):
    i, f, o = ((x[gate] + h[gate]).sigmoid() for gate in (0, 1, 3))
    cell = f * cell + i * torch.tanh(x[2] + h[2])
    return o * cell, cell


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "gates", "step", "same"),
    [(nn.GRU, 3, gru, True), (nn.LSTM, 4, lstm, True), (nn.GRU, 3, gru_reset_early, False),
     (nn.LSTM, 4, lstm_without_last_tanh, False)],
)  # fmt: skip
def test_recurrent_layers_by_hand(kind, gates, step, same) -> None:
    assert (verdict(Layer(kind), ByHand(gates, step)) == "equivalent") is same


@pytest.mark.parametrize("options", [{"num_layers": 2}, {"bidirectional": True}, {"bias": False}])
@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_the_steps_of_a_layer_compute_what_it_computes(kind, options) -> None:
    torch.manual_seed(0)
    layer, x = kind(4, 3, batch_first=True, **options), torch.randn(2, 3, 4)
    found = steps_of(layer, x)

    torch.testing.assert_close(found, layer.double()(x.double())[0])
