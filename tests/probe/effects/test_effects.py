"""Effects from trials made by hand, whose accuracies are known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diagnose.probe.effects.effects import AGAIN_DIFFERS, ENDS_TOGETHER, effects_of
from diagnose.probe.effects.statistics import detectable, difference
from diagnose.probe.plan.arms import arms_of
from diagnose.probe.plan.plan import Plan
from diagnose.probe.report.phrases import caution, ends, note, reading, reason, sentence, settling, steps_apart
from diagnose.probe.report.quantities import at_most
from diagnose.values import (
    ArmRole,
    DoubtKind,
    EffectRole,
    EffectVerdict,
    Numerics,
    Recipe,
    Setting,
    Trial,
    TrialEnd,
    TrialOutcome,
)

NOISE = np.array([0.0, 0.3, -0.2, 0.1, -0.1])


def recipe(name, **values):
    values = {
        "learning_rate": 0.1,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "nesterov": False,
        "batch_size": 100,
        "init": "torch default",
    } | values
    return Recipe(name, name, tuple(Setting(key, value, "test") for key, value in values.items()))


def trial_of(plan, arm, seed, epochs, points):
    lost = points is None
    return Trial("m", arm.name, arm.recipe, arm.changed, arm.first_seed + seed, epochs, plan.steps(arm, epochs),
                 plan.images, "d", Numerics(), (), None if lost else points / 100,
                 TrialEnd(TrialOutcome.DIVERGED, 3) if lost else TrialEnd(TrialOutcome.DONE))  # fmt: skip


def judged_at(shifts, *, seeds=5, images=10_000, lost=(), **end):
    """Return what is judged at each horizon of trials whose arms are `shifts` points above 80 %, but for noise."""
    plan = Plan(("m",), arms_of(recipe("a"), recipe("b", **({"momentum": 0.9} | end)))[0], seeds, tuple(shifts), images)
    return effects_of(plan, trials_of(plan, shifts, lost))


def trials_of(plan, shifts, lost):
    trials = []
    for epochs, moved in shifts.items():
        for arm in plan.arms:
            for seed in range(plan.seeds):
                # A little noise of the arm's own, so that paired differences are not exactly alike.
                own = NOISE[(seed * 2 + len(arm.name)) % 5] / 10
                points = 80 + moved.get(arm.role, moved.get(arm.name, 0.0)) + NOISE[seed] + own
                trials.append(trial_of(plan, arm, seed, epochs, None if (arm.name, seed) in lost else points))
    return trials


def judged(shifts, *, seeds=5, epochs=5, images=10_000, lost=(), **end):
    """Return the judgement at one horizon, and the trials."""
    plan = Plan(("m",), arms_of(recipe("a"), recipe("b", **({"momentum": 0.9} | end)))[0], seeds, (epochs,), images)
    trials = trials_of(plan, {epochs: shifts}, lost)
    return effects_of(plan, trials)[0], trials


def test_an_effect_is_seen_with_its_share_of_the_gap():
    found, trials = judged({"end": 4.0, "momentum": 3.0})
    assert found.conclusive
    effects = {effect.factor: effect for effect in found.effects}
    momentum = effects["momentum"]
    assert momentum.verdict == "effect"
    assert momentum.paired
    assert momentum.difference == pytest.approx(3.0, abs=0.1)
    assert momentum.share_of_gap == pytest.approx(0.75, abs=0.05)
    assert momentum.steps == 500
    a, b = ([100 * t.accuracy for t in trials if t.arm == name] for name in ("start", "momentum"))
    assert momentum.p_single == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert momentum.p == pytest.approx(
        momentum.p_single * 3
    )  # the smallest of three, its control and beyond among them
    assert momentum.share_low < momentum.share_of_gap < momentum.share_high
    control = next(effect for name, effect in effects.items() if "learning rate" in name)
    assert control.verdict is EffectVerdict.BOUNDED
    assert control.bound < 1


def test_end_points_that_do_not_separate_are_inconclusive():
    found, _ = judged({"end": 0.0, "momentum": 3.0})
    assert not found.conclusive
    assert {effect.verdict for effect in found.effects} == {"undetermined"}
    assert {effect.doubts for effect in found.effects} == {(ENDS_TOGETHER,)}
    assert {effect.share_of_gap for effect in found.effects} == {None}


def test_an_aa_arm_that_differs_forbids_conclusions():
    found, _ = judged({"end": 4.0, "again": 3.0, "momentum": 3.0})
    assert not found.conclusive
    assert {effect.verdict for effect in found.effects} == {"undetermined"}
    assert found.again is not None
    assert not found.again.paired
    assert found.doubts == (AGAIN_DIFFERS,)
    assert found.again.doubts == (AGAIN_DIFFERS,)
    assert "noise is larger" in note(found.again)
    found, _ = judged({"end": 0.0, "again": 3.0, "momentum": 3.0})
    assert found.doubts == (ENDS_TOGETHER, AGAIN_DIFFERS)
    assert reason(found) == "the end points do not separate, and the A/A arm differs from itself"


def test_other_initial_weights_are_not_paired():
    found, _ = judged({"end": 4.0}, init="Kaiming-normal")
    assert found.gap is not None
    assert not found.gap.paired


def test_an_arm_with_a_diverged_trial_is_never_called_better():
    found, _ = judged({"end": 4.0, "momentum": 9.0}, lost={("momentum", 2)})
    momentum = next(effect for effect in found.effects if effect.factor == "momentum")
    assert momentum.verdict == "undetermined"
    assert math.isnan(momentum.difference)
    assert (momentum.n, momentum.diverged) == (4, 1)
    assert note(momentum) == "1 of 5 trials of “momentum” diverged"
    assert found.conclusive


@pytest.mark.parametrize("arm", ["start", "end", "start again, other seeds"])
def test_a_diverged_trial_of_a_control_leaves_all_open(arm):
    found, _ = judged({"end": 4.0, "momentum": 3.0}, lost={(arm, 0)})
    assert not found.conclusive
    assert {effect.verdict for effect in found.effects} == {"undetermined"}
    assert [doubt.kind for doubt in found.doubts] == [DoubtKind.DIVERGED]


def test_momentum_is_held_against_a_learning_rate_that_makes_its_steps_as_long():
    control = "learning rate ×10 in place of the momentum"
    found, trials = judged({"end": 4.0, "momentum": 3.0, control: 2.0})
    beyond = next(effect for effect in found.effects if effect.role is EffectRole.BEYOND)
    a, b = ([100 * t.accuracy for t in trials if t.arm == name] for name in (control, "momentum"))
    assert beyond.difference == pytest.approx(np.mean(b) - np.mean(a))
    assert beyond.p_single == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert "at the same step length momentum still moves the accuracy by +1.0" in reading(found)
    found, _ = judged({"end": 4.0, "momentum": 3.0, control: 3.0})
    assert "momentum's effect is that of its step length" in reading(found)
    found, _ = judged({"end": 4.0, "momentum": 3.0}, lost={(control, 0)})
    assert "undetermined: 1 of 5 trials of “learning rate ×10" in reading(found)


def test_momentum_that_is_moved_back_is_held_against_shorter_steps():
    plan = Plan(("m",), arms_of(recipe("a", momentum=0.9), recipe("b"))[0], 5, (5,), 10_000)
    control = next(arm.name for arm in plan.arms if arm.role is ArmRole.CONTROL)
    assert control.startswith("learning rate ×0.1 ")
    trials = trials_of(plan, {5: {"end": -4.0, "momentum": -3.0, control: -3.0}}, ())
    first = next(index for index, trial in enumerate(trials) if trial.arm == control)
    trials[first] = replace(trials[first], accuracy=trials[first].accuracy + 1e-3)
    (found,) = effects_of(plan, trials)
    assert "larger" not in reading(found)
    assert "the learning rate that makes the steps as long does the same" in reading(found)


def test_what_an_effect_stands_on_is_said_in_steps():
    # The end trains on all images, the others on four fifths of them.
    ends = recipe("a", train_images=40_000, held_out=10_000), recipe("b", momentum=0.9, train_images=50_000, held_out=0)
    plan = Plan(("m",), arms_of(*ends, ("momentum",))[0], 5, (5,), 12_500)
    (found,) = effects_of(plan, trials_of(plan, {5: {"end": 4.0, "momentum": 3.0}}, ()))
    assert {effect.factor: effect.steps for effect in (found.gap, found.again)} == {"end": 625, plan.arms[1].name: 500}
    assert sentence(found).startswith("m after 500 to 625 steps: an effect of momentum")
    assert list(steps_apart(plan, found)) == ["625 steps in place of 500 are part of what is changed by: end."]


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({("start again, other seeds", 0)}, "apart; other seeds of the start alone do not tell the noise."),
        ({("end", 0)}, "how far the end points are apart is not known; other seeds of the start alone move it by"),
    ],
)
def test_of_the_controls_each_is_told_by_itself(lost, said):
    found, _ = judged({"end": 4.0, "momentum": 3.0}, lost=lost)
    assert said in ends(found)


@pytest.mark.parametrize("seeds", [0, 1])
def test_a_control_of_too_few_trials_says_nothing_of_the_step_length(seeds):
    plan = Plan(("m",), arms_of(recipe("a"), recipe("b", momentum=0.9))[0], 5, (5,), 10_000)
    trials = [
        trial
        for trial in trials_of(plan, {5: {"end": 4.0, "momentum": 3.0}}, ())
        if not trial.arm.startswith("learning rate ×") or trial.seed < seeds
    ]
    (found,) = effects_of(plan, trials)
    assert "undetermined: " in reading(found)
    assert "nan" not in reading(found)
    assert "inf" not in reading(found)


@given(st.floats(0, 100))
def test_a_bound_is_never_said_smaller_than_it_is(bound):
    assert bound - 1e-9 <= float(at_most(bound)) <= bound + 0.01 + 1e-9


def test_a_sign_that_changes_with_the_horizon_is_undetermined():
    short, long = judged_at({5: {"end": 4.0, "momentum": -3.0}, 16: {"end": 5.0, "momentum": 2.0}})
    for found in (short, long):
        momentum = next(effect for effect in found.effects if effect.factor == "momentum")
        assert momentum.verdict == "undetermined"
        assert note(momentum).startswith("its sign changes with the horizon: −3.0")
        assert "500 steps" in note(momentum)
        assert "1,600 steps" in note(momentum)
    assert [found.gap.steps for found in (short, long)] == [500, 1_600]
    short, long = judged_at({5: {"end": 4.0, "momentum": 2.0}, 16: {"end": 5.0, "momentum": 4.0}})
    words = [effect.verdict for found in (short, long) for effect in found.effects if effect.factor == "momentum"]
    assert words == ["effect", "effect"]


def test_end_points_that_change_places_are_inconclusive():
    short, long = judged_at({5: {"end": 4.0}, 16: {"end": -4.0}})
    assert not short.conclusive
    assert [doubt.kind for doubt in long.doubts] == [DoubtKind.SIGN_CHANGES]


def test_all_suspects_of_a_probe_are_corrected_together():
    (first,), two = judged_at({5: {"end": 4.0}}), judged_at({5: {"end": 4.0}, 16: {"end": 4.0}})
    assert {effect.tests for effect in first.effects} == {3}
    assert {effect.tests for found in two for effect in found.effects} == {6}


def simulated(draw, *, effect=0.0, gap=4.0, noise=0.6):
    """Return the judgement of a probe whose trials are drawn, with an effect of momentum in points."""
    arms = arms_of(recipe("a"), recipe("b", momentum=0.9, weight_decay=0.9, label_smoothing=0.1), ())[0]
    plan = Plan(("m",), arms, 5, (50,), 10_000)
    shared = draw.standard_normal(5) * 0.5
    trials = []
    for arm in arms:
        shift = {"end": gap, "momentum": effect}.get(arm.name, 0.0)
        noises = shared if arm.first_seed == 0 else draw.standard_normal(5) * 0.5
        for seed, own in enumerate(noises + draw.standard_normal(5) * noise):
            trials.append(trial_of(plan, arm, seed, 50, 80 + shift + own))
    return effects_of(plan, trials)[0]


@pytest.mark.parametrize("gap", [0.0, 4.0])
def test_a_false_effect_comes_in_at_most_one_of_twenty_probes(gap):
    draw = np.random.RandomState(0)
    probes = [simulated(draw, gap=gap) for _ in range(400)]
    wrong = sum(any(effect.verdict == "effect" for effect in found.effects) for found in probes)
    # Two standard errors of a share of 5 % in 400.
    assert wrong / 400 <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5


def test_the_smallest_effect_is_seen_in_four_of_five_probes():
    # The differences of pairs spread by √2 · 0.6. The end points must separate and the A/A arm agree with itself, too,
    # which at a gap of 9 costs its 5 %; momentum and all that contains it are real, so Holm's first level is the test.
    draw = np.random.RandomState(1)
    probes = [simulated(draw, gap=9.0) for _ in range(2)]
    tests = probes[0].effects[0].tests
    size = detectable(2**0.5 * 0.6, 5, paired=True, alpha=0.05 / tests)
    probes = [simulated(draw, gap=9.0, effect=size) for _ in range(400)]
    sound = [found for found in probes if found.conclusive]
    seen = sum(next(e for e in found.effects if e.factor == "momentum").verdict == "effect" for found in sound)
    assert len(sound) / 400 == pytest.approx(0.95, abs=0.03)
    assert seen / len(sound) == pytest.approx(0.8, abs=0.045)


def test_weight_decay_without_an_effect_is_unobservable_in_a_short_probe():
    # (1 − 0)/(0.1 · 5e-4) = 20,000 steps.
    short, _ = judged({"end": 4.0, "weight_decay": 0.0}, weight_decay=5e-4)
    long, _ = judged({"end": 4.0, "weight_decay": 0.0}, weight_decay=5e-4, epochs=201)
    first, two = (next(e for e in found.effects if e.factor == "weight_decay") for found in (short, long))
    assert (first.verdict, first.observable) == ("undetermined", False)
    assert "20,000 steps" in note(first)
    assert two.observable


def test_an_effect_of_weight_decay_that_is_seen_is_reported_with_its_caution():
    short, _ = judged({"end": 4.0, "weight_decay": 3.0}, weight_decay=5e-4)
    effect = next(e for e in short.effects if e.factor == "weight_decay")
    assert (effect.verdict, effect.observable, effect.doubts) == ("effect", True, ())
    assert "20,000 steps" in caution(effect)
    assert "sign may turn" in caution(effect)


@pytest.mark.parametrize("models", [("m",), ("m", "n"), ("m", "n", "o")])
def test_the_arms_of_the_same_training_are_corrected_for_their_number(models):
    plan = Plan(models, arms_of(recipe("a"), recipe("b", momentum=0.9))[0], 5, (5,), 10_000)
    trials = [
        replace(trial, model=model)
        for model in models
        for trial in trials_of(replace(plan, models=("m",)), {5: {"end": 4.0}}, ())
    ]
    found = effects_of(plan, trials)
    assert all(effects.again.tests == len(models) for effects in found)
    alone = found[0].again.p_single
    assert all(effects.again.p == pytest.approx(min(1.0, len(models) * alone)) for effects in found)


def test_the_seeds_that_would_settle_it_are_said():
    found = simulated(np.random.RandomState(3), gap=9.0, effect=1.0)
    needed = {effect.factor: effect.seeds_needed for effect in found.effects if effect.seeds_needed}
    assert "momentum" in needed
    assert all(f"{factor} {count}" in settling(found) for factor, count in needed.items())
    settled = replace(found, effects=tuple(replace(effect, seeds_needed=None) for effect in found.effects))
    assert settling(settled) == ""


def test_an_effect_that_is_the_same_in_all_seeds_is_an_effect_with_the_resolution_of_the_images():
    plan = Plan(("m",), arms_of(recipe("a"), recipe("b", momentum=0.9))[0], 5, (5,), 10_000)
    points = {ArmRole.START: 50.0, ArmRole.AGAIN: 50.0, ArmRole.CONTROL: 50.0}
    trials = [
        trial_of(plan, arm, seed, 5, points.get(arm.role, 81.25)) for arm in plan.arms for seed in range(plan.seeds)
    ]
    (found,) = effects_of(plan, trials, test_images=32)
    assert found.gap.verdict is EffectVerdict.EFFECT
    # One image of 32 is 3.125 points: its t-interval of 4 degrees of freedom.
    reach = stats.t.ppf(0.975, 4) * 3.125 / 5**0.5
    assert (found.gap.low, found.gap.high) == pytest.approx((31.25 - reach, 31.25 + reach))
    assert "3.12 points" in caution(found.gap)
    control = next(effect for effect in found.effects if effect.role is EffectRole.CONTROL)
    assert [doubt.kind for doubt in control.doubts] == [DoubtKind.NO_SPREAD]  # equal counts bound no effect
    (unknown,) = effects_of(plan, trials)
    assert [doubt.kind for doubt in unknown.gap.doubts] == [DoubtKind.NO_SPREAD]


@pytest.mark.parametrize("images", [8, 32, 100])
def test_coarse_accuracies_without_an_effect_rarely_agree_on_one(images):
    draw = np.random.RandomState(images)
    counts = draw.binomial(images, 0.9, (4_000, 2, 3)) * 100 / images
    found = [difference(a, b, paired=True, resolution=100 / images) for a, b in counts]
    assert np.mean([result.rounded and result.p < 0.05 for result in found]) <= 0.01
