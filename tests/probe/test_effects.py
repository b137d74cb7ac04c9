"""Effects from trials made by hand, whose accuracies are known."""

import numpy as np
import pytest
from scipy import stats

from diagnose.probe.effects import INCONCLUSIVE, effects_of
from diagnose.probe.plan import Plan, arms_of
from diagnose.values import Recipe, Setting, Trial

NOISE = np.array([0.0, 0.3, -0.2, 0.1, -0.1])


def recipe(name, **values):
    values = {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False, "batch_size": 100} | values
    return Recipe(name, name, tuple(Setting(key, value, "test") for key, value in values.items()))


def judged(shifts, *, seeds=5, epochs=5, images=10_000, lost=(), **end):
    """Return the judgement of trials whose arm is `shifts` points above 80 %, but for the seed's noise."""
    end = {"momentum": 0.9, "nesterov": True} | end
    plan = Plan(("m",), arms_of(recipe("a"), recipe("b", **end))[0], seeds, epochs, images)
    trials = []
    for arm in plan.arms:
        for seed in range(seeds):
            # A little noise of the arm's own, so that paired differences are not exactly alike.
            own = NOISE[(seed * 2 + len(arm.name)) % 5] / 10
            accuracy = (80 + shifts.get(arm.kind, shifts.get(arm.name, 0.0)) + NOISE[seed] + own) / 100
            gone = (arm.name, seed) in lost
            trials.append(
                Trial("m", arm.name, "a", arm.changed, arm.first_seed + seed, epochs, plan.steps(arm), images, "d",
                      "cpu", "fp32", 1, (), None if gone else accuracy, "diverged in step 3" if gone else "done")
            )  # fmt: skip
    return effects_of(plan, trials, "m"), trials


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
    assert momentum.p == pytest.approx(3 * stats.ttest_rel(a, b).pvalue)  # the smallest of three suspects
    control = next(effect for name, effect in effects.items() if "learning rate" in name)
    assert control.verdict == "no effect larger than x"
    assert control.bound < 1


def test_end_points_that_do_not_separate_are_inconclusive():
    found, _ = judged({"end": 0.0, "momentum": 3.0})
    assert not found.conclusive
    assert {effect.verdict for effect in found.effects} == {"undetermined"}
    assert {effect.note for effect in found.effects} == {INCONCLUSIVE}
    assert {effect.share_of_gap for effect in found.effects} == {None}


def test_an_aa_arm_that_differs_forbids_conclusions():
    found, _ = judged({"end": 4.0, "again": 3.0, "momentum": 3.0})
    assert not found.conclusive
    assert {effect.verdict for effect in found.effects} == {"undetermined"}
    assert found.again is not None
    assert not found.again.paired


def test_other_initial_weights_are_not_paired():
    found, _ = judged({"end": 4.0}, init="Kaiming-normal")
    assert found.gap is not None
    assert not found.gap.paired


def test_a_diverged_trial_leaves_its_pair():
    found, _ = judged({"end": 4.0, "momentum": 3.0}, lost={("momentum", 2)})
    assert {effect.factor: effect.n for effect in found.effects}["momentum"] == 4
    every = {("momentum", seed) for seed in range(5)}
    found, _ = judged({"end": 4.0}, lost=every)
    assert "momentum" not in {effect.factor for effect in found.effects}


def test_weight_decay_is_unobservable_in_a_short_probe():
    # (1 − 0)/(0.1 · 5e-4) = 20,000 steps.
    short, _ = judged({"end": 4.0, "weight_decay": 3.0}, weight_decay=5e-4)
    long, _ = judged({"end": 4.0, "weight_decay": 3.0}, weight_decay=5e-4, epochs=201)
    one, two = (next(e for e in found.effects if e.factor == "weight_decay") for found in (short, long))
    assert one.verdict == "undetermined"
    assert "20,000 steps" in one.note
    assert two.verdict == "effect"
