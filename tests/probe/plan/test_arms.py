"""Arms where a recipe leaves a field unstated, or where a field moves nothing; what is read at a shorter horizon."""

import pytest
import torch

from diagnose.errors import DiagnoseError, UsageError
from diagnose.probe.data.load_images import load_images
from diagnose.probe.effects.horizons import at_horizons, time_scale
from diagnose.probe.plan.arms import arms_of
from diagnose.probe.plan.plan import Plan
from diagnose.probe.trial.initial_weights import initialised
from diagnose.probe.trial.spec import TrialLength
from diagnose.probe.trial.train import train
from diagnose.recipes import load
from diagnose.values import ArmRole, Augmentation, EpochResult, Numerics, Recipe, Schedule, Setting, Trial, TrialEnd


def recipe(name, **values):
    return Recipe(name, name, tuple(Setting(key, value, "test") for key, value in values.items()))


def test_what_one_leaves_unstated_is_held_fixed_and_said():
    start, end = recipe("a", momentum=0.0), recipe("b", momentum=0.9, weight_decay=5e-4)
    arms, notes = arms_of(start, end)
    assert {arm.settings.weight_decay for arm in arms} == {5e-4}
    assert any("a does not state weight_decay" in note for note in notes)
    assert any("Neither recipe states" in note and "learning_rate 0.1" in note for note in notes)
    with pytest.raises(DiagnoseError, match="weight_decay is not stated by a"):
        arms_of(start, end, ("weight_decay",))


def test_the_paper_against_the_reproduction_has_nothing_to_probe():
    with pytest.raises(DiagnoseError, match="nothing to probe") as caught:
        arms_of(load("paper"), load("reproduction"))
    assert isinstance(caught.value, UsageError)


def test_what_is_named_and_the_same_is_left_out_with_a_note():
    # The list that the documentation shows, between the recipes of which the issue speaks.
    names = ("momentum", "weight_decay", "train_images", "init", "normalisation", "schedule")
    arms, notes = arms_of(load("reproduction"), load("authors-2022"), names)
    moved = {arm.name for arm in arms if arm.role is ArmRole.ABLATION}
    left_out = {name for name in names if any(note.startswith(f"{name} is the same in") for note in notes)}
    assert moved | left_out == set(names)
    assert not moved & left_out
    assert "init" in left_out


ONE_CYCLE = Schedule("one-cycle", peak=0.1)


def test_one_cycle_brings_its_own_learning_rate_and_takes_it_away():
    plain = recipe("a", learning_rate=0.2, schedule=Schedule("constant"), momentum=0.0)
    cycle = recipe("b", learning_rate=0.01, schedule=ONE_CYCLE, momentum=0.9)
    for start, end, rate in ((plain, cycle, 0.1), (cycle, plain, 0.2)):
        arms, notes = arms_of(start, end)
        assert {arm.name for arm in arms if arm.role is ArmRole.ABLATION} == {"momentum", "schedule"}
        assert next(arm for arm in arms if arm.name == "schedule").settings.initial_rate == rate
        assert any("one arm stands for both" in note for note in notes)
        with pytest.raises(DiagnoseError, match="learning_rate is set by one-cycle"):
            arms_of(start, end, ("learning_rate",))


@pytest.mark.parametrize(
    ("start", "end", "shares"),
    [
        ({"train_images": 40_000, "held_out": 10_000}, {"train_images": 45_000}, (0.8, 0.9)),
        ({"train_images": 40_000, "held_out": 10_000}, {"held_out": 0}, (0.8, 1.0)),
        ({"train_images": 40_000, "held_out": 10_000}, {}, (0.8, 0.8)),
        ({"held_out": 10_000}, {"train_images": 50_000}, (0.8, 1.0)),
        ({"held_out": 5_000}, {"held_out": 5_000}, (1.0, 1.0)),
        ({"held_out": 5_000}, {}, (1.0, 1.0)),
        ({"held_out": 5_000}, {"held_out": 0}, (1.0, 1.0)),
        ({"train_images": 50_000}, {"train_images": 40_000}, (1.0, 0.8)),
        ({}, {}, (1.0, 1.0)),
    ],
)
def test_the_share_of_the_images_is_that_of_the_larger_whole(start, end, shares):
    arms, _ = arms_of(recipe("a", momentum=0.0, **start), recipe("b", momentum=0.9, **end))
    assert (arms[0].share, arms[-1].share) == pytest.approx(shares)
    moved = [arm.share for arm in arms if arm.name == "train_images"]
    assert moved == ([shares[1]] if shares[0] != shares[1] else [])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"schedule": Schedule("step", (150.0, 225.0))}, "not the epochs"),
        ({"learning_rate": 0.0}, "learning_rate = 0"),
        ({"augmentation": Augmentation(pad=4)}, "pad 4 without a crop"),
        ({"optimizer": "SGD, gradients clipped by max_norm=5"}, "optimizer = SGD, gradients clipped"),
    ],
)
def test_what_a_trial_cannot_do_is_refused(values, said):
    with pytest.raises(DiagnoseError, match=said) as caught:
        arms_of(recipe("a", momentum=0.0, **values), recipe("b", momentum=0.9, **values))
    assert isinstance(caught.value, UsageError)


def test_a_field_that_moves_nothing_by_itself_has_no_arm():
    arms, notes = arms_of(recipe("a", momentum=0.0, nesterov=False), recipe("b", momentum=0.9, nesterov=True))
    assert "nesterov" not in {arm.name for arm in arms}
    assert any(note.startswith("nesterov by itself moves nothing") for note in notes)


def test_each_ablation_of_the_built_in_recipes_moves_its_fields_alone():
    from dataclasses import asdict

    arms, _ = arms_of(load("reproduction"), load("mmpretrain"))
    start = next(arm for arm in arms if arm.role is ArmRole.START)
    moved = {}
    for arm in (arm for arm in arms if arm.role is ArmRole.ABLATION):
        ours, theirs = asdict(start.settings), asdict(arm.settings)
        moved[arm.name] = {key for key in ours if ours[key] != theirs[key]}
        moved[arm.name] |= {"share"} if arm.share != start.share else set()
    assert moved == {
        "momentum": {"momentum"},
        "weight_decay": {"weight_decay"},
        "train_images": {"share"},
        "init": {"init"},
        "normalisation": {"normalisation"},
        "schedule": {"schedule"},
    }


@pytest.mark.parametrize(("start", "end", "steps"), [(0.0, 5e-4, 20_000), (5e-4, 0.0, 20_000), (0.0, 1e-4, 100_000)])
def test_the_time_scale_of_weight_decay_is_that_of_the_stronger(start, end, steps):
    arms, _ = arms_of(recipe("a", learning_rate=0.1, weight_decay=start), recipe("b", weight_decay=end))
    first, moved = arms[0], next(arm for arm in arms if arm.name == "weight_decay")
    assert time_scale(first, moved) == pytest.approx(steps)


def test_at_a_constant_rate_a_shorter_trial_is_the_beginning_of_a_longer_one_to_the_bit():
    images, net = load_images("synthetic:300"), torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10))
    start = {name: value.clone() for name, value in net.state_dict().items()}
    settings = arms_of(recipe("a", learning_rate=0.01, momentum=0.0), recipe("b", momentum=0.9))[0][0].settings

    def curve(epochs):
        net.load_state_dict(start)
        length = TrialLength(epochs, 256, 100)
        results = train(net, images, settings, length=length, seed=3, numerics=Numerics())
        return [(result.train_loss, result.test_accuracy) for result in results]

    assert curve(2) == curve(3)[:2]


def plan_of(kind):
    end = recipe("b", momentum=0.9, schedule=Schedule(kind, (60.0,) if kind == "step" else ()), epochs=120)
    return Plan(("m",), arms_of(recipe("a", momentum=0.0), end)[0], 2, (2, 3), 1_280)


def trial(plan, epochs, status):
    curve = tuple(EpochResult(n, 1.0, n / 10, 1.0) for n in range(1, epochs + 1))
    return Trial("m", "start", "a", (), 0, 3, plan.steps(plan.arms[0], 3), 1_280, "d", Numerics(), curve,
                 curve[-1].test_accuracy if status == "done" else None, TrialEnd.parse(status))  # fmt: skip


def test_a_constant_rate_is_trained_once_and_read_at_each_horizon():
    plan = plan_of("constant")
    assert plan.trained(plan.arms[0]) == (3,)
    assert plan.trials == 2 * len(plan.arms)
    short, long = at_horizons(plan, trial(plan, 3, "done"))
    assert [(t.epochs, t.steps, t.accuracy) for t in (short, long)] == [(2, 20, 0.2), (3, 30, 0.3)]
    short, long = at_horizons(plan, trial(plan, 2, "diverged in step 25"))
    assert [(t.status, t.accuracy) for t in (short, long)] == [("done", 0.2), ("diverged in step 25", None)]


def test_a_schedule_is_trained_for_each_horizon():
    plan = plan_of("step")
    assert plan.trained(plan.arms[0]) == (2, 3)
    assert plan.trials == 4 * len(plan.arms)
    assert len(tuple(at_horizons(plan, trial(plan, 3, "done")))) == 1


def test_init_is_get_models_alone_or_what_the_runner_calls():
    """Ratios of standard deviation: default U(±1/√fan_in) over Kaiming-normal √(2/fan_out), and init_weights' own."""
    own, called = (initialised("mm", init, 0) for init in ("the model's own", "mmpretrain init_weights"))
    conv, stem = own.backbone.layer1[0].conv2.weight, own.backbone.conv1.weight
    assert conv.std().item() == pytest.approx((1 / (3 * 64 * 9)) ** 0.5, rel=0.02)
    assert stem.std().item() == pytest.approx((1 / (3 * 27)) ** 0.5, rel=0.05)
    ratio = conv.std() / called.backbone.layer1[0].conv2.weight.std()
    assert ratio.item() == pytest.approx(6**-0.5, rel=0.02)
    assert not called.backbone.layer1[0].norm2.weight.any()
    assert own.backbone.layer1[0].norm2.weight.all()
    assert called.head.fc.weight.std().item() == pytest.approx(0.01, rel=0.05)
