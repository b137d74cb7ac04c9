import pytest
import torch
import torch.nn.functional as F
from torch import nn

from diagnose.errors import DiagnoseError
from diagnose.networks import build
from diagnose.networks.origins.from_mmpretrain import load

load()

from diagnose.pinets.backbones import PiNet, PiNetBlock, PiNetCIFAR  # noqa: E402 its imports warn unless load() came first

COUNTS = {
    "torch": 11_173_962,
    "mm": 11_173_962,
    "prodpoly": 5_274_954,
    "resnet_norelu(blocks=[2, 2, 1, 1])": 5_272_650,
    "torch(blocks=[2, 2, 1, 1])": 5_272_650,
    "pinet_1x1_relu(blocks=[2, 2, 1, 1])": 5_643_594,
    "prodpoly(second_order_convs=1)": 5_643_594,
    "prodpoly(second_order_convs=2)": 6_012_234,
    "prodpoly(second_order_convs=1, second_order_kernel=3)": 8_592_714,
}


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("text", "count"), COUNTS.items())
def test_parameter_counts_of_the_case(text, count):
    assert parameters(build(text).module) == count


def resnet_parameters(depth_blocks, stem_kernel, classes, width):
    """Parameters of a basic-block ResNet: k²·in·out per convolution, 2·out per norm, in·out + out for the head."""
    total = stem_kernel**2 * 3 * width + 2 * width
    channels = width
    for stage, blocks in enumerate(depth_blocks):
        out = width * 2**stage
        for _ in range(blocks):
            total += 9 * channels * out + 9 * out * out + 4 * out
            total += channels * out + 2 * out if channels != out else 0
            channels = out
    return total + channels * classes + classes


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize(("blocks", "classes", "width"), [((2, 2, 2, 2), 10, 64), ((3, 1, 1, 2), 100, 48)])
def test_options_by_formula(stem, blocks, classes, width):
    plain = resnet_parameters(blocks, 3 if stem == "cifar" else 7, classes, width)
    options = f"blocks={list(blocks)}, stem={stem!r}, num_classes={classes}"
    torchvision = build(f"torch({options}, width={width})")
    assert parameters(torchvision.module) == plain
    assert parameters(build(f"resnet_norelu({options}, base_channels={width})").module) == plain
    norms = sum(2 * width * 2**stage * n for stage, n in enumerate(blocks))
    assert parameters(build(f"pinet_relu({options}, base_channels={width})").module) == plain + norms
    convs = sum((width * 2**stage) ** 2 * n for stage, n in enumerate(blocks))
    pinet = build(f"pinet_1x1_norelu({options}, base_channels={width})")
    assert parameters(pinet.module) == plain + norms + convs
    side = 32 if stem == "cifar" else 224
    for built in (torchvision, pinet):
        assert built.input_shapes == ((1, 3, side, side),)
        with torch.no_grad():
            assert built.module(torch.empty(2, 3, side, side, device="meta")).shape == (2, classes)


@pytest.mark.parametrize(
    ("text", "terms", "relus"),
    [
        ("pinet_relu", 8, True),
        ("pinet_1x1_relu", 8, True),
        ("pinet_norelu", 8, False),
        ("pinet_1x1_norelu", 8, False),
        ("resnet_norelu", 0, False),
        ("prodpoly", 6, True),
    ],
)
def test_the_authors_backbones(text, terms, relus):
    built = build(text, allocate=True, seed=0)
    blocks = [m for m in built.module.modules() if isinstance(m, PiNetBlock)]
    assert len(blocks) == (6 if text == "prodpoly" else 8)
    assert sum(isinstance(block.norm3, nn.BatchNorm2d) for block in blocks) == terms
    assert any(isinstance(m, nn.ReLU) for m in built.module.modules()) is relus
    convs = [block.conv3 for block in blocks if hasattr(block, "conv3")]
    assert len(convs) == (8 if "1x1" in text else 0)
    assert all(conv.kernel_size == (1, 1) and conv.bias is None for conv in convs)
    with torch.no_grad():
        assert built.module(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert not isinstance(built.module.backbone.conv1, nn.Identity)
    assert built.module.backbone.conv1.kernel_size == (3, 3)


def test_bottlenecks_stay_mmpretrains():
    built = build("pinet_relu(depth=50)")
    assert not any(isinstance(m, PiNetBlock) for m in built.module.modules())
    assert parameters(built.module) == parameters(build("torch(depth=50)").module)
    assert any("bottleneck" in note for note in built.notes)
    assert build("torch(depth=50)").notes == ()


def batch_norm(norm, x):
    """Return γ (x − mean) / √(var + ε) + β with the statistics of the batch."""
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
    normed = (x - mean) / (variance + norm.eps).sqrt()
    return normed * norm.weight.view(1, -1, 1, 1) + norm.bias.view(1, -1, 1, 1)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("convs", "kernel", "place"),
    [
        (0, 1, None),
        (1, 1, None),
        (1, 3, "product"),
        (1, 1, "residual"),
        (1, 3, "shortcut"),
        (2, 1, None),
        (2, 3, "operands"),
        (2, 1, "product"),
        (2, 1, "residual"),
        (2, 1, "shortcut"),
    ],
)
def test_the_block_is_its_formula(relu, stride, convs, kernel, place):
    torch.manual_seed(convs + 10 * kernel + stride)
    channels = 5
    downsample = None if stride == 1 else nn.Sequential(nn.Conv2d(5, 5, 1, 2, bias=False), nn.BatchNorm2d(5))
    block = PiNetBlock(
        channels,
        channels,
        stride=stride,
        downsample=downsample,
        second_order_convs=convs,
        second_order_kernel=kernel,
        second_order_place=place,
        relu=relu,
    ).double()
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    x = torch.randn(4, channels, 8, 8, dtype=torch.float64, requires_grad=True)

    def conv(name, x):
        return F.conv2d(x, getattr(block, name).weight, padding=kernel // 2)

    activate = torch.relu if relu else (lambda x: x)
    out = activate(batch_norm(block.norm1, F.conv2d(x, block.conv1.weight, stride=stride, padding=1)))
    out = batch_norm(block.norm2, F.conv2d(out, block.conv2.weight, padding=1))
    s = x if downsample is None else batch_norm(downsample[1], F.conv2d(x, downsample[0].weight, stride=2))
    chain = ["conv3", "conv4"][:convs]
    left, right = out, s
    if convs == 2 and place in (None, "operands"):
        left, right = conv("conv3", out), conv("conv4", s)
    elif place == "residual":
        for name in chain:
            left = conv(name, left)
    elif place == "shortcut":
        for name in chain:
            right = conv(name, right)
    product = left * right
    if place == "product" or (convs == 1 and place is None):
        for name in chain:
            product = conv(name, product)
    expected = activate(out + s + batch_norm(block.norm3, product))

    y = block(x)
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    (gradient,) = torch.autograd.grad(y.square().sum(), x)
    (wanted,) = torch.autograd.grad(expected.square().sum(), x)
    torch.testing.assert_close(gradient, wanted, rtol=1e-8, atol=1e-8)


def test_checkpointing_changes_nothing():
    torch.manual_seed(0)
    x = torch.randn(2, 4, 6, 6, requires_grad=True)
    plain = PiNetBlock(4, 4, second_order_convs=1)
    saving = PiNetBlock(4, 4, second_order_convs=1, with_cp=True)
    saving.load_state_dict(plain.state_dict())
    gradients = []
    for block in (plain, saving):
        y = block(x)
        gradients.append((y, *torch.autograd.grad(y.sum(), [x, *block.parameters()])))
    for a, b in zip(*gradients, strict=True):
        assert torch.equal(a, b)


def test_a_dropped_block_is_its_shortcut():
    block = PiNetBlock(3, 3, drop_path_rate=1 - 1e-6).train()
    x = torch.randn(2, 3, 4, 4)
    torch.manual_seed(0)
    torch.testing.assert_close(block(x), x.relu())


@pytest.mark.parametrize(
    ("norm", "kind", "extra"),
    [
        ("BN", nn.BatchNorm2d, 2 * 960),
        ("IN", nn.InstanceNorm2d, 0),
        ("GN", nn.GroupNorm, 2 * 960),
        ("LN2d", nn.LayerNorm, 2 * 960),
        ({"type": "IN", "affine": True}, nn.InstanceNorm2d, 2 * 960),
        (None, type(None), 0),
    ],
)
def test_the_norm_of_the_second_order_term(norm, kind, extra):
    built = build(f"pinet_relu(blocks=[1, 1, 1, 1], second_order_norm={norm!r})", allocate=True)
    plain = build("resnet_norelu(blocks=[1, 1, 1, 1])")
    assert parameters(built.module) == parameters(plain.module) + extra
    block = built.module.backbone.layer4[0]
    assert isinstance(block.norm3, kind)
    with torch.no_grad():
        assert built.module(torch.randn(2, 3, 32, 32)).isfinite().all()


@pytest.mark.parametrize(
    "options",
    ["second_order_convs=3", "second_order_convs=1, second_order_kernel=2", "second_order_place='x'",
     "second_order_convs=1, second_order_place='operands'"],
)  # fmt: skip
def test_wrong_options_are_refused(options):
    with pytest.raises(DiagnoseError, match="second_order"):
        build(f"pinet_relu({options})")


def test_initialisation_makes_every_block_the_identity():
    torch.manual_seed(0)
    backbone = PiNetCIFAR(18, second_order_convs=1, relu=False)
    backbone.init_weights()
    block = backbone.layer1[1]
    x = torch.randn(2, 64, 4, 4)
    assert torch.equal(block(x), x)
    kept = PiNetCIFAR(18, zero_init_residual=False)
    kept.init_weights()
    assert kept.layer1[0].norm3.weight.eq(1).all()


@pytest.mark.parametrize("deep_stem", [False, True])
def test_the_imagenet_stem_without_relu(deep_stem):
    backbone = PiNet(18, relu=False, deep_stem=deep_stem)
    assert not any(isinstance(m, nn.ReLU) for m in backbone.modules())
    assert backbone(torch.randn(1, 3, 64, 64))[0].shape == (1, 512, 2, 2)


def test_the_torch_alias_is_torchvisions_network_and_its_initialisation():
    from torchvision.models import resnet18

    module = build("torch", allocate=True, seed=0).module
    reference = resnet18(num_classes=10)
    assert [n for n, _ in module.named_parameters()] == [n for n, _ in reference.named_parameters()]
    assert module.conv1.weight.shape == (64, 3, 3, 3)
    # Kaiming normal, fan-out: std = √(2 / (k² · out)); 0.1 is six standard errors of the stem's 1728 weights.
    assert module.conv1.weight.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.1)
    assert module.layer1[0].conv1.weight.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    zeroed = build("torch(zero_init_residual=True)", allocate=True).module
    assert zeroed.layer1[0].bn2.weight.eq(0).all()
