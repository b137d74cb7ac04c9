"""Whole networks: closed formulas, torchvision's published figures, and what may not be counted in silence."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from diagnose.flops.count import count_operations, count_with_values
from diagnose.networks import build
from diagnose.networks.inputs import candidates
from diagnose.values import FlopTable, InputSpec, Skipped


def counted(model, *shapes, train=False):
    if isinstance(model, str):
        built = build(model)
        table = count_operations(built.module, candidates(built.module, built.input_shapes, ()), train=train)
    else:
        specs = tuple(shape if isinstance(shape, InputSpec) else InputSpec(shape) for shape in shapes)
        table = count_operations(model.to("meta").eval(), (specs,), train=train)
    assert isinstance(table, FlopTable), table
    return table


def macs_of(table, kind):
    return sum(row.macs for row in table.rows if row.kind == kind)


def cifar_resnet(blocks, *, convs=0):
    """MACs of a CIFAR ResNet of basic blocks on 32×32, and the elements of its blocks' outputs."""
    macs, outputs, width_in, side = 32 * 32 * 64 * 3 * 9, 0, 64, 32
    for stage, (width, repeats) in enumerate(zip((64, 128, 256, 512), blocks, strict=True)):
        for block in range(repeats):
            first = stage > 0 and block == 0
            side //= 2 if first else 1
            positions = side * side
            macs += positions * width * (width_in * 9 + width * 9 + (width_in if first else 0) + convs * width)
            outputs += positions * width
            width_in = width
    return macs + 512 * 10, outputs


@pytest.mark.parametrize(
    ("text", "blocks", "convs", "stated"),
    [
        ("torch", (2, 2, 2, 2), 0, 555_422_720),
        ("mm", (2, 2, 2, 2), 0, 555_422_720),
        ("prodpoly", (2, 2, 1, 1), 0, 404_427_776),
        ("prodpoly(second_order_convs=1)", (2, 2, 1, 1), 1, 404_427_776 + 25_165_824),
        ("prodpoly(second_order_convs=2)", (2, 2, 1, 1), 2, 404_427_776 + 2 * 25_165_824),
    ],
)
def test_the_built_in_case_by_formula(text, blocks, convs, stated):
    table = counted(text)
    macs, outputs = cifar_resnet(blocks, convs=convs)
    assert table.macs == macs == stated
    assert table.hadamard == (outputs if text.startswith("prodpoly") else 0)
    assert table.uncounted == ()


def test_the_hadamard_elements_of_prodpoly():
    assert counted("prodpoly").hadamard == 2 * 64 * 32**2 + 2 * 128 * 16**2 + 256 * 8**2 + 512 * 4**2 == 221_184


def test_the_published_figure_of_resnet50():
    assert round(counted("torchvision:resnet50").macs / 1e9, 2) == 4.09


def published():
    """Return name, crop and the stated billions of MACs of every torchvision classifier, once per crop."""
    for name in torchvision.models.list_models(torchvision.models):
        for weights in torchvision.models.get_model_weights(name):
            yield name, weights.transforms.keywords["crop_size"], weights.meta["_ops"]


@pytest.mark.parametrize(("name", "crop", "stated"), dict.fromkeys(published()))
def test_torchvisions_own_figures(name, crop, stated):
    """torchvision states MACs to three digits, at the crop that the weights are evaluated on."""
    text = f"torchvision:{name}(image_size={crop})" if name.startswith("vit") else f"torchvision:{name}"
    assert counted(build(text).module, (1, 3, crop, crop)).macs / 1e9 == pytest.approx(stated, abs=6e-4)


# -------------------------------------------------------------------------------- one module, by formula


class Of(nn.Module):
    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs):
        return self.function(self, *inputs)


@pytest.mark.parametrize(
    ("function", "shapes", "macs"),
    [
        (lambda m, a, b: torch.einsum("bij,bjk->bik", a, b), [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
        (lambda m, a, b: torch.einsum("bhid,bhjd->bhij", a, b), [(2, 3, 4, 5), (2, 3, 6, 5)], 2 * 3 * 4 * 6 * 5),
        (lambda m, a, b: torch.tensordot(a, b, 2), [(3, 4, 5), (4, 5, 6)], 3 * 4 * 5 * 6),
        (lambda m, a, b: a @ b, [(2, 3, 4), (4, 5)], 2 * 3 * 4 * 5),
        (lambda m, a, b, c: torch.linalg.multi_dot([a, b, c]), [(3, 4), (4, 5), (5, 6)], 3 * 4 * 5 + 3 * 5 * 6),
    ],
)
def test_products_of_activations(function, shapes, macs):
    table = counted(Of(function), *shapes)
    assert table.macs == macs_of(table, "product of activations") == macs


def test_multi_head_attention_on_all_its_paths():
    dim, length, batch = 16, 9, 2
    expected = batch * length * 4 * dim * dim + 2 * batch * length * length * dim
    for weights in (True, False):
        layer = nn.MultiheadAttention(dim, 4, batch_first=True)
        model = Of(lambda m, x, weights=weights: m.layer(x, x, x, need_weights=weights)[0], layer=layer)
        for train in (False, True):
            table = counted(model, (batch, length, dim), train=train)
            assert sum(row.macs for row in table.rows if not row.backward) == expected
    encoder = nn.TransformerEncoderLayer(dim, 4, 32, batch_first=True)
    assert counted(encoder, (batch, length, dim)).macs == expected + 2 * batch * length * dim * 32


def test_a_recurrent_layer_by_formula():
    table = counted(nn.LSTM(8, 16, 2, bidirectional=True, batch_first=True), (2, 5, 8))
    assert table.macs == 2 * 5 * 2 * 4 * 16 * ((8 + 16) + (32 + 16))


def test_a_shared_module_counts_at_every_call():
    model = Of(lambda m, x: m.layer(m.layer(x)), layer=nn.Linear(4, 4, bias=False))
    (row,) = counted(model, (3, 4)).rows
    assert (row.path, row.op, row.kind, row.count, row.macs) == ("layer", "linear", "linear", 2, 2 * 3 * 4 * 4)


def test_activation_bytes_leave_out_views_and_what_is_done_in_place():
    model = Of(lambda m, x: F.relu(m.layer(x), inplace=True).flatten().view(-1), layer=nn.Linear(4, 8))
    table = counted(model, (3, 4))
    assert sum(row.activation_bytes for row in table.rows) == 3 * 8 * 4
    assert [(layer.path, layer.parameter_bytes) for layer in table.layers] == [("layer", (4 * 8 + 8) * 4)]


# --------------------------------------------------------------------------------------- Hadamard products


@pytest.mark.parametrize(
    ("function", "hadamard"),
    [
        (lambda m, x: x * m.layer(x), 12),
        (lambda m, x: x.mul_(m.layer(x)), 12),
        (lambda m, x: torch.multiply(x, x), 12),
        (lambda m, x: torch.einsum("ij,ij->ij", x, m.layer(x)), 12),
        (lambda m, x: torch.addcmul(x, x, m.layer(x)), 12),
        (lambda m, x: x * 2, 0),
        (lambda m, x: x * m.scale, 0),
        (lambda m, x: x * m.scale.expand(3, 4), 0),
        (lambda m, x: x * m.full, 0),
        (lambda m, x: x * torch.sigmoid(m.full + 1), 0),
        (lambda m, x: x * torch.ones_like(x), 0),
        (lambda m, x: x * x.mean(1, keepdim=True), 0),
        (lambda m, x: x * torch.zeros_like(x).copy_(m.layer(x)), 12),
    ],
)
def test_what_is_a_hadamard_product(function, hadamard):
    model = Of(function, layer=nn.Linear(4, 4))
    model.scale, model.full = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(3, 4))
    assert counted(model, (3, 4)).hadamard == hadamard


def test_dropout_in_training_is_no_hadamard_product():
    model = Of(lambda m, x: m.drop(m.layer(x)), layer=nn.Linear(4, 4), drop=nn.Dropout())
    assert counted(model, (3, 4), train=True).hadamard == 0


# ------------------------------------------------------------------------------------------ the backward pass


def test_training_costs_what_the_chain_rule_says():
    """A layer whose input needs no gradient costs its forward MACs once more, every other one twice more."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1), nn.Flatten())
    first, second = 64 * 8 * 3 * 9, 64 * 4 * 8 * 9
    table = counted(model, (1, 3, 8, 8), train=True)
    assert table.macs == 2 * first + 3 * second
    by_path = {(row.path, row.backward): row.macs for row in table.rows if row.kind == "convolution"}
    assert by_path == {("0", False): first, ("0", True): first, ("2", False): second, ("2", True): 2 * second}


def test_gradients_of_linear_layers_belong_to_their_modules():
    model = nn.Sequential(nn.Linear(4, 5), nn.Sigmoid(), nn.Sequential(nn.Linear(5, 6)))
    table = counted(model, (3, 4), train=True)
    gradients = {row.path: row.macs for row in table.rows if row.backward and row.macs}
    assert gradients == {"0": 3 * 4 * 5, "2.0": 2 * 3 * 5 * 6}


def test_what_training_keeps_for_the_backward_pass():
    """The convolution keeps its input, the sigmoid its output; the parameters are not counted."""
    model = nn.Sequential(nn.Conv2d(3, 8, 1, bias=False), nn.Sigmoid())
    assert counted(model, (1, 3, 4, 4), train=True).saved_bytes == (3 + 8) * 16 * 4


def test_modes_hooks_and_gradients_are_restored():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.BatchNorm1d(4)).to("meta")
    model[1].eval()
    before = [module.training for module in model.modules()]
    for train in (False, True):
        count_operations(model, ((InputSpec((3, 4)),),), train=train)
    assert [module.training for module in model.modules()] == before
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


# ---------------------------------------------------------------------------------------- never silently zero


def test_an_operator_without_a_formula_is_listed_with_its_place():
    table = counted(Of(lambda m, x: torch.fft.rfft(x).real, layer=nn.Identity()), (2, 8))
    assert [(item.op, item.count, item.where, item.parameters) for item in table.uncounted] == [
        ("_fft_r2c", 1, ("",), False)
    ]
    assert not table.lower_bound


def test_an_unknown_operator_on_parameters_makes_the_total_a_lower_bound():
    with torch.library._scoped_library("diagnose_test", "FRAGMENT") as library:
        library.define("mystery(Tensor x, Tensor w) -> Tensor")
        library.impl("mystery", lambda x, w: torch.empty_like(x), "Meta")
        model = Of(lambda m, x: torch.ops.diagnose_test.mystery(m.layer(x), m.layer.weight.t()), layer=nn.Linear(4, 4))
        table = counted(model, (3, 4))
    (item,) = table.uncounted
    assert (item.op, item.where, item.parameters) == ("diagnose_test::mystery", ("",), True)
    assert table.lower_bound
    assert table.macs == 3 * 4 * 4


def test_an_unknown_operator_on_what_is_made_of_parameters_makes_a_lower_bound_too():
    model = Of(lambda m, x: (torch.complex(x, x) @ torch.complex(m.layer.weight, m.layer.weight)).real)
    model.layer = nn.Linear(4, 4)
    table = counted(model, (3, 4))
    assert [(item.op, item.parameters) for item in table.uncounted] == [("matmul", True)]
    assert table.lower_bound


def test_complex_numbers_have_no_formula_here():
    table = counted(Of(lambda m, x: (torch.complex(x, x) @ torch.complex(x, x).T).real), (3, 4))
    assert "matmul" in {item.op for item in table.uncounted}
    assert table.macs == 0


def test_a_model_that_cannot_run_says_why():
    skipped = count_operations(nn.Linear(4, 4).to("meta"), ((InputSpec((3, 5)),),))
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith("3x5: RuntimeError")


# ------------------------------------------------------------------------------- what shapes alone do not tell


def test_a_padding_mask_is_counted_in_full():
    """In eval mode the encoder packs away what is padded; how much that is, shapes do not tell."""
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 3)
    model = Of(lambda m, x, pad: m.encoder(x, src_key_padding_mask=pad), encoder=encoder)
    table = counted(model, (2, 9, 16), InputSpec((2, 9), "bool"))
    assert table.macs == 3 * (2 * 9 * 4 * 16 * 16 + 2 * 2 * 9 * 9 * 16 + 2 * 2 * 9 * 16 * 32)
    assert [item.what for item in table.skipped] == ["packing away what a mask pads"]
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_model_that_forgets_where_its_tensors_stand():
    model = Of(lambda m, x: m.layer(x + torch.arange(4)), layer=nn.Linear(4, 5))
    table = counted(model, (3, 4))
    assert (table.macs, table.skipped) == (3 * 4 * 5, ())


def test_a_path_that_depends_on_values_is_really_run():
    def path(m, x):
        positive = x[x > 0]
        return m.layer(x) if positive.numel() else x

    model = Of(path, layer=nn.Linear(4, 5))
    table = count_with_values(model, ((InputSpec((3, 4)),),), "Tensor.item() cannot be called on meta tensors")
    assert isinstance(table, FlopTable)
    assert table.macs == 3 * 4 * 5
    assert "other values may take another path" in table.skipped[0].reason
    state = torch.random.get_rng_state()
    count_with_values(model, ((InputSpec((3, 4)),),), "")
    assert torch.equal(state, torch.random.get_rng_state())


def test_quantized_layers_are_counted_by_what_they_pack():
    with torch.library._scoped_library("diagnose_test", "FRAGMENT") as library:
        library.define("packed(Tensor x, __torch__.torch.classes.quantized.LinearPackedParamsBase w) -> Tensor")
        library.impl("packed", lambda x, w: torch.empty_like(x), "CPU")
        weight = torch.quantize_per_tensor(torch.zeros(4, 4), 0.1, 0, torch.qint8)
        layer = torch.ops.quantized.linear_prepack(weight, torch.zeros(4))
        known = Of(lambda m, x: torch.ops.quantized.linear_dynamic(x, layer))
        unknown = Of(lambda m, x: torch.ops.diagnose_test.packed(x, layer))
        assert count_with_values(known, ((InputSpec((3, 4)),),), "").macs == 3 * 4 * 4
        assert count_with_values(unknown, ((InputSpec((3, 4)),),), "").lower_bound
