"""The arms between two recipes, their controls, and what a budget leaves out, in the stated order."""

import pytest

from diagnose.errors import DiagnoseError, UsageError
from diagnose.probe.plan.arms import arms_of
from diagnose.probe.plan.plan import FEWEST_SEEDS, FLOOR, Plan, shrunk
from diagnose.values import ArmRole, Normalisation, Recipe, Schedule, Setting


def recipe(name, **values):
    values = {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0, "epochs": 120} | values
    return Recipe(name, name, tuple(Setting(key, value, "test") for key, value in values.items()))


START = recipe("start-recipe", train_images=40_000, held_out=10_000, normalisation=Normalisation((1,) * 3, (2,) * 3))
END = recipe(
    "end-recipe",
    momentum=0.9,
    weight_decay=5e-4,
    train_images=50_000,
    held_out=0,
    normalisation=Normalisation((3,) * 3, (4,) * 3),
)


def arms(*ablate, start=START, end=END):
    return {arm.name: arm for arm in arms_of(start, end, ablate)[0]}


def test_each_ablation_moves_one_factor():
    found = arms("momentum", "weight_decay")
    start, end = found["start"].settings, found["end"].settings
    assert (found["momentum"].settings.momentum, found["momentum"].settings.weight_decay) == (0.9, 0.0)
    assert (found["weight_decay"].settings.momentum, found["weight_decay"].settings.weight_decay) == (0.0, 5e-4)
    both = found["all of them"].settings
    assert (both.momentum, both.weight_decay, both.normalisation) == (0.9, 5e-4, start.normalisation)
    assert end.normalisation != start.normalisation
    assert found["momentum"].changed == (("momentum", "0.9"),)


def test_the_momentums_control_lengthens_the_steps_as_much():
    control = next(arm for arm in arms("momentum").values() if arm.role is ArmRole.CONTROL)
    assert control.settings.learning_rate == pytest.approx(1.0)  # 0.1 / (1 − 0.9)
    assert control.settings.momentum == 0.0
    one_cycle = Schedule("one-cycle", peak=0.2)
    found = arms("momentum", start=recipe("a", schedule=one_cycle), end=recipe("b", schedule=one_cycle, momentum=0.9))
    control = next(arm for arm in found.values() if arm.role is ArmRole.CONTROL)
    assert control.settings.schedule.peak == pytest.approx(2.0)


def test_the_aa_arm_differs_in_its_seeds_alone():
    found = arms("momentum")
    again = found["start again, other seeds"]
    assert again.settings == found["start"].settings
    assert again.first_seed != found["start"].first_seed


def test_held_out_images_are_a_share():
    found = arms("train_images")
    assert (found["start"].share, found["train_images"].share, found["end"].share) == (0.8, 1.0, 1.0)


def test_without_a_choice_all_that_differs_is_ablated_and_all_together_is_the_end():
    found, notes = arms_of(START, END)
    assert {arm.name for arm in found if arm.role is ArmRole.ABLATION} == {
        "momentum",
        "weight_decay",
        "train_images",
        "normalisation",
    }
    assert not [arm for arm in found if arm.role is ArmRole.ALL]
    assert any("one arm stands for both" in note for note in notes)


@pytest.mark.parametrize(("factor", "hint"), [("momentun", "momentum"), ("learning_rate", "diagnose recipe")])
def test_what_cannot_be_ablated(factor, hint):
    with pytest.raises(DiagnoseError) as caught:
        arms_of(START, END, (factor,))
    assert isinstance(caught.value, UsageError)
    assert hint in caught.value.hint


def test_a_schedule_comes_with_the_epochs_it_is_meant_for():
    end = recipe("end", schedule=Schedule("step", (100.0,)), epochs=200)
    start = recipe("start", schedule=Schedule("step", (60.0,)), epochs=120)
    assert arms("schedule", start=start, end=end)["schedule"].planned_epochs == 200


def fits(plan, budget):
    return shrunk(plan, budget, lambda model: (0.001, 0.0), test_images=0, workers=1)


def test_a_budget_leaves_out_the_least_important_first():
    plan = Plan(("a", "b"), arms_of(START, END, ("momentum", "weight_decay"))[0], 2, (10,), 10_000)
    names = [arm.name for arm in plan.arms]
    assert names[2:] == ["momentum", names[3], "weight_decay", "all of them", "end"]
    whole = plan.seconds(lambda model: (0.001, 0.0), test_images=0, workers=1)
    assert fits(plan, whole) == plan
    seen = []
    for budget in (0.95, 0.8, 0.65, 0.5, 0.25):
        smaller = fits(plan, budget * whole)
        assert smaller.seconds(lambda model: (0.001, 0.0), test_images=0, workers=1) <= budget * whole
        assert {"start", "start again, other seeds", "end"} <= {arm.name for arm in smaller.arms}
        assert min(smaller.steps(arm, 10) for arm in smaller.arms) >= FLOOR
        seen.append((len(smaller.arms), len(smaller.models), smaller.images))
    assert seen == sorted(seen, key=lambda item: (-item[0], -item[1], -item[2]))
    assert seen[0] == (6, 2, 10_000)
    assert seen[-1][1] == 1


def test_a_budget_takes_seeds_before_it_takes_an_arm_and_never_the_third():
    plan = Plan(("a",), arms_of(START, END, ("momentum",))[0], 6, (10,), 10_000)
    whole = plan.seconds(lambda model: (0.001, 0.0), test_images=0, workers=1)
    for share, seeds in ((0.9, 5), (0.7, 4), (0.5, 3)):
        smaller = fits(plan, share * whole)
        assert (smaller.seeds, smaller.arms) == (seeds, plan.arms)
        assert f"all but {seeds} of 6 seeds" in smaller.notes[-1]
    least = fits(plan, 0.1 * whole)
    assert (least.seeds, len(least.arms)) == (FEWEST_SEEDS, 5)


def test_the_momentum_is_never_shown_without_its_control():
    plan = Plan(("a",), arms_of(START, END, ("weight_decay", "momentum"))[0], 2, (10,), 10_000)
    whole = plan.seconds(lambda model: (0.001, 0.0), test_images=0, workers=1)
    for percent in range(50, 101):
        kinds = [
            arm.name if arm.role is ArmRole.ABLATION else arm.role for arm in fits(plan, whole * percent / 100).arms
        ]
        assert ("momentum" in kinds) == ("control" in kinds)


def test_a_budget_too_small_says_which_is_needed():
    plan = Plan(("a",), arms_of(START, END, ("momentum",))[0], 5, (5,), 50_000)
    with pytest.raises(DiagnoseError, match="smallest honest probe") as caught:
        fits(plan, 1.0)
    assert [option.name for option in caught.value.options] == ["budget", "seeds", "width"]
