import logging
import sys

import pytest
import torch

from diagnose.errors import CannotRun, DiagnoseError, UsageError
from diagnose.networks import aliases, build, names, search

SMALL = [
    "torchvision:resnet18",
    "torchvision:resnet50(num_classes=7)",
    "torchvision:squeezenet1_1",
    "torchvision:mobilenet_v2",
    "torchvision:mobilenet_v3_small",
    "torchvision:shufflenet_v2_x0_5",
    "torchvision:mnasnet0_5",
    "torchvision:densenet121",
    "torchvision:efficientnet_b0",
    "torchvision:googlenet",
    "torchvision:inception_v3",
    "torchvision:regnet_y_400mf",
    "torchvision:swin_t",
    "torchvision:convnext_tiny",
    "torchvision:lraspp_mobilenet_v3_large",
    "mmpretrain:resnet18_8xb32_in1k",
    "mmpretrain:mobilenet-v2_8xb32_in1k",
    "mmpretrain:deit-tiny_4xb256_in1k",
    "mmpretrain:swin-tiny_16xb64_in1k",
    "mmpretrain:shufflenet-v2-1x_16xb64_in1k",
    "mmpretrain:repvgg-a0_8xb32_in1k",
    "mmpretrain:edgenext-xxsmall_3rdparty_in1k",
    "mmpretrain:densenet121_3rdparty_in1k",
    "timm:resnet18",
    "timm:mobilenetv3_small_050",
    "timm:vit_tiny_patch16_224",
    "timm:convnext_atto",
    "timm:efficientnet_lite0",
    "timm:ghostnet_050",
    "timm:levit_128s",
    "timm:mixer_s32_224",
]

PUBLISHED = {
    "torchvision:vit_b_16": 86_567_656,
    "torchvision:vgg16": 138_357_544,
    "torchvision:r3d_18": 33_371_472,
    "torchvision:resnet152": 60_192_808,
    "timm:vit_base_patch16_224": 86_567_656,
}
"""Parameters stated in torchvision's weight meta (`num_params`); timm's ViT-B/16 is the same network."""


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def describe(module):
    tensors = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    return {name: (tuple(t.shape), t.dtype, t.requires_grad) for name, t in tensors}


@pytest.mark.parametrize("text", SMALL)
def test_a_model_without_weights_is_the_model_with_weights(text):
    light = build(text)
    assert light.skipped == ()
    assert all(t.is_meta for t in (*light.module.parameters(), *light.module.buffers()))
    heavy = build(text, allocate=True)
    assert describe(light.module) == describe(heavy.module)
    assert list(light.module.state_dict()) == list(heavy.module.state_dict())
    assert not any(t.is_meta for t in (*heavy.module.parameters(), *heavy.module.buffers()))
    assert not light.module.training
    with torch.no_grad():
        light.module(torch.empty(light.input_shapes[0], device="meta"))


@pytest.mark.parametrize(("text", "published"), PUBLISHED.items())
def test_published_parameter_counts(text, published):
    assert parameters(build(text).module) == published


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("torchvision:inception_v3", (1, 3, 299, 299)),
        ("torchvision:r3d_18", (1, 3, 16, 112, 112)),
        ("torchvision:vit_h_14", (1, 3, 224, 224)),
        ("torchvision:ssd300_vgg16", (1, 3, 300, 300)),
        ("torchvision:fcn_resnet50", (1, 3, 520, 520)),
        ("mmpretrain:resnet34_8xb16_cifar10", (1, 3, 32, 32)),
        ("mmpretrain:swinv2-tiny-w8_3rdparty_in1k-256px", (1, 3, 256, 256)),
        ("mmpretrain:inception-v3_3rdparty_8xb32_in1k", (1, 3, 299, 299)),
        ("timm:resnet18(in_chans=1)", (1, 1, 224, 224)),
        ("timm:inception_v3", (1, 3, 299, 299)),
        ("timm:vit_tiny_patch16_224(img_size=64)", (1, 3, 64, 64)),
        ("prodpoly(stem='imagenet')", (1, 3, 224, 224)),
    ],
)
def test_the_input_shape_comes_from_the_models_own_configuration(text, shape):
    built = build(text)
    assert built.input_shapes[0] == shape
    if ":ssd" not in text:  # its forward pass draws boxes from real numbers
        with torch.no_grad():
            built.module(torch.empty(shape, device="meta"))


def test_two_images_are_no_input_shape():
    assert build("torchvision:raft_small").input_shapes == ()


def test_a_detector_without_its_backbones_weights_says_so():
    assert "backbone" in build("torchvision:fasterrcnn_resnet50_fpn").notes[0]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("torhc", "Did you mean torch?"),
        ("prodpolly", "prodpoly"),
        ("resnet18", "torchvision:resnet18"),
        ("torchvision:resnet81", "resnet18"),
        ("mmpretrain:resnet18_8xb16_cifar1", "resnet18_8xb16_cifar10"),
        ("timm:resnet81", "resnet18"),
        ("torchvison:resnet18", "torchvision"),
        ("torch(depht=20)", "Did you mean depth?"),
        ("torch(depth=20)", "Depths: 18, 34, 50, 101, 152."),
        ("torch(blocks=[2,2])", "blocks=[2, 2, 1, 1]"),
        ("torch(stem='cifra')", "cifar"),
        ("prodpoly(second_order_conv=1)", "second_order_convs"),
        ("torchvision:resnet18(num_clases=10)", "num_classes"),
        ("timm:resnet18(num_clases=10)", "num_classes"),
        ("mmpretrain:resnet18_8xb16_cifar10(backbon={'depth': 34})", "backbone"),
        ("mmpretrain:resnet18_8xb16_cifar10(backbone={'depht': 34})", "depth"),
        ("mmpretrain:no/such/config.py", ""),
        ("math:sqrt", "math:sqrt(x=…)"),
        ("collections:OrderedDict", ""),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(text, hint):
    with pytest.raises(DiagnoseError) as caught:
        build(text)
    assert isinstance(caught.value, UsageError)
    assert hint in caught.value.hint


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr("diagnose.networks.origins.from_timm.find_spec", lambda name: None)
    with pytest.raises(DiagnoseError, match="timm is not installed"):
        build("timm:resnet18")
    found = search("resnet18 a")
    assert [(s.what, s.reason) for s in found.skipped] == [("timm's models", "timm is not installed.")]
    assert not any(model.startswith("timm:") for model in found.models)


def test_search_and_names():
    assert search("").aliases == aliases()
    assert search("").models == ()
    found = search("ResNet18 cifar10")
    assert "mmpretrain:resnet18_8xb16_cifar10" in found.models
    assert {"torchvision:resnet50", "timm:resnet50"} <= set(search("resnet50").models)
    assert [alias.name for alias in search("prodpoly").aliases] == ["prodpoly"]
    assert set(names("alias")) == {alias.name for alias in aliases()}
    with pytest.raises(DiagnoseError, match="no source 'nowhere'"):
        names("nowhere")


def test_weights_are_not_downloaded_unasked(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("asked for the network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    for text in ("torchvision:fasterrcnn_resnet50_fpn", "torchvision:fcn_resnet50", "timm:resnet18.a1_in1k"):
        build(text, allocate=True)
    with pytest.raises(DiagnoseError, match="weights that mmpretrain downloads") as caught:
        build("mmpretrain:milan_vit-base-p16_16xb256-amp-coslr-400e_in1k")
    assert isinstance(caught.value, CannotRun)
    with pytest.raises(DiagnoseError, match="has no published weights"):
        build("prodpoly", pretrained=True)


def test_the_seed_decides_the_weights_and_disturbs_nothing():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    a, b, c = (build("torch", allocate=True, seed=seed).module.fc.weight for seed in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_that_prints_and_logs_leaves_stdout_alone(capsys, tmp_path):
    (tmp_path / "loud.py").write_text(
        "import logging\nfrom torch import nn\nprint('imported')\n"
        "def net():\n    print('built')\n    logging.getLogger('loud').warning('logged')\n    return nn.Linear(1, 1)\n"
    )
    handler = logging.StreamHandler(sys.stdout)
    logging.getLogger("loud").addHandler(handler)
    try:
        build(f"{tmp_path / 'loud.py'}:net")
    finally:
        logging.getLogger("loud").removeHandler(handler)
    assert handler.stream is sys.stdout
    out, err = capsys.readouterr()
    assert out == ""
    assert [line for line in ("imported", "built", "logged") if line not in err] == []


def test_mmpretrain_is_built_in_silence(capfd):
    build("mmpretrain:swin-tiny_16xb64_in1k")  # batch augmentation: mmengine logs that to stdout
    assert capfd.readouterr() == ("", "")
