"""A reported number: which convention, input or edit gives it."""

import pytest
from torch import nn

from diagnose.errors import DiagnoseError
from diagnose.flops.count import count_operations
from diagnose.flops.predict import Prediction
from diagnose.flops.reported.edits import (
    cifar_stem,
    imagenet_stem,
    stride_on_the_first_convolution,
    stride_on_the_second_convolution,
)
from diagnose.flops.reported.search_operations import find_candidates, met, parse_reported_work
from diagnose.flops.reported.variants import Subject
from diagnose.networks import build
from diagnose.networks.inputs import candidates, parse_inputs, with_named_inputs
from diagnose.params.gap.edits.depths import with_depths
from diagnose.params.gap.edits.widths import scaled
from diagnose.params.gap.layout import layout_of
from diagnose.params.table import count_parameters
from diagnose.values import InputSpec


def subject(text, *, train=False, asked=()):
    def rebuilt(allocate=False):
        return with_named_inputs(build(text, allocate=allocate).module, asked)

    built = build(text)
    with_named_inputs(built.module, asked)
    table = count_operations(built.module, candidates(built.module, built.input_shapes, asked), train=train)
    return Subject(built.ref, built.module, table, rebuilt, lambda: rebuilt(allocate=True))


def ways(text, number, **how):
    counted = subject(text, **how)
    found, skipped = find_candidates(parse_reported_work(number), counted)
    assert skipped == ()
    assert [item.cost for item in found] == sorted(item.cost for item in found)
    return found, met(found, counted.table)


@pytest.mark.parametrize("text", ["0.56G", "0.56 GFLOPs", "0.56GMACs", "0.56 G mult-adds"])
def test_the_word_behind_the_number_is_not_believed(text):
    assert parse_reported_work(text).rounded == (555_000_000, 565_000_000)


def test_a_number_that_cannot_be_read():
    with pytest.raises(DiagnoseError, match="cannot read"):
        parse_reported_work("many FLOPs")


def test_the_plainest_convention_stands_first():
    found, as_it_is = ways("torch", "0.56G")
    assert (found[0].convention, found[0].value, found[0].edits, found[0].fits) == (
        "MACs",
        555_422_720,
        (),
        ("rounded",),
    )
    assert as_it_is
    tools = {item.source.split()[0]: item.value for item in found if item.source}
    assert tools == {"fvcore": 556_659_712, "torchinfo": 555_432_330}
    assert all(item.input == "1x3x32x32" and not item.edits for item in found)  # none is needed


def test_twice_the_macs():
    found, _ = ways("torch", "1,110,845,440")
    assert [(item.convention, item.input) for item in found] == [("2 × MACs", "1x3x32x32"), ("MACs", "2x3x32x32")]


def test_torchinfos_figure_is_found_by_running_it():
    found, as_it_is = ways("torch", "555,432,330")
    assert [(item.source.split()[0], item.value) for item in found] == [("torchinfo", 555_432_330)]
    assert as_it_is


def test_attention_left_out():
    """ViT-B/16 without Q Kᵀ and its product with V, 2 · 197² · 768 MACs in each of 12 layers."""
    found, as_it_is = ways("torchvision:vit_b_16", "16,848,500,736")
    assert 17_563_828_224 - 12 * 2 * 197**2 * 768 == 16_848_500_736
    assert [item.convention for item in found] == ["MACs without attention and other products of activations"]
    assert as_it_is


def test_another_input():
    """On 128×128 every convolution of ResNet-18 has (128/224)² of the positions that it has on 224×224."""
    value = (1_814_073_344 - 512 * 1000) * 128**2 // 224**2 + 512 * 1000
    found, as_it_is = ways("torchvision:resnet18", "0.59G")
    assert [(item.convention, item.input, item.value) for item in found] == [("MACs", "1x3x128x128", value)]
    assert not as_it_is


def test_the_original_resnet_50():
    """3.8 billion, as the ResNet paper states, has the stride on the 1×1 convolution: truncated, 3.858 is 3.8."""
    found, as_it_is = ways("torchvision:resnet50", "3.8G")
    item = found[0]
    assert not as_it_is
    assert item.edits == ("the stride of each bottleneck on its first 1×1 convolution",)
    assert "1512.03385" in item.source
    # In stages 2 to 4 the first block's 1×1 convolution reads a quarter of the positions, its 3×3 as many as before.
    saved = sum(channels * width * positions * 3 // 4 for channels, width, positions in BEFORE)
    assert item.value == 4_089_184_256 - saved


BEFORE = ((256, 128, 56 * 56), (512, 256, 28 * 28), (1024, 512, 14 * 14))
"""Channels, width and positions that the 1×1 convolution in front of each stride reads."""


def test_nothing_fits():
    assert ways("torch", "123G") == ((), False)


def test_another_batch_size():
    found, as_it_is = ways("torch", "71,094,108,160")
    assert 128 * 555_422_720 == 71_094_108_160
    assert [(item.convention, item.input) for item in found] == [("MACs", "128x3x32x32"), ("2 × MACs", "64x3x32x32")]
    assert not as_it_is


def test_another_depth_and_width():
    """ResNet-34's figure, as torchvision publishes it, is ResNet-18's with other blocks; widths are tried, too."""
    found, _ = ways("torchvision:resnet18", "3.66G")
    (deeper,) = [item for item in found if item.edits and item.cost == 1.0]
    assert deeper.edits == ("blocks per stage [3, 4, 6, 3] in place of [2, 2, 2, 2]",)
    assert deeper.value == counted("torchvision:resnet34")
    found, _ = ways("torch", f"{counted('torch(width=96)'):,}")
    assert [item.edits for item in found] == [("a base width of 96 in place of 64",)]


def test_a_convolution_in_each_block():
    """One 1×1 convolution on each second-order path is 25,165,824 MACs; a bias or a norm adds none."""
    found, _ = ways("prodpoly", f"{404_427_776 + 25_165_824:,}")
    (item,) = found
    assert item.edits == ("one 1×1 convolution per block",)
    assert "2006.13026" in item.source
    assert item.note.startswith("built as prodpoly(second_order_convs=1)")
    assert "one 1×1 convolution per block with bias" in item.note


def test_an_edit_that_contradicts_what_is_stated_falls_back():
    (item, *_) = [item for item in ways("prodpoly", "0.57G")[0] if "width" in item.edits[0]]
    assert item.cost > 3
    assert "have widths 64, 128, 256 and 512" in item.against


def test_an_image_size_that_the_model_is_built_for():
    found, as_it_is = ways("torchvision:vit_b_16", "55.48G")
    assert [(item.input, item.value) for item in found] == [
        ("1x3x384x384", counted("torchvision:vit_b_16(image_size=384)"))
    ]
    assert not as_it_is


def test_a_length_of_the_sequence(tmp_path):
    (tmp_path / "net.py").write_text(TOKENS)
    found, _ = ways(f"{tmp_path}/net.py:net", f"{2048 * 8 * 10}", asked=parse_inputs(["1x16:int64"]))
    assert ("MACs", "1x2048:int64") in {(item.convention, item.input) for item in found}


def test_inputs_by_name(tmp_path):
    (tmp_path / "net.py").write_text(TOKENS)
    found, as_it_is = ways(f"{tmp_path}/net.py:net", f"{4 * 16 * 8 * 10}", asked=parse_inputs(["ids=1x16:int64"]))
    assert {("MACs", "ids=4x16:int64"), ("MACs", "ids=1x64:int64")} <= {(item.convention, item.input) for item in found}
    assert not as_it_is


TOKENS = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 8), nn.Linear(8, 10, bias=False)

    def forward(self, ids):
        return self.head(self.embed(ids))

net = Net
"""


def test_a_training_step():
    """The stem's image needs no gradient, so a step is less than the rule of thumb, three times the forward pass."""
    step = 3 * 555_422_720 - 32 * 32 * 64 * 27
    found, as_it_is = ways("torch", f"{step:,}", train=True)
    assert [item.convention for item in found] == ["MACs"]
    assert as_it_is
    found, _ = ways("torch", f"{3 * 555_422_720:,}", train=True)
    assert [item.convention for item in found if not item.edits] == ["3 × the MACs of the forward pass"]
    found, _ = ways("torch", "1,110,845,440", train=True)
    assert (found[0].convention, found[0].input) == ("2 × MACs of the forward pass alone", "1x3x32x32")


def test_an_edit_gives_the_forward_pass_of_a_training_step():
    found, _ = ways("prodpoly", f"{404_427_776 + 25_165_824:,}", train=True)
    assert (
        found[0].convention,
        found[0].edits,
    ) == ("MACs of the forward pass alone", ("one 1×1 convolution per block",))


def test_a_prediction_is_near_the_count():
    """What is worth building is told from shapes: every width and depth of a ResNet within a tenth of a percent."""
    resnet = subject("torchvision:resnet18")
    layout = layout_of(count_parameters(resnet.model, (resnet.table.inputs,)))
    prediction = Prediction(layout, resnet.table)
    assert prediction.of(layout) == resnet.table.macs
    deeper = with_depths(layout, (3, 4, 6, 3))
    assert prediction.of(deeper) == pytest.approx(counted("torchvision:resnet34"), rel=1e-3)
    wider = scaled(layout, 128, 64)
    blocks = resnet.table.macs - 118_013_952 - 512_000  # all but stem and head
    assert prediction.of(wider) == pytest.approx(4 * blocks + 2 * 118_013_952 + 2 * 512_000, rel=1e-3)


def counted(text):
    return subject(text).table.macs


def macs(model, side):
    table = count_operations(model, ((InputSpec((1, 3, side, side)),),))
    return table.macs


def test_moving_the_stride_there_and_back():
    model = build("torchvision:resnet50").module
    assert not stride_on_the_second_convolution(model)
    assert stride_on_the_first_convolution(model)
    assert stride_on_the_second_convolution(model)
    assert macs(model, 224) == 4_089_184_256


def test_the_stems_of_cifar_and_imagenet_change_places():
    cifar, imagenet = build("torch").module, build("torchvision:resnet18(num_classes=10)").module
    assert cifar_stem(imagenet)
    assert macs(imagenet, 32) == 555_422_720
    assert imagenet_stem(cifar)
    assert macs(cifar, 224) == macs(build("torchvision:resnet18(num_classes=10)").module, 224)


@pytest.mark.parametrize(
    "edit", [stride_on_the_first_convolution, stride_on_the_second_convolution, cifar_stem, imagenet_stem]
)
def test_a_model_without_a_place_for_an_edit_stays_as_it_is(edit):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())
    assert not edit(model)
    assert [type(module) for module in model] == [nn.Conv2d, nn.Flatten]
