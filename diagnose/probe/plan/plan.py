"""Which trials a probe runs: arms × seeds, its controls, and how it shrinks to fit a budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from diagnose.errors import CannotRun, Option
from diagnose.probe.plan.arms import Arm
from diagnose.probe.report.quantities import duration
from diagnose.values import ArmRole, ScheduleKind

FEWEST_STEPS = 400
"""A trial of fewer steps tells of the first steps alone, and the answer says so."""

FLOOR = 100
"""A budget never shortens a trial below this many steps: hardly any effect would show."""

FEWEST_SEEDS = 3
"""A budget leaves an arm as many trials: the spread of fewer says next to nothing."""

Cost = Callable[[str], tuple[float, float]]
"""From a MODEL text to the seconds that one image takes in training and in evaluation, on one worker."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Arms × seeds × horizons for each model; `images` are those of an arm with the share 1.

    `horizons` are lengths in epochs, rising; each has trials of its own, since schedules are compressed to their
    length. `notes` say what was decided and why.
    """

    models: tuple[str, ...]
    arms: tuple[Arm, ...]
    seeds: int
    horizons: tuple[int, ...]
    images: int
    notes: tuple[str, ...] = ()

    @property
    def trials(self) -> int:
        """Return the number of trials that are trained."""
        return len(self.models) * self.seeds * sum(len(self.trained(arm)) for arm in self.arms)

    def trained(self, arm: Arm) -> tuple[int, ...]:
        """Return the horizons that an arm is trained for.

        Where the learning rate is constant a shorter trial is the beginning of a longer one, to the bit, and is read
        from it.
        """
        return self.horizons[-1:] if arm.settings.schedule.kind == ScheduleKind.CONSTANT else self.horizons

    def images_of(self, arm: Arm) -> int:
        """Return the training images of an arm."""
        return max(int(arm.share * self.images), 1)

    def steps(self, arm: Arm, epochs: int) -> int:
        """Return how many optimiser steps an arm takes in a number of epochs."""
        images = self.images_of(arm)
        return epochs * (images // min(arm.settings.batch_size, images))

    def seconds(self, cost: Cost, *, test_images: int, workers: int, startup: float = 0.0) -> float:
        """Return what the plan takes, by the cost of one image and of the start of one process."""
        total = startup * self.trials / self.seeds
        epochs = {arm.name: sum(self.trained(arm)) for arm in self.arms}
        for model in self.models:
            train, test = cost(model)
            passes = ((epochs[arm.name], arm.share * self.images * train + test_images * test) for arm in self.arms)
            total += sum(count * seconds for count, seconds in passes)
        return total * self.seeds / workers


# ----------------------------------------------------------------------------------------------- budget


def shrunk(plan: Plan, budget: float, cost: Cost, *, test_images: int, workers: int, startup: float = 0.0) -> Plan:
    """Return a plan that fits the budget, in seconds, the least important left out first.

    In this order: seeds beyond `FEWEST_SEEDS`; the arm of all factors together; the ablations from the last named on;
    the models from the last on; then the images, never below `FLOOR` steps a trial. The start, its A/A arm and
    the end are never left out.

    Raises:
        DiagnoseError: not even that fits; the message says which budget does.
    """
    left_out: list[str] = []
    before = plan
    while (seconds := plan.seconds(cost, test_images=test_images, workers=workers, startup=startup)) > budget:
        smaller = _smaller(plan)
        if smaller is None:
            raise CannotRun(
                f"The smallest honest probe takes about {duration(seconds)} here, the budget is {duration(budget)}.",
                hint="Give {}, fewer {}, a smaller {}, or another machine.",
                options=(Option("budget", f"{seconds / 60 * 1.1 + 1:.0f}m"), Option("seeds"), Option("width")),
            )
        plan, what = smaller
        left_out += [what] if what else []
    if plan.seeds < before.seeds:
        left_out.insert(0, f"all but {plan.seeds} of {before.seeds} seeds")
    if plan.images < before.images:
        left_out.append(f"all but {plan.images:,} of {before.images:,} images")
    if not left_out:
        return plan
    said = f"To fit the budget of {duration(budget)} the probe leaves out: {'; '.join(left_out)}."
    return replace(plan, notes=(*plan.notes, said))


def _smaller(plan: Plan) -> tuple[Plan, str] | None:
    """Return the plan without its least important part, and what that is; empty for a seed or some of the images."""
    if plan.seeds > FEWEST_SEEDS:
        return replace(plan, seeds=plan.seeds - 1), ""
    droppable = [arm for arm in plan.arms if arm.role is ArmRole.ALL] or [
        arm for arm in plan.arms if arm.role in (ArmRole.ABLATION, ArmRole.CONTROL)
    ]
    ablations = [arm for arm in plan.arms if arm.role is ArmRole.ABLATION]
    if droppable and (droppable[-1].role is ArmRole.ALL or len(ablations) > 1):
        # The momentum is not shown without its control: both go at once.
        gone = droppable[-2:] if droppable[-1].role is ArmRole.CONTROL else droppable[-1:]
        kept = tuple(arm for arm in plan.arms if arm not in gone)
        return replace(plan, arms=kept), " and ".join(f"the arm “{arm.name}”" for arm in gone)
    if len(plan.models) > 1:
        return replace(plan, models=plan.models[:-1]), f"the model {plan.models[-1]}"
    fewer = replace(plan, images=int(plan.images * 0.8))
    if min(fewer.steps(arm, fewer.horizons[0]) for arm in fewer.arms) < FLOOR:
        return None
    return fewer, ""
