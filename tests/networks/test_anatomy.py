"""Stages, blocks, branches and kinds are read off real networks as their papers lay them out."""

from pathlib import Path

import pytest
from torch import nn

from diagnose.networks import build
from diagnose.networks.anatomy import anatomy, kind_of

TOYS = Path(__file__).parents[1] / "toys.py"

DEPTHS = {
    "torch": (2, 2, 2, 2),
    "mm": (2, 2, 2, 2),
    "prodpoly": (2, 2, 1, 1),
    "pinet_1x1_relu(depth=34)": (3, 4, 6, 3),
    "torchvision:resnet50": (3, 4, 6, 3),
    "torchvision:densenet121": (6, 12, 24, 16),
    "torchvision:vit_b_16": (12,),
    "torchvision:swin_t": (2, 2, 6, 2),
    "torchvision:convnext_tiny": (3, 3, 9, 3),
    "torchvision:maxvit_t": (2, 2, 5, 2),
    "torchvision:r3d_18": (2, 2, 2, 2),
    "torchvision:regnet_y_400mf": (1, 3, 6, 6),
    "torchvision:fasterrcnn_resnet50_fpn": (3, 4, 6, 3),
    "mmpretrain:swin-tiny_16xb64_in1k": (2, 2, 6, 2),
    "mmpretrain:convnext-tiny_32xb128_in1k": (3, 3, 9, 3),
    "mmpretrain:mobilenet-v2_8xb32_in1k": (1, 2, 3, 4, 3, 3, 1),
    "timm:regnetx_002": (1, 1, 4, 7),
    "timm:mixer_s16_224": (8,),
    "timm:efficientnet_b0": (1, 2, 2, 3, 3, 4, 1),
    "timm:convnext_atto": (2, 2, 6, 2),
    f"{TOYS}:Small": (3,),
    f"{TOYS}:HeadFirst": (3,),
    f"{TOYS}:Decoder": (3,),
    f"{TOYS}:SharedBlock": (3,),
    f"{TOYS}:Empty": (),
    f"{TOYS}:single": (),
}


@pytest.mark.parametrize(("model", "depths"), DEPTHS.items(), ids=lambda value: str(value).rpartition("/")[2])
def test_blocks_per_stage_are_those_of_the_paper(model, depths):
    module = build(model).module
    found = anatomy(module)

    assert tuple(len(stage.blocks) for stage in found.stages) == depths
    for stage in found.stages:
        for block in stage.blocks:
            assert type(module.get_submodule(block.path)).__name__ == block.class_name
    for path, _ in module.named_parameters(remove_duplicate=False):
        assert found.place(path).stage


@pytest.mark.parametrize("model", [f"{TOYS}:Small", f"{TOYS}:HeadFirst", "torch", "torchvision:resnet50"])
def test_the_ends_are_stem_and_head_in_whatever_order_they_are_registered(model):
    places = anatomy(build(model).module)
    assert places.place("fc.weight").stage == "head"
    first = "stem.weight" if "toys" in model else "conv1.weight"
    assert places.place(first).stage == "stem"


def test_branches_of_a_residual_block_are_told_apart():
    module = build("pinet_1x1_relu").module
    places = anatomy(module)
    branches = {}
    for path, _ in module.named_parameters():
        place = places.place(path)
        if place.block.endswith("layer2.0"):
            branches.setdefault(place.branch, set()).add(path.removeprefix(place.block).split(".")[1])
    assert branches["shortcut"] == {"downsample"}
    assert branches["second-order"] == {"conv3", "bn3"}
    assert branches["residual"] == {"conv1", "conv2", "bn1", "bn2"}


def test_what_stands_between_two_stages_is_a_transition():
    module = build("torchvision:densenet121").module
    places = anatomy(module)
    stages = {places.place(path).stage for path, _ in module.named_parameters() if "transition2" in path}
    assert stages == {"transition 2"}


KINDS = (
    (nn.Conv2d(4, 8, 3), "3×3 convolution"),
    (nn.Conv2d(4, 8, (1, 7)), "1×7 convolution"),
    (nn.Conv2d(4, 8, 3, groups=4), "3×3 depthwise convolution"),
    (nn.Conv2d(4, 8, 3, groups=2), "3×3 grouped convolution"),
    (nn.ConvTranspose2d(4, 8, 2), "2×2 transposed convolution"),
    (nn.Conv2d(1, 8, 3), "3×3 convolution"),
    (nn.Linear(2, 3), "linear"),
    (nn.BatchNorm1d(3), "batch norm"),
    (nn.LayerNorm(3), "layer norm"),
    (nn.GroupNorm(1, 3), "group norm"),
    (nn.InstanceNorm2d(3, affine=True), "instance norm"),
    (nn.RMSNorm(3), "RMS norm"),
    (nn.Embedding(2, 3), "embedding"),
    (nn.MultiheadAttention(4, 2), "attention projection"),
    (nn.LSTM(2, 3), "recurrent"),
    (nn.PReLU(), "activation"),
)


@pytest.mark.parametrize(("layer", "kind"), KINDS, ids=lambda value: value if isinstance(value, str) else "")
def test_kinds_are_named_in_the_fields_terms(layer, kind):
    for name, parameter in layer.named_parameters(recurse=False):
        assert kind_of(layer, name, parameter) == kind
