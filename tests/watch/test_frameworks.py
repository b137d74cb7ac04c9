"""Training loops of frameworks, of which the hooks know nothing: what acts is seen all the same."""

import pytest

from diagnose.values import NOT_STATED, Augmentation, FactKind, Normalisation, Schedule, SightingKind
from tests.watch.frameworks import MMPRETRAIN, TIMM

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mmpretrain(watched):
    return watched(MMPRETRAIN, batches=2)


def test_the_runner_of_mmengine(mmpretrain):
    expected = {
        "optimizer": "SGD",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 1e-4,
        "weight_decay_on": "all but norms and biases",
        "schedule": Schedule("step", (2.0, 3.0), 0.1),
        "epochs": 4,
        "batch_size": 8,
        "train_images": 40,
        "normalisation": Normalisation((125.3, 123.0, 113.9), (51.6, 50.8, 51.3)),
        "augmentation": Augmentation(2, 8, 0.5),
        "loss": "cross-entropy",
        "label_smoothing": 0.0,
        "seed": 5,
    }
    found = {key: value for key, value in mmpretrain.values.items() if value is not NOT_STATED}
    # A preprocessor holds its numbers in float32.
    mean, std = found["normalisation"].mean, found["normalisation"].std
    assert mean == pytest.approx(expected["normalisation"].mean, rel=1e-6)
    assert std == pytest.approx(expected["normalisation"].std, rel=1e-6)
    assert found | {"normalisation": expected["normalisation"]} == expected


def test_the_runner_of_mmengine_brings_no_false_alarm(mmpretrain):
    assert not mmpretrain.faults
    assert mmpretrain.facts[FactKind.CLIPPING].startswith("clip_grad_norm_ at 1")
    assert mmpretrain.facts[FactKind.EVALUATION_MODE] == "eval in 8 of 8 calls"


def test_a_loop_with_the_parts_of_timm(watched):
    seen = watched(TIMM, batches=2)
    assert not seen.faults
    assert (seen.values["learning_rate"], seen.values["momentum"], seen.values["nesterov"]) == (0.01, 0.9, True)
    assert seen.values["weight_decay_on"] == "all but norms and biases"
    assert seen.values["schedule"].kind == "other"
    assert seen.reasons["loss"] is SightingKind.NO_LOSS  # its loss is made of arithmetic
    assert seen.facts[FactKind.DROP_LAST] == "yes"
