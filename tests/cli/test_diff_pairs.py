"""Real pairs across torchvision, timm and mmpretrain, the cheapest of benchmarks/diff_pairs.py at small inputs."""

import pytest
import torch

from diagnose import networks
from diagnose.diff.run import compare
from diagnose.values import GraphDiff, InputSpec, Significance

pytestmark = pytest.mark.slow

SHAPE = (2, 3, 32, 32)


def real(found: GraphDiff) -> list[tuple[str, int]]:
    return [
        (finding.message, finding.count)
        for finding in found.findings
        if finding.verdict is not Significance.COSMETIC and finding.kind != "initial weights"
    ]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("torchvision:resnet18(num_classes=10)", "timm:resnet18(num_classes=10)"),
        ("torchvision:regnet_y_400mf(num_classes=10)", "timm:regnety_004(num_classes=10)"),
    ],
)
def test_one_network_of_two_libraries_is_one_function(a, b) -> None:
    found = compare(a, b, asked=(InputSpec(SHAPE),))

    assert (found.verdict, found.same_form, found.proof.agrees, real(found)) == ("equivalent", True, True, [])


def test_the_same_follows_from_a_transplant_by_hand() -> None:
    """timm and torchvision register the layers of a ResNet under the same names."""
    a, b = (networks.build(f"{library}:resnet18", allocate=True, seed=0).module for library in ("torchvision", "timm"))
    b.load_state_dict(a.state_dict())
    x = torch.randn(SHAPE)

    for training in (False, True):
        torch.testing.assert_close(a.train(training)(x), b.train(training)(x))


@pytest.mark.parametrize("b", ["timm:mobilenetv2_100", "mmpretrain:mobilenet-v2_8xb32_in1k"])
def test_the_dropout_of_torchvisions_mobilenet_is_the_one_difference(b) -> None:
    found = compare("torchvision:mobilenet_v2", b, asked=(InputSpec(SHAPE),))

    assert found.verdict == "different"
    assert real(found) == [("dropout (p 0.2) removed", 1)]
