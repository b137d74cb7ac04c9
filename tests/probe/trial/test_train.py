"""One trial: reproducible to the bit, resumable, paired, and against a plain loop of torch's own parts."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn

from diagnose.probe.data.load_images import load_images
from diagnose.probe.trial.hyperparameters import hyperparameters_of
from diagnose.probe.trial.spec import TrialLength
from diagnose.probe.trial.train import DivergedError, train
from diagnose.values import Augmentation, Normalisation, Numerics, Recipe, Setting

LENGTH = TrialLength(epochs=3, images=400, planned_epochs=3)


@pytest.fixture(scope="module")
def images():
    return load_images("synthetic:500")


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def settings(**values):
    values = {
        "learning_rate": 0.05,
        "momentum": 0.9,
        "batch_size": 50,
        "augmentation": Augmentation(4, 32, 0.5),
    } | values
    return hyperparameters_of(Recipe("r", "r", tuple(Setting(key, value, "") for key, value in values.items())))[0]


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def run(images, model, *, seed=1, length=LENGTH, numerics=None, **kwargs):
    options = {"length": length, "seed": seed, "numerics": numerics or Numerics()}
    return list(train(model, images, kwargs.pop("settings", settings()), **options, **kwargs))


def numbers(curve):
    return [(r.epoch, r.train_loss, r.test_accuracy) for r in curve]


def test_one_seed_gives_the_same_bits_and_another_does_not(images):
    first, two, second = net(), net(), net()
    assert numbers(run(images, first)) == numbers(run(images, two))
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), two.state_dict().values(), strict=True))
    assert numbers(run(images, second, seed=2)) != numbers(run(images, two))


def test_it_learns(images):
    curve = run(images, net(), length=TrialLength(8, 500, 8))
    assert curve[-1].train_loss < curve[0].train_loss
    assert curve[-1].test_accuracy > 0.15


def test_a_trial_goes_on_from_any_epoch_to_the_same_numbers(images):
    states = []
    whole = run(images, net(), keep=lambda result, state: states.append(copy.deepcopy(state)))
    for state in states[:-1]:
        assert numbers(run(images, net(seed=9), state=state)) == numbers(whole)[state["epoch"] :]


def test_what_a_network_draws_is_its_seeds_and_leaves_the_generators_as_they_were(images):
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net()

        def forward(self, x):
            if self.training:  # by each of the generators that stochastic depth is drawn from
                x = nn.functional.dropout(x, 0.5) * random.random() * np.random.rand()
            return self.net(x)

    def drawn():
        return random.random(), np.random.rand(), torch.rand(1).item()

    states = []
    whole = run(images, Masked(), keep=lambda result, state: states.append(copy.deepcopy(state)))
    random.seed(4), np.random.seed(4), torch.manual_seed(4)
    before, model = drawn(), Masked()
    random.seed(4), np.random.seed(4), torch.manual_seed(4)
    assert numbers(run(images, model)) == numbers(whole)
    assert drawn() == before
    assert numbers(run(images, Masked(), state=states[0])) == numbers(whole)[1:]
    assert numbers(run(images, Masked(), seed=2)) != numbers(whole)


def test_the_loop_is_that_of_torchs_own_parts(images):
    chosen = settings(augmentation=Augmentation(), normalisation=Normalisation((0.0,) * 3, (255.0,) * 3), nesterov=True)
    ours, theirs = net(), net()
    (got,) = run(images, ours, length=TrialLength(1, 500, 1), settings=chosen)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(1_000_003))
    x = torch.from_numpy(images.train_images)[order].permute(0, 3, 1, 2) / 255
    y = torch.from_numpy(images.train_labels)[order]
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    losses = []
    for a, b in zip(x.split(50), y.split(50), strict=True):
        loss = nn.functional.cross_entropy(theirs(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert got.train_loss == pytest.approx(sum(losses) / 10, rel=1e-4)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_divergence_is_told_with_its_step(images):
    class Bursting(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.calls = net(), 0

        def forward(self, x):
            self.calls += 1
            return self.inner(x) * (float("nan") if self.calls == 6 else 1.0)

    with pytest.raises(DivergedError) as caught:
        run(images, Bursting())
    assert caught.value.step == 6


def test_weight_decay_spares_what_the_recipe_spares(images):
    from diagnose.probe.trial.train import _optimizer

    groups = _optimizer(net(), settings(weight_decay=0.1, weight_decay_on="all but norms and biases")).param_groups
    counts = {group["weight_decay"]: sum(p.numel() for p in group["params"]) for group in groups}
    assert counts == {0.1: 8 * 27 + 1280, 0.0: 16 + 10}


def test_bf16_runs_on_a_cpu(images):
    assert run(images, net(), numerics=Numerics(precision="bf16"))[-1].test_accuracy > 0


def test_gradients_of_micro_batches_add_up_to_those_of_the_batch(images):
    # Without batch norm the parts of a batch are independent, so one step must be the same but for rounding.
    def plain():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))

    whole, parts = plain(), plain()
    seen = []
    parts[0].register_forward_hook(lambda module, inputs, _: seen.append(len(inputs[0])) if module.training else None)
    first, two = (
        run(images, model, length=TrialLength(1, 100, 1), numerics=Numerics(micro_batch=micro))
        for model, micro in ((whole, None), (parts, 20))
    )
    assert seen == [20, 20, 10] * 2
    assert first[0].train_loss == pytest.approx(two[0].train_loss, rel=1e-5)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_a_layout_changes_no_more_than_the_rounding(images):
    first, two = (run(images, net(), numerics=Numerics(layout=layout)) for layout in ("channels-last", "contiguous"))
    assert first[0].train_loss == pytest.approx(two[0].train_loss, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["compile", "cuda-graphs"])
def test_a_compiled_forward_pass_trains_the_same_network(images, engine):
    # On a CPU there are no CUDA graphs: both compile, and what is tested is that state and numbers stay in order.
    eager, compiled = net(), net()
    plain = run(images, eager, length=TrialLength(1, 100, 1))
    states = []
    options = {"length": TrialLength(1, 100, 1), "numerics": Numerics(engine=engine)}
    got = run(images, compiled, **options, keep=lambda result, state: states.append(state))
    assert got[0].train_loss == pytest.approx(plain[0].train_loss, rel=1e-4)
    assert states[0]["model"].keys() == eager.state_dict().keys()
