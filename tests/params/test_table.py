"""Every tensor is counted once, at its place, with what the forward pass makes of it."""

from pathlib import Path

import pytest
import torch
from torch import nn

from diagnose.networks import build
from diagnose.networks.inputs import candidates
from diagnose.params.other_tools import cross_check
from diagnose.params.table import count_parameters
from diagnose.values import InputSpec

TOYS = Path(__file__).parents[1] / "toys.py"


def _table(model: str):
    built = build(model)
    return built.module, count_parameters(built.module, candidates(built.module, built.input_shapes, ()))


@pytest.fixture(scope="module")
def toy():
    return _table(f"{TOYS}:Toy")


def test_tied_frozen_unused_bare_and_buffer_tensors_count_exactly(toy):
    _, table = toy
    embed, inner, scale, frozen, unused = 50 * 8, 8 * 8 + 8, 8, 8 * 8 + 8, 5 * 7 + 7

    assert table.total == embed + inner + scale + frozen + unused
    assert table.frozen == frozen
    assert table.trainable == table.total - frozen
    assert table.unused == unused
    assert table.buffer_elements == 16 * 16 + 3
    assert sum(row.elements for row in table.buffers if row.persistent) == 16 * 16


def test_a_tied_parameter_names_where_it_is_counted(toy):
    _, table = toy
    out = next(row for row in table.rows if row.path == "out.weight")
    assert (out.parameters, out.tied_to) == (0, "embed.weight")


def test_a_bare_parameter_is_of_its_own_kind(toy):
    _, table = toy
    kinds = {row.path: row.kind for row in table.rows}
    assert (kinds["scale"], kinds["embed.weight"], kinds["inner.bias"]) == ("bare parameter", "embedding", "linear")


def test_torchinfo_gets_the_toy_wrong_and_its_difference_is_explained(toy):
    model, table = toy
    checks, skipped = cross_check(model, table)
    assert not skipped
    values = {check.tool.partition(" ")[0]: check.value for check in checks}
    assert values["torchinfo"] != table.total == values["fvcore"]
    for check in checks:
        assert check.unexplained == 0
        assert check.value == table.total + sum(amount for _, amount in check.explained)


def test_lazy_layers_take_their_shape_from_the_forward_pass():
    _, table = _table(f"{TOYS}:Lazy")
    side = 224 - 2
    assert table.total == (3 * 8 * 9 + 8) + (8 * side * side * 10 + 10)
    assert not table.skipped


def test_lazy_layers_without_a_forward_pass_are_skipped_by_name():
    table = count_parameters(nn.Sequential(nn.LazyLinear(3)))
    assert table.total == 0
    assert {"parameter 0.weight", "parameter 0.bias"} <= {skip.what for skip in table.skipped}


def test_a_forward_pass_that_fails_leaves_use_unknown_with_its_reason():
    _, table = _table(f"{TOYS}:Raises")
    assert table.unused is None
    assert table.inputs is None
    assert all(row.used is None for row in table.rows)
    assert "RuntimeError: no forward" in table.skipped[0].reason


def test_a_model_without_parameters_has_none():
    _, table = _table(f"{TOYS}:Empty")
    assert (table.total, table.trainable, table.unused, table.rows) == (0, 0, 0, ())


def test_counting_leaves_the_model_as_it_was():
    built = build("torch")
    before = {name: id(tensor) for name, tensor in built.module.state_dict(keep_vars=True).items()}
    built.module.train()
    count_parameters(built.module, (candidates(built.module, built.input_shapes, ())))
    assert all(module.training for module in built.module.modules())
    assert {name: id(tensor) for name, tensor in built.module.state_dict(keep_vars=True).items()} == before


AUXILIARY = {"torchvision:googlenet": "aux", "torchvision:inception_v3": "Aux"}


@pytest.mark.parametrize(("model", "mark"), AUXILIARY.items())
def test_auxiliary_heads_are_what_the_eval_forward_never_reads(model, mark):
    module, table = _table(model)
    auxiliary = sum(p.numel() for name, p in module.named_parameters() if mark in name)
    assert table.unused == auxiliary > 0
    assert {row.place.stage for row in table.rows if row.used is False} == {"auxiliary head"}


@pytest.mark.parametrize("model", ["torch", "mm", "prodpoly", "timm:vit_tiny_patch16_224", "torchvision:swin_t"])
def test_torch_agrees_where_nothing_is_tied(model):
    module, table = _table(model)
    assert table.total == sum(p.numel() for p in module.parameters())
    assert sum(row.elements for row in table.buffers) == sum(b.numel() for b in module.buffers())


class ForgetsTheDevice(nn.Module):
    def __init__(self):
        super().__init__()
        self.positions, self.layer = nn.Embedding(8, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x + self.positions(torch.arange(x.shape[1])))


def test_a_model_that_forgets_where_its_tensors_stand_is_run_all_the_same():
    table = count_parameters(ForgetsTheDevice().to("meta"), ((InputSpec((2, 5, 4)),),))
    assert (table.unused, table.inputs) == (0, (InputSpec((2, 5, 4)),))


def test_a_weight_norm_belongs_to_its_layer():
    """The length and the direction of a weight are parameters of the convolution or linear layer that has it."""
    normed = torch.nn.utils.parametrizations.weight_norm
    model = nn.Sequential(normed(nn.Conv1d(3, 8, 3)), nn.Flatten(), normed(nn.Linear(48, 5))).to("meta")
    table = count_parameters(model, ((InputSpec((1, 3, 8)),),))
    assert table.total == (8 * 3 * 3 + 8 + 8) + (5 * 48 + 5 + 5)
    kinds = {row.path: row.kind for row in table.rows}
    assert kinds["0.parametrizations.weight.original1"] == "3 convolution, parametrized"
    assert kinds["2.parametrizations.weight.original0"] == "linear, parametrized"
    assert kinds["2.bias"] == "linear"
    alone = count_parameters(normed(nn.Linear(4, 5)).to("meta"))
    assert {row.kind for row in alone.rows} == {"linear", "linear, parametrized"}


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        weight = torch.quantize_per_tensor(torch.zeros(7, 5), 0.1, 0, torch.qint8)
        self.packed = torch.ops.quantized.linear_prepack(weight, torch.zeros(7))


def test_packed_weights_of_quantized_layers_are_said():
    table = count_parameters(nn.Sequential(Packed(), Packed()))
    assert table.total == 0
    said = next(item for item in table.skipped if "quantized" in item.what)
    assert said.what == "weights of quantized layers: 0, 1"
    assert f"{2 * (7 * 5 + 7)} weights and biases" in said.reason
