"""The gap search's view of a network holds every parameter of its table, cell by cell."""

from pathlib import Path

import pytest

from diagnose.networks import build
from diagnose.networks.inputs import candidates
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.parameter_conventions import CONVENTIONS, PLAIN, applicable
from diagnose.params.table import count_parameters

TOYS = Path(__file__).parents[2] / "toys.py"
MODELS = (
    *(f"{TOYS}:{name}" for name in ("Toy", "Small", "Decoder", "Decoder(tied=False)", "Empty", "single")),
    "torch", "mm", "prodpoly", "pinet_1x1_relu", "torchvision:resnet50", "torchvision:densenet121",
    "torchvision:vit_b_16", "torchvision:swin_t", "torchvision:convnext_tiny", "torchvision:mobilenet_v3_small",
    "torchvision:shufflenet_v2_x0_5", "torchvision:squeezenet1_1", "torchvision:googlenet", "torchvision:vgg11_bn",
    "torchvision:regnet_y_400mf", "torchvision:r3d_18", "torchvision:fcn_resnet50", "torchvision:raft_small",
    "timm:mixer_s16_224", "timm:vit_tiny_patch16_224", "timm:levit_128s", "mmpretrain:mobilenet-v2_8xb32_in1k",
)  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.rpartition("/")[2])
def test_a_layout_counts_what_the_model_has(model):
    built = build(model)
    table = count_parameters(built.module, candidates(built.module, built.input_shapes, ()))
    layout = layout_of(table)
    counts = layout.counts()

    parameters = list(built.module.parameters())
    assert PLAIN.total(counts) == table.total == sum(p.numel() for p in parameters)
    by_text = {convention.text: convention.total(counts) for convention in CONVENTIONS}
    assert by_text["trainable parameters only"] == sum(p.numel() for p in parameters if p.requires_grad)
    assert by_text["every element of the state dict"] == sum(t.numel() for t in built.module.state_dict().values())
    assert sum(group.count for group in layout.groups if group.is_block) == sum(layout.blocks_per_stage())


def test_only_conventions_that_count_otherwise_are_tried():
    table = count_parameters(build(f"{TOYS}:Small").module, (candidates(build("torch").module, ((1, 3, 8, 8),), ())))
    texts = {convention.text for convention in applicable(table, layout_of(table).counts())}
    assert "trainable parameters only" not in texts
    assert "tied parameters counted at every place" not in texts
    assert {"without the classifier", "without the norms", "M = 2^20"} <= texts
