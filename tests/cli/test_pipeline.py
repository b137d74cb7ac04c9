"""`diagnose pipeline` as a user runs it."""

import json

import pytest
from PIL import Image

from diagnose.pipeline.sample_images import chart
from tests.pipeline.conftest import named

V1, V2 = "torchvision:ResNet50_Weights.IMAGENET1K_V1", "torchvision:ResNet50_Weights.IMAGENET1K_V2"


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(chart(300, 400)).save(folder / "photo.jpg", quality=90)
    return folder


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((V1, "timm:resnet50.tv_in1k"), 0),  # the same preprocessing, published with the same weights
        ((V1, named("in_v2")), 0),
        ((V1, V2), 1),
        ((named("turned"), named("turned_seldom"), "--split", "train"), 1),
        ((named("draws"), named("base")), 3),
        ((named("takes_nothing"), named("base")), 3),
        ((named("base"),), 0),
        (("torchvision:resnet50", V1), 2),
        ((V1, V2, "--split", "train"), 2),
        ((V1, V2, "--images", "/nowhere"), 2),
        ((), 2),
    ],
)
def test_exit_codes(diagnose, photo, arguments, code):
    images = () if "--images" in arguments else ("--images", photo)
    done = diagnose("pipeline", *arguments, *images)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) == (code < 2 or "draws" in str(arguments))


def test_json_has_the_raw_numbers(diagnose, photo):
    report = json.loads(diagnose("pipeline", V1, V2, "--images", photo, "--format", "json").stdout)
    assert report["schema"] == "diagnose.pipeline/1"
    assert report["data"]["verdict"] == "different"
    resize = next(step for step in report["data"]["steps"] if step["status"] == "differs")
    assert {"name": "size", "a": 256, "b": 232} in resize["settings"]
    assert report["data"]["images"] == ["photo.jpg"]
    assert [(finding["kind"], finding["verdict"]) for finding in report["findings"]] == [("pipeline.resize", "real")]


@pytest.mark.parametrize("format", ["terminal", "markdown", "html"])
def test_every_format_names_the_step(diagnose, photo, format):
    text = diagnose("pipeline", V1, V2, "--images", photo, "--format", format).stdout
    assert "size 256 against 232" in text


def test_the_drawn_images_go_through_the_published_pipelines(diagnose):
    report = json.loads(diagnose("pipeline", V1, "timm:resnet50.tv_in1k", "--format", "json").stdout)
    assert report["data"]["verdict"] == "same"
    assert len(report["data"]["images"]) == 11
    assert not report["skipped"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("a", "b", "split", "kinds"),
    [
        # torchvision resizes with PIL, which antialiases; mmpretrain with OpenCV, which does not.
        (V1, "mmpretrain:resnet50_8xb32_in1k", "test", [("pipeline.resize", "real")]),
        # timm augments with colours and bicubic crops, mmpretrain's config with bilinear ones alone.
        (
            "timm:resnet50.a1_in1k", "mmpretrain:resnet50_8xb32_in1k", "train",
            [("pipeline.crop", "real"), ("pipeline.colour", "real")],
        ),
        # Both resize with PIL, bicubic: mmpretrain to 256, timm to 224 / 0.9 = 248.
        (
            "timm:vit_base_patch16_224.mae", "mmpretrain:vit-base-p16_32xb128-mae_in1k", "test",
            [("pipeline.resize", "real")],
        ),
    ],
)  # fmt: skip
def test_real_pairs(diagnose, a, b, split, kinds):
    done = diagnose("pipeline", a, b, "--split", split, "--format", "json")
    report = json.loads(done.stdout)
    real = [(finding["kind"], finding["verdict"]) for finding in report["findings"] if finding["verdict"] == "real"]
    assert (done.returncode, real) == (1, kinds)
