"""A reported number: which convention, input or edit gives it."""

import pytest
from torch import nn

from diagnose.count.flops.count import count_operations
from diagnose.count.flops.edits import (
    cifar_stem,
    imagenet_stem,
    stride_on_the_first_convolution,
    stride_on_the_second_convolution,
)
from diagnose.count.flops.reported import find_candidates, met, parse_reported_work
from diagnose.errors import DiagnoseError
from diagnose.inputs import candidates
from diagnose.sources import build
from diagnose.values import InputSpec


def ways(text, number):
    built = build(text)
    table = count_operations(built.module, candidates(built.module, built.input_shapes, ()))
    found = find_candidates(parse_reported_work(number), built.module, table, lambda: build(text).module)
    return found, met(found, table)


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
    assert ("fvcore", 556_659_712) in {(item.source, item.value) for item in found}


def test_twice_the_macs():
    found, _ = ways("torch", "1,110,845,440")
    assert [item.convention for item in found] == ["2 × MACs"]


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
    (item,) = found
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
