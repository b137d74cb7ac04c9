"""Constants among the weights: a buffer that nothing changes, a frozen table. They are compared by value."""

import pytest
import torch
from torch import nn

from diagnose.diff.weights.fixed import compare_constants
from diagnose.values import Significance

LENGTH, WIDTH = 6, 8


def sinusoids(base: float = 1e4, *, halves: bool = False) -> torch.Tensor:
    angles = torch.arange(float(LENGTH))[:, None] * base ** (-torch.arange(0, WIDTH, 2) / WIDTH)
    if halves:
        return torch.cat((angles.sin(), angles.cos()), 1)
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(1)


class Table(nn.Module):
    """Adds a table to its input, held as a buffer, a parameter or a frozen embedding."""

    def __init__(self, table: torch.Tensor, how: str = "buffer") -> None:
        super().__init__()
        self.l, self.how = nn.Linear(WIDTH, 4), how
        if how == "embedding":
            self.table = nn.Embedding.from_pretrained(table, freeze=True)
        elif how in ("frozen", "trained"):
            self.table = nn.Parameter(table.clone(), requires_grad=how == "trained")
        else:
            self.register_buffer("table", table.clone(), persistent=how == "buffer")

    def forward(self, x):
        table = self.table.weight if self.how == "embedding" else self.table
        return self.l(x + table)


HELD = ("buffer", "frozen", "embedding", "temporary")
SHAPE = (2, LENGTH, WIDTH)


def real(answer) -> list[str]:
    return [item.kind for item in answer.findings if item.verdict is Significance.REAL]


@pytest.mark.parametrize("how", HELD)
def test_a_network_with_a_table_equals_itself(how, compare) -> None:
    answer = compare(Table(sinusoids(), how), Table(sinusoids(), how), shape=SHAPE)

    assert (answer.verdict, real(answer)) == ("equivalent", [])
    assert answer.proof.agrees


@pytest.mark.parametrize("how", HELD)
@pytest.mark.parametrize(
    "other", [sinusoids(100.0), sinusoids(halves=True), 2 * sinusoids(), sinusoids() + 0.5, sinusoids().flip(0)]
)
def test_another_table_differs(how, other, compare) -> None:
    answer = compare(Table(sinusoids(), how), Table(other, how), shape=SHAPE)

    assert answer.verdict == "different"
    assert answer.proof.agrees is False


@pytest.mark.parametrize("how", ["buffer", "temporary"])
@pytest.mark.parametrize(("other", "said"), [(2 * sinusoids(), "2 times"), (sinusoids().flip(0), "another order")])
def test_how_a_table_differs_is_said(how, other, said, compare) -> None:
    answer = compare(Table(sinusoids(), how), Table(other, how), shape=SHAPE)

    (message,) = [item.message for item in answer.findings if item.verdict is Significance.REAL]
    assert said in message


@pytest.mark.parametrize("how", ["buffer", "temporary", "frozen"])
def test_another_table_differs_in_eval_mode_alone(how) -> None:
    from diagnose.diff.compare import Model, compare_networks
    from diagnose.values import InputSpec

    a, b = Model("a", Table(sinusoids(), how)), Model("b", Table(sinusoids(100.0), how))
    assert compare_networks(a, b, [InputSpec(SHAPE)], modes=(False,)).diff.verdict == "different"


def test_a_table_that_both_train_is_a_weight(compare) -> None:
    answer = compare(Table(sinusoids(), "trained"), Table(sinusoids(100.0), "trained"), shape=SHAPE)

    assert (answer.verdict, real(answer)) == ("equivalent", [])


@pytest.mark.parametrize("pair", [("trained", "frozen"), ("trained", "buffer")])
def test_a_table_that_one_network_trains_differs(pair, compare) -> None:
    answer = compare(*(Table(sinusoids(), how) for how in pair), shape=SHAPE)

    assert answer.verdict == "different"
    assert "training" in real(answer)


class Counted(nn.Module):
    """Changes a buffer in its forward pass: in place, by another tensor, or never."""

    def __init__(self, start: float, how: str) -> None:
        super().__init__()
        self.l, self.how = nn.Linear(WIDTH, WIDTH), how
        self.register_buffer("average", torch.full((WIDTH,), start))

    def forward(self, x):
        if self.training and self.how == "in place":
            with torch.no_grad():
                self.average.lerp_(x.mean(0), 0.1)
        elif self.training and self.how == "replaced":
            self.average = 0.9 * self.average + 0.1 * x.detach().mean(0)
        return self.l(x) - self.average


@pytest.mark.parametrize("how", ["in place", "replaced"])
def test_a_buffer_that_a_forward_pass_changes_is_no_constant(how, compare) -> None:
    network = Counted(0.0, how)
    answer = compare(network, Counted(0.0, how), shape=(2, WIDTH))

    assert real(answer) == []
    assert answer.verdict != "different"
    assert float(network.average.abs().max()) == 0.0


def test_a_buffer_that_nobody_changes_is_a_constant(compare) -> None:
    assert compare(Counted(0.0, "never"), Counted(1.0, "never"), shape=(2, WIDTH)).verdict == "different"


def test_frozen_norms_are_proven_with_random_statistics(compare) -> None:
    from torchvision.ops import FrozenBatchNorm2d

    class Network(nn.Sequential):
        def __init__(self, eps: float) -> None:
            super().__init__(nn.Conv2d(3, 5, 3), FrozenBatchNorm2d(5, eps), nn.ReLU())

    assert compare(Network(1e-5), Network(1e-5)).verdict == "equivalent"
    assert compare(Network(1e-5), Network(1e-2)).verdict == "different"


def test_frozen_weights_of_other_draws_wait_for_a_checkpoint(compare) -> None:
    torch.manual_seed(0)

    def network(trained: bool) -> nn.Module:
        made = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
        made[0].requires_grad_(False)
        made[2].requires_grad_(trained)
        return made

    assert compare(network(True), network(True), shape=(2, 8)).verdict == "undetermined"
    assert compare(network(False), network(False), shape=(2, 8)).verdict == "equivalent"


def test_constants_tell_a_ratio_a_shift_and_an_order() -> None:
    table = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    found = {
        name: compare_constants(table, other, ("a", "b"))
        for name, other in (
            ("same", table.clone()), ("rounded", table.double().float() * (1 + 1e-7)), ("ratio", -3 * table),
            ("shift", table + 2), ("rows", table[[4, 0, 1, 2, 3]]), ("columns", table[:, [1, 0, 3, 2]]),
            ("places", table.flip(0, 1).T.reshape(5, 4)),
        )
    }  # fmt: skip

    assert found["same"] is found["rounded"] is None
    assert found["ratio"].ratio == pytest.approx(-3)
    assert found["shift"].shift == pytest.approx(2)
    assert (found["rows"].axis, found["rows"].order) == (0, (4, 0, 1, 2, 3))
    assert (found["columns"].axis, found["columns"].order) == (1, (1, 0, 3, 2))
    assert (found["places"].permuted, found["places"].axis) == (True, None)
