"""The index holds what the installed libraries build; a number finds the networks that have it, by its own digits."""

import random
from importlib.metadata import version

import pytest
import torchvision

from diagnose.networks import build
from diagnose.params.index.find_networks import find_networks
from diagnose.params.index.lookup import KnownCounts, nearest_networks
from diagnose.params.index.network_index import INDEX_FILE, network_index
from diagnose.params.reported import parse_reported
from diagnose.values import CountedPart, ModelRef

NOBODY = ModelRef("toys.py:net", "user", "toys.py:net")


def models_meeting(text, *, ref=NOBODY):
    return {match.network.model: match for _, match in KnownCounts(ref).meeting(parse_reported(text))}


def test_the_index_is_large_in_networks_and_small_in_bytes():
    assert len(network_index().networks) > 1_500
    assert INDEX_FILE.stat().st_size < 1_000_000


def test_no_network_stands_in_it_twice():
    models = [network.model for network in network_index().networks]
    assert len(set(models)) == len(models)


@pytest.mark.parametrize("source", ["torchvision", "timm", "mmpretrain"])
def test_a_sample_that_is_built_anew_has_the_numbers_of_the_index(source):
    if dict(network_index().versions)[source] != version(source):
        pytest.skip("the index was made from another version")
    small = [
        network
        for network in network_index().networks
        if network.model.startswith(f"{source}:") and network.parameters < 30_000_000
    ]
    for network in random.Random(0).sample(small, 3):
        module = build(network.model).module
        assert network.parameters == sum(parameter.numel() for parameter in module.parameters())
        assert network.buffers == sum(buffer.numel() for buffer in module.buffers())


def test_torchvision_publishes_the_same_counts():
    models = {network.model: network for network in network_index().networks}
    compared = 0
    for name in torchvision.models.list_models(module=torchvision.models):
        weights = list(torchvision.models.get_model_weights(name))
        network = models.get(f"torchvision:{name}")
        if not weights or network is None or name in ("googlenet", "inception_v3"):  # published without their heads
            continue
        assert network.parameters in {weight.meta["num_params"] for weight in weights}, name  # of one input size
        compared += 1
    assert compared > 50


def test_without_the_head_is_the_count_without_the_classifier():
    resnet = next(network for network in network_index().networks if network.model == "torchvision:resnet18")
    assert (resnet.parameters, resnet.headless) == (11_689_512, 11_689_512 - 513 * 1_000)
    assert models_meeting("11,176,512")["torchvision:resnet18"].part is CountedPart.HEADLESS


@pytest.mark.parametrize(("text", "found"), [("11,689,512", True), ("11.7M", True), ("11,689,513", False)])
def test_a_number_finds_the_networks_within_its_digits(text, found):
    assert ("torchvision:resnet18" in models_meeting(text)) is found


def test_a_sibling_is_likelier_than_a_stranger():
    ref = ModelRef("torchvision:resnet50", "torchvision", "resnet50")
    first = KnownCounts(ref).meeting(parse_reported("11.7M"))[0][1]
    assert first.network.model == "torchvision:resnet18"


def test_the_nearest_networks_are_the_nearest():
    nearest = nearest_networks(parse_reported("11,689,513"))
    assert nearest[0].parameters == 11_689_512
    assert len({network.parameters for network in nearest}) == len(nearest)


def test_two_numbers_are_met_together():
    # 300.8 M MACs. Source: torchvision's documentation of its weights, and fvcore.
    found = find_networks(parameters=parse_reported("3.5M"), macs=parse_reported("0.30G"))
    assert "torchvision:mobilenet_v2" in {network.model for network in found.fitting}
    assert all(3_450_000 <= network.parameters < 3_600_000 for network in found.fitting)
    assert all(0.295e9 <= network.macs < 0.31e9 for network in found.fitting)


def test_a_network_without_known_macs_is_not_found_by_them():
    found = find_networks(macs=parse_reported("0.30G"))
    assert found.counted <= found.networks == len(network_index().networks)
    assert all(network.macs for network in (*found.fitting, *found.nearest))


def test_where_no_network_has_the_number_the_nearest_are_named():
    found = find_networks(words="torchvision resnet", parameters=parse_reported("11,689,513"))
    assert found.fitting == ()
    assert found.nearest[0].model == "torchvision:resnet18"
