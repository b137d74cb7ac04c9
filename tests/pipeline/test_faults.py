"""What looks wrong in one pipeline alone: named where the numbers show it, and nowhere else."""

import numpy as np
import pytest
from PIL import Image

from diagnose.pipeline.run import examine_pipeline
from diagnose.values import PipelineFaultKind
from tests.pipeline.conftest import named


def faults(name, folder):
    return {fault.kind: fault for fault in examine_pipeline(named(name), images=folder).faults}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("divided_twice", PipelineFaultKind.TWICE_DIVIDED),
        ("statistics_too_large", PipelineFaultKind.STATISTICS_TOO_LARGE),
        ("not_scaled", PipelineFaultKind.STATISTICS_TOO_SMALL),
        ("reversed_mean", PipelineFaultKind.STATISTICS_REVERSED),
        ("aliased", PipelineFaultKind.NO_ANTIALIAS),
    ],
)
def test_a_planted_fault_is_the_only_one_named(few, name, kind):
    assert list(faults(name, few)) == [kind]


@pytest.mark.parametrize(
    "name", ["base", "in_v2", "statistics_of_255", "other_mean", "nearest", "not_normalised", "by_hand", "turned"]
)
def test_nothing_is_named_in_what_is_right(few, name):
    assert not faults(name, few)


def test_dark_images_prove_no_division(tmp_path):
    Image.new("RGB", (80, 80), (1, 1, 1)).save(tmp_path / "dark.png")
    assert not faults("divided_twice", tmp_path)


def test_the_evidence_of_two_divisions_is_the_range_of_the_values(few):
    fault = faults("divided_twice", few)[PipelineFaultKind.TWICE_DIVIDED]
    assert (fault.low, fault.high) == (0, pytest.approx(1 / 255))


def test_the_distance_from_antialias_is_that_of_pil(tmp_path):
    import torch
    from torchvision.transforms.v2 import functional as F

    array = np.random.default_rng(1).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / "a.png")
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    rough = F.resize(tensor, [256], antialias=False).permute(1, 2, 0).numpy()
    smooth = np.asarray(Image.fromarray(array).resize((256, 256), Image.Resampling.BILINEAR))
    expected = np.abs(rough.astype(float) - smooth).mean()
    assert faults("aliased", tmp_path)[PipelineFaultKind.NO_ANTIALIAS].high == pytest.approx(expected)


def test_a_network_is_given_the_range_that_is_told(few):
    examination = examine_pipeline(named("not_normalised"), images=few)
    assert {output.dtype for output in examination.outputs} == {"float32"}
    assert (min(output.low for output in examination.outputs), examination.outputs[0].shape) == (0, (3, 224, 224))
    assert max(output.high for output in examination.outputs) == 1
