"""Each source: what is read is what the library states, and the calls one by one give what the library gives."""

import numpy as np
import pytest
import torch
from PIL import Image

from diagnose.errors import CannotRun, UsageError
from diagnose.networks.consent import NOTHING, ConsentError, limited_to
from diagnose.pipeline.sources.load_pipeline import load_pipeline
from diagnose.pipeline.steps.trace import run_calls, trace
from diagnose.values import StepKind
from tests.pipeline.conftest import FILE, named


def setting(pipeline, kind, key):
    step = next(step for step in pipeline.steps if step.kind is kind)
    return dict(step.settings)[key]


def opened(path):
    with Image.open(path) as image:
        return image.convert("RGB")


@pytest.fixture
def image(few):
    return few / "a.png"


# ---------------------------------------------------------------------------------------------- torchvision

V2 = "torchvision:ResNet50_Weights.IMAGENET1K_V2"


def test_the_weights_of_torchvision_state_their_steps():
    pipeline = load_pipeline(V2, train=False)
    assert setting(pipeline, StepKind.RESIZE, "size") == 232
    assert setting(pipeline, StepKind.CROP, "size") == (224, 224)
    assert setting(pipeline, StepKind.NORMALISE, "mean") == (123.675, 116.28, 103.53)
    assert pipeline.readable


@pytest.mark.parametrize("text", [V2, "torchvision:ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1"])
def test_the_calls_one_by_one_are_the_transforms_of_the_weights(image, text):
    import torchvision

    pipeline = load_pipeline(text, train=False)
    preset = torchvision.models.get_weight(text.partition(":")[2]).transforms()
    assert torch.equal(run_calls(pipeline.calls, image), preset(opened(image)))


def test_an_argument_takes_the_place_of_the_weights_own():
    assert setting(load_pipeline(f"{V2}(resize_size=256)", train=False), StepKind.RESIZE, "size") == 256


@pytest.mark.parametrize(
    ("text", "train", "kind"),
    [
        ("torchvision:ResNet50_Weights.IMAGENET1K_V9", False, UsageError),
        ("torchvision:resnet50", False, UsageError),
        (V2, True, UsageError),
        (f"{V2}(sice=3)", False, UsageError),
        ("torchvision:FCOS_ResNet50_FPN_Weights.COCO_V1", False, CannotRun),
        ("timm:no_such_model", False, UsageError),
        ("timm:resnet50.no_such_tag", False, UsageError),
        ("timm:resnet50(crop=3)", False, UsageError),
        ("resnet50", False, UsageError),
        ("hub:resnet50", False, UsageError),
        (named("no_such_name"), False, UsageError),
        (named("not_callable"), False, UsageError),
        (named("Resize"), False, UsageError),
        (named("make(sise=3)"), False, UsageError),
        (named("takes_nothing"), False, CannotRun),
    ],
)
def test_what_cannot_be_read_is_an_error_of_its_kind(text, train, kind):
    with pytest.raises(kind):
        load_pipeline(text, train=train)


def test_a_models_name_is_answered_with_its_weights():
    with pytest.raises(UsageError) as error:
        load_pipeline("torchvision:resnet50", train=False)
    assert "ResNet50_Weights.IMAGENET1K_V2" in error.value.hint


# ----------------------------------------------------------------------------------------------------- timm


def test_the_data_configuration_of_timm_is_what_its_transform_does(image):
    from timm.data.transforms_factory import create_transform

    pipeline = load_pipeline("timm:resnet50.a1_in1k", train=False)
    # Source: timm's configuration of these weights. 235 = floor(224 / 0.95).
    own = create_transform(input_size=224, crop_pct=0.95, interpolation="bicubic")
    assert setting(pipeline, StepKind.RESIZE, "size") == 235
    assert torch.equal(run_calls(pipeline.calls, image), own(opened(image)))


def test_timms_own_size_for_testing_is_told_and_taken():
    pipeline = load_pipeline("timm:resnet50.a1_in1k", train=False)
    assert "288x288" in pipeline.notes[0]
    larger = load_pipeline("timm:resnet50.a1_in1k(use_test_size=True)", train=False)
    assert setting(larger, StepKind.CROP, "size") == (288, 288)
    assert not larger.notes


def test_the_training_of_timm_is_random_and_stated():
    pipeline = load_pipeline("timm:resnet50.a1_in1k", train=True)
    assert [step.kind for step in pipeline.steps if step.random] == [StepKind.CROP, StepKind.FLIP, StepKind.COLOUR]
    assert setting(pipeline, StepKind.CROP, "area") == (0.08, 1.0)


@pytest.mark.parametrize("mode", ["center", "squash", "border"])
def test_every_crop_mode_of_timm_is_read(image, mode):
    pipeline = load_pipeline(f"timm:resnet50.a1_in1k(crop_mode={mode!r})", train=False)
    assert pipeline.readable
    assert trace(pipeline, image).reproduced


# ------------------------------------------------------------------------------------------- the user's own


@pytest.mark.parametrize(("name", "container"), [("by_hand", "PIL"), ("takes_an_array", "array"), ("aliased", "PIL")])
def test_a_callable_is_given_what_it_takes(name, container):
    assert setting(load_pipeline(named(name), train=False), StepKind.DECODE, "as") == container


def test_an_annotation_says_what_a_callable_takes(tmp_path):
    (tmp_path / "mine.py").write_text("import torch\ndef f(image: torch.Tensor):\n    return image\n")
    pipeline = load_pipeline(f"{tmp_path}/mine.py:f", train=False)
    assert setting(pipeline, StepKind.DECODE, "as") == "tensor"


def test_a_call_in_the_text_makes_the_transform():
    assert setting(load_pipeline(named("make(size=232)"), train=False), StepKind.RESIZE, "size") == 232
    assert setting(load_pipeline(named("make()"), train=False), StepKind.RESIZE, "size") == 256


def test_foreign_code_needs_consent():
    with limited_to(NOTHING), pytest.raises(ConsentError):
        load_pipeline(f"{FILE}:base", train=False)


# ----------------------------------------------------------------------------------------------- mmpretrain


@pytest.mark.slow
def test_the_imagenet_pipeline_of_mmpretrain_is_opencvs_and_a_formula(image):
    import cv2

    pipeline = load_pipeline("mmpretrain:resnet50_8xb32_in1k", train=False)
    loaded = cv2.imread(str(image))
    height, width = loaded.shape[:2]
    resized = cv2.resize(loaded, (int(256 * width / height), 256), interpolation=cv2.INTER_LINEAR)
    left, top = round((resized.shape[1] - 224) / 2), 16
    rgb = resized[top : top + 224, left : left + 224, ::-1].astype(np.float64)
    expected = ((rgb - (123.675, 116.28, 103.53)) / (58.395, 57.12, 57.375)).transpose(2, 0, 1)
    traced = trace(pipeline, image)
    assert traced.reproduced
    assert np.abs(traced.output.numpy() - expected).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("resnet18_8xb16_cifar10", [StepKind.DECODE, StepKind.LAYOUT, StepKind.TYPE, StepKind.NORMALISE]),
        (
            "efficientnet-b0_3rdparty_8xb32_in1k",
            [StepKind.DECODE, StepKind.CROP, StepKind.RESIZE, StepKind.LAYOUT, StepKind.COLOUR_ORDER, StepKind.TYPE,
             StepKind.NORMALISE],
        ),
    ],
)  # fmt: skip
def test_the_steps_of_mmpretrain_are_its_own(image, name, steps):
    pipeline = load_pipeline(f"mmpretrain:{name}", train=False)
    assert [step.kind for step in pipeline.steps] == steps
    assert trace(pipeline, image).reproduced


@pytest.mark.slow
def test_the_training_of_mmpretrain_is_random_and_stated():
    pipeline = load_pipeline("mmpretrain:resnet18_8xb16_cifar10", train=True)
    crop, flip = (step for step in pipeline.steps if step.random)
    assert (dict(crop.settings)["padding"], dict(crop.settings)["size"]) == (4, (32, 32))
    assert dict(flip.settings)["probability"] == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("text", ["mmpretrain:resnet18_8xb16_cifar1O", "mmpretrain:resnet18_8xb16_cifar10(depth=3)"])
def test_a_wrong_config_of_mmpretrain_is_a_wrong_call(text):
    with pytest.raises(UsageError):
        load_pipeline(text, train=False)


@pytest.mark.slow
def test_a_users_config_may_have_steps_that_are_not_read(tmp_path, image):
    (tmp_path / "mine.py").write_text(
        "model = dict(type='ImageClassifier', data_preprocessor=dict(mean=[0, 0, 0], std=[255, 255, 255]))\n"
        "test_dataloader = dict(dataset=dict(type='ImageNet', pipeline=[dict(type='LoadImageFromFile'),"
        " dict(type='Pad', pad_to_square=True), dict(type='PackInputs')]))\n"
    )
    pipeline = load_pipeline(f"mmpretrain:{tmp_path}/mine.py", train=False)
    assert [step.kind for step in pipeline.steps][1] is StepKind.UNREAD
    assert trace(pipeline, image).reproduced
    assert trace(pipeline, image).output.max() <= 1
