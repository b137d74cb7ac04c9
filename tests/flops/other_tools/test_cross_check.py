"""Other tools really run, and every difference is explained to the last unit."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from diagnose.flops.count import count_operations
from diagnose.flops.other_tools.cross_check import cross_check
from diagnose.networks import build
from diagnose.networks.inputs import candidates
from diagnose.values import InputSpec


def checks_of(text, *, train=False):
    built = build(text)
    table = count_operations(built.module, candidates(built.module, built.input_shapes, ()), train=train)
    checks, skipped = cross_check(built.module, table, lambda: build(text, allocate=True).module)
    assert skipped == ()
    return {check.tool.split()[0]: check for check in checks}


@pytest.mark.parametrize(
    "text",
    [
        "torch",
        "prodpoly",
        "torchvision:vit_b_16",
        "torchvision:swin_t",
        "torchvision:mobilenet_v3_small",
        "torchvision:densenet121",
        "torchvision:lraspp_mobilenet_v3_large",
        "timm:vit_tiny_patch16_224",
    ],
)
def test_nothing_is_left_unexplained(text):
    for check in checks_of(text).values():
        assert check.value == check.ours + sum(amount for _, amount in check.explained) + check.unexplained
        assert check.unexplained == 0, check


@pytest.mark.parametrize("text", ["torch", "prodpoly", "torchvision:swin_t", "torchvision:mobilenet_v3_small"])
def test_nothing_of_a_training_step_is_left_unexplained(text):
    for check in checks_of(text, train=True).values():
        assert check.value == check.ours + sum(amount for _, amount in check.explained) + check.unexplained
        assert check.unexplained == 0, check


def test_a_training_step_of_the_cifar_resnet():
    """The other tools know of the forward pass alone; fvcore's batch norms cost 5 per element there, not 2."""
    checks = checks_of("torch", train=True)
    forward, backward = 555_422_720, 2 * 555_422_720 - 32 * 32 * 64 * 27
    elements = 64 * 32**2 * 5 + 128 * 16**2 * 5 + 256 * 8**2 * 5 + 512 * 4**2 * 5
    assert checks["FlopCounterMode"].value == checks["FlopCounterMode"].ours == 2 * (forward + backward)
    assert dict(checks["fvcore"].explained) == {
        "adds 5 per batch-norm element": 5 * elements,
        "adds 1 per element read of adaptive average pooling": 512 * 4 * 4,
        "does not count the backward pass": -backward,
    }
    assert dict(checks["torchinfo"].explained)["does not count the backward pass"] == -backward


def test_flop_counter_mode_forgets_the_groups_of_a_weight_gradient():
    model = nn.Conv2d(8, 16, 3, groups=4, bias=False)
    checks, _ = explain(model, (2, 8, 10, 10), train=True)
    forward = 2 * 16 * 64 * 2 * 9
    assert dict(checks["FlopCounterMode"].explained) == {
        "counts weight gradients of grouped convolutions as if ungrouped": 2 * 3 * forward
    }
    assert checks["FlopCounterMode"].unexplained == 0


def test_the_four_figures_of_the_cifar_resnet():
    """The figures that the tools are known to give, and their causes by formula."""
    checks = checks_of("torch")
    elements = 64 * 32**2 * 5 + 128 * 16**2 * 5 + 256 * 8**2 * 5 + 512 * 4**2 * 5  # of the outputs of all batch norms
    assert checks["FlopCounterMode"].value == 1_110_845_440
    assert checks["fvcore"].value == 556_659_712
    assert dict(checks["fvcore"].explained) == {
        "adds 2 per batch-norm element": 2 * elements,
        "adds 1 per element read of adaptive average pooling": 512 * 4 * 4,
    }
    assert checks["torchinfo"].value == 555_432_330
    channels = 64 * 5 + 128 * 5 + 256 * 5 + 512 * 5
    assert dict(checks["torchinfo"].explained) == {
        "counts biases as MACs": 10,
        "counts a norm's parameters as MACs": 2 * channels,
    }


def explain(model, *shapes, train=False):
    specs = tuple(shape if isinstance(shape, InputSpec) else InputSpec(shape) for shape in shapes)
    state = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    light = model.to("meta").eval()
    table = count_operations(light, (specs,), train=train)

    def with_weights():
        heavy = model.to_empty(device="cpu")
        heavy.load_state_dict(state)
        return heavy

    checks, skipped = cross_check(light, table, with_weights)
    return {check.tool.split()[0]: check for check in checks}, skipped


class Upsampler(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4, affine=False)

    def forward(self, x):
        return F.interpolate(self.norm(self.up(x)), scale_factor=2, mode="bilinear")


def test_rules_that_classifiers_do_not_touch():
    checks, _ = explain(Upsampler(), (2, 3, 5, 5))
    macs, out = 2 * 3 * 25 * 4 * 9, 2 * 4 * 11 * 11
    assert checks["FlopCounterMode"].explained == ()
    assert dict(checks["fvcore"].explained) == {
        "adds 1 per batch-norm element": out,
        "adds 4 per element written of bilinear upsampling": 4 * 4 * out,
    }
    assert dict(checks["torchinfo"].explained) == {
        "multiplies transposed convolutions by their outputs": 2 * 11 * 11 * 3 * 4 * 9 - macs,
        "counts biases as MACs": out,
    }
    assert all(check.ours in (macs, 2 * macs) and check.unexplained == 0 for check in checks.values())


class WithVector(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        return x @ self.weight


def test_a_product_with_a_vector():
    checks, skipped = explain(WithVector(), (2, 4))
    assert dict(checks["FlopCounterMode"].explained) == {"does not count mv": -2 * 2 * 4}
    assert checks["FlopCounterMode"].unexplained == 0
    assert [item.what for item in skipped] == ["fvcore's figure"]  # its formula asks the vector for a second size


def test_a_recurrent_layer_that_fvcore_does_not_see():
    checks, _ = explain(nn.LSTM(4, 6, batch_first=True), (2, 5, 4))
    assert checks["fvcore"].value == 0
    assert dict(checks["fvcore"].explained) == {"does not count LSTM": -2 * 5 * 4 * 6 * (4 + 6)}


class Products(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(123, 37))

    def forward(self, a, b):
        return torch.einsum("nij,jk->nik", a, self.weight), a[0] @ b.transpose(1, 2)


def test_what_fvcore_makes_of_einsum_and_of_a_broadcast_matmul():
    """It reads an einsum's figure as numpy prints it, to four digits, and multiplies a matmul's first factor alone."""
    checks, _ = explain(Products(), (3, 11, 123), (5, 13, 123))
    einsum, matmul = 3 * 11 * 123 * 37, 5 * 11 * 13 * 123
    assert float(f"{2 * einsum:.3e}") == 300_400
    assert checks["fvcore"].ours == einsum + matmul
    assert dict(checks["fvcore"].explained) == {
        "counts einsum by numpy's estimate, to four digits": 300_400 // 2 - einsum,
        "counts matmul by the batch of its first factor": 11 * 13 * 123 - matmul,
    }
    assert checks["fvcore"].unexplained == 0


def test_a_remainder_is_shown_and_a_failing_tool_is_skipped():
    class Tricky(nn.Module):
        def forward(self, a, b):
            return torch.einsum("bij,cjk->bcik", a, b) if a.is_meta else torch.relu(a)

    checks, skipped = explain(Tricky(), (2, 3, 4), (5, 4, 6))
    assert checks["fvcore"].value == 0
    assert checks["fvcore"].unexplained == -2 * 5 * 3 * 4 * 6
    assert skipped == ()

    class Fails(nn.Module):
        def forward(self, a):
            if not a.is_meta:
                raise RuntimeError("not on this device")
            return a @ a

    checks, skipped = explain(Fails(), (3, 3))
    assert "fvcore" not in checks
    assert [(item.what, item.reason) for item in skipped] == [("fvcore's figure", "RuntimeError: not on this device")]
