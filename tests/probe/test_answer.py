"""What a budget does first: it narrows the networks whose width was not asked for."""

import pytest

from diagnose.probe import measure
from diagnose.probe.answer import Request, prepare
from diagnose.probe.images import load_images
from diagnose.probe.weights import initialised, narrowed
from diagnose.values import Recipe, Setting


def recipe(name, momentum):
    return Recipe(name, name, (Setting("momentum", momentum, ""), Setting("batch_size", 10, "")))


@pytest.fixture
def costs(monkeypatch):
    """A millisecond an image at width 64, a quarter at 32, a sixteenth at 16; nothing else costs anything."""

    def cost(model, *_, **__):
        width = next((width for width in (32, 16) if f"={width}" in model or f": {width}" in model), 64)
        return 1e-3 * (width / 64) ** 2, 0.0

    monkeypatch.setattr(measure, "seconds_per_image", cost)
    monkeypatch.setattr(measure, "faster_precision", lambda *_, **__: "bf16")
    monkeypatch.setattr(measure, "seconds_to_start", lambda: 0.0)


def planned(budget, **options):
    images = load_images("synthetic:1000")
    request = Request(("prodpoly", "mm"), recipe("a", 0.0), recipe("b", 0.9), seeds=2, epochs=5, budget=budget)
    return prepare(Request(**{name: getattr(request, name) for name in request.__slots__} | options), images)


# 5 arms × 2 seeds × 2 models × 5 epochs × 1,000 images at a millisecond are 100 seconds.
@pytest.mark.parametrize(("budget", "width"), [(None, 64), (100.1, 64), (99.0, 32), (24.0, 16)])
def test_a_budget_narrows_the_networks_first(costs, budget, width):
    prepared = planned(budget)
    expected = ("prodpoly", "mm") if width == 64 else (narrowed("prodpoly", width), narrowed("mm", width))
    assert prepared.plan.models == expected
    assert len(prepared.plan.arms) == 5
    assert any("narrowed" in note for note in prepared.plan.notes) == (width != 64)
    assert {spec.numerics.precision for spec in prepared.specs} == {"bf16"}


def test_a_width_that_was_asked_for_is_kept(costs):
    assert planned(99.0, width=64, models=("torch",)).plan.models == ("torch(width=64)",)


@pytest.mark.parametrize("alias", ["torch", "mm", "prodpoly", "resnet_norelu"])
def test_a_narrowed_network_has_about_a_sixteenth_of_the_parameters(alias):
    from diagnose.count.params import count_parameters
    from diagnose.sources import build

    whole, narrow = (count_parameters(build(narrowed(alias, width)).module).total for width in (None, 16))
    assert whole / narrow == pytest.approx(16, rel=0.05)


def test_one_seed_gives_the_same_initial_weights():
    import torch

    one, two, other = (initialised("torch(width=8)", "Kaiming-normal", seed) for seed in (3, 3, 4))
    assert torch.equal(one.layer1[0].conv1.weight, two.layer1[0].conv1.weight)
    assert not torch.equal(one.layer1[0].conv1.weight, other.layer1[0].conv1.weight)
    # Kaiming-normal, fan-out: standard deviation √(2 / (out · k²)).
    weight = initialised("torch(width=64)", "Kaiming-normal", 0).layer4[1].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
