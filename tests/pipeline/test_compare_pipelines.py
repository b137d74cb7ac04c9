"""Two pipelines compared: equal ones in other words are the same, and a planted difference is found at its step."""

import numpy as np
import pytest
import torch
from PIL import Image

from diagnose.pipeline import phrases
from diagnose.pipeline.sample_images import chart
from diagnose.values import FormKind, PictureUnit, PipelineVerdict, StepKind, StepStatus
from tests.pipeline.transforms import EQUAL, PLANTED, STD


def parting(diff):
    return [step for step in diff.steps if step.status is StepStatus.DIFFERS]


def opened(path):
    with Image.open(path) as image:
        return image.convert("RGB")


@pytest.mark.parametrize("name", EQUAL)
def test_equal_pipelines_in_other_words_are_the_same(compare, name):
    diff = compare(name, "base")
    assert diff.verdict is PipelineVerdict.SAME
    assert not parting(diff)
    assert len(diff.outputs) == 3


@pytest.mark.parametrize(("name", "step"), PLANTED.items())
def test_a_planted_difference_is_found_at_its_step_alone(compare, name, step):
    diff = compare(name, "base")
    assert diff.verdict is PipelineVerdict.DIFFERENT
    assert [phrases.kinds_text(found) for found in parting(diff)] == [step]
    assert diff.first is parting(diff)[0]


def test_both_sides_may_differ_at_two_steps(compare):
    diff = compare("resized_to_232", "other_mean")
    assert [phrases.kinds_text(step) for step in parting(diff)] == ["resize", "normalise"]


def test_a_difference_of_the_mean_has_the_size_that_its_formula_gives(compare):
    worst = parting(compare("other_mean", "base"))[0].worst
    assert worst.unit is PictureUnit.DEVIATIONS
    assert worst.greatest == pytest.approx((0.5 - 0.406) / 0.225, rel=1e-4)


def test_the_size_in_grey_levels_is_that_of_pil(compare, few):
    worst = parting(compare("bicubic", "base"))[0].worst
    image = opened(few / worst.image)
    size = (round(256 * image.width / image.height), 256)
    bicubic, bilinear = (
        np.asarray(image.resize(size, rule), float) for rule in (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)
    )
    assert worst.unit is PictureUnit.LEVELS
    assert worst.greatest == np.abs(bicubic - bilinear).max()


def test_the_output_difference_is_that_of_the_transforms_themselves(compare, few):
    from tests.pipeline.transforms import base, bicubic

    diff = compare("bicubic", "base")
    for output in diff.outputs:
        image = opened(few / output.image)
        assert output.greatest == pytest.approx(float((bicubic(image) - base(image)).abs().max()), abs=1e-9)


def test_an_unread_transform_is_compared_by_its_output_alone(compare):
    diff = compare("one_level_more", "base")
    assert diff.verdict is PipelineVerdict.DIFFERENT
    assert diff.first is None
    assert [step.status for step in diff.steps][-1] is StepStatus.UNTRIED
    assert max(output.greatest for output in diff.outputs) == pytest.approx(1 / 255 / STD[2], rel=1e-3)


@pytest.mark.parametrize("name", ["in_bgr", "own_resize"])
def test_what_is_only_in_the_output_is_seen(compare, name):
    assert compare(name, "base").verdict is PipelineVerdict.DIFFERENT


def test_a_subclass_of_the_user_is_not_read_by_its_name(compare):
    steps = compare("own_resize", "base").a.steps
    assert steps[1].kind is StepKind.UNREAD


@pytest.mark.parametrize(
    ("name", "kind", "texts"),
    [("of_doubles", FormKind.TYPE, ("float64", "float32")), ("channels_last", FormKind.LAYOUT, ("HWC", "CHW"))],
)
def test_equal_values_in_another_form_are_told_by_the_form(compare, name, kind, texts):
    diff = compare(name, "base")
    assert diff.verdict is PipelineVerdict.DIFFERENT
    assert [(form.kind, form.a, form.b) for form in diff.forms] == [(kind, *texts)]
    assert max(output.greatest for output in diff.outputs) < 1e-4


def test_an_output_that_varies_decides_nothing(compare):
    diff = compare("draws", "base")
    assert diff.verdict is PipelineVerdict.UNDETERMINED
    assert len(diff.varying) == 1


def test_a_failure_of_one_side_leaves_it_open(tmp_path):
    from diagnose.pipeline.run import compare_pipelines
    from tests.pipeline.conftest import named

    for side in (5, 300):
        Image.new("RGB", (side, side)).save(tmp_path / f"{side}.png")
    diff = compare_pipelines(named("refuses_small_images"), named("by_hand"), images=tmp_path)
    assert diff.verdict is PipelineVerdict.UNDETERMINED
    assert [skipped.reason for skipped in diff.skipped] == ["ValueError: too small"]


def test_what_returns_no_picture_is_skipped_with_the_reason(compare):
    diff = compare("returns_nothing", "base")
    assert diff.verdict is PipelineVerdict.UNDETERMINED
    assert {skipped.reason for skipped in diff.skipped} == {"TypeError: a NoneType is no picture"}


@pytest.mark.slow
def test_a_rotation_in_exif_parts_pil_from_opencv_where_the_image_is_decoded(tmp_path):
    from diagnose.pipeline.run import compare_pipelines

    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    Image.fromarray(chart(300, 420)).save(tmp_path / "turned.jpg", exif=exif)
    weights = "torchvision:ResNet50_Weights.IMAGENET1K_V1"
    diff = compare_pipelines(weights, "mmpretrain:resnet50_8xb32_in1k", images=tmp_path)
    assert [step.kind for step in diff.first.steps_a] == [StepKind.DECODE]
    assert (diff.first.worst.shape_a, diff.first.worst.shape_b) == ((300, 420, 3), (420, 300, 3))


def test_a_file_that_is_no_image_fails_on_both_sides_and_leaves_the_rest(tmp_path):
    from diagnose.pipeline.run import compare_pipelines
    from tests.pipeline.conftest import named

    Image.new("RGB", (300, 300)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    diff = compare_pipelines(named("by_hand"), named("base"), images=tmp_path)
    assert (diff.verdict, diff.images, len(diff.skipped)) == (PipelineVerdict.SAME, ("good.png",), 2)


# ------------------------------------------------------------------------------------------------- random


def test_random_steps_are_compared_by_their_parameters(compare):
    diff = compare("turned", "turned_seldom")
    assert diff.verdict is PipelineVerdict.DIFFERENT
    assert diff.first.status is StepStatus.STATED_DIFFERENT
    assert diff.first.settings == (("probability", 0.5, 0.1),)
    assert not diff.outputs


def test_a_random_step_may_have_its_partner_in_what_is_not_read(compare):
    assert compare("turned_first", "turned_last").verdict is PipelineVerdict.UNDETERMINED


def test_the_same_random_code_is_the_same(compare):
    assert compare("turned", "turned").verdict is PipelineVerdict.SAME


def test_a_step_before_a_random_one_is_still_compared(compare):
    diff = compare("turned_and_resized", "turned")
    assert [phrases.kinds_text(step) for step in parting(diff)] == ["resize"]
    assert diff.verdict is PipelineVerdict.DIFFERENT


def test_nothing_of_the_caller_changes(compare):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    compare("draws", "base")
    assert torch.equal(torch.rand(2), expected)
