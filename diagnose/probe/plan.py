"""Which trials a probe runs: arms × seeds, its controls, and how it shrinks to fit a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from diagnose.errors import USAGE, DiagnoseError, nearest
from diagnose.probe.settings import Settings, settings_of
from diagnose.values import NOT_STATED, Recipe, Setting

FACTORS: dict[str, tuple[str, ...]] = {
    "momentum": ("momentum",),
    "weight_decay": ("weight_decay", "weight_decay_on"),
    "train_images": ("train_images", "held_out"),
    "init": ("init",),
    "normalisation": ("normalisation",),
    "schedule": ("schedule", "epochs"),  # milestones are counted in the epochs of their own recipe
    "schedule_steps": ("schedule_steps",),
    "learning_rate": ("learning_rate",),
    "nesterov": ("nesterov",),
    "batch_size": ("batch_size",),
    "augmentation": ("augmentation",),
    "label_smoothing": ("label_smoothing",),
}
"""What can be ablated, the most important first, and the fields that each moves."""

FEWEST_STEPS = 400
"""A budget never shortens a trial below this: shorter ones tell of the first steps alone."""

OTHER_SEEDS = 1_000
"""Where the seeds of the A/A arm begin."""

Cost = Callable[[str], tuple[float, float]]
"""From a MODEL text to the seconds that one image takes in training and in evaluation, on one worker."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of training: `kind` is "start", "again" (A/A), "end", "ablation", "control" or "all".

    `changed` are the fields it moves away from the start and what to; `share` is the part of the images it trains on.
    """

    name: str
    kind: str
    recipe: str
    changed: tuple[tuple[str, str], ...]
    settings: Settings
    share: float
    planned_epochs: int
    first_seed: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Arms × seeds for each model; `images` are those of an arm with the share 1, `notes` what was decided and why."""

    models: tuple[str, ...]
    arms: tuple[Arm, ...]
    seeds: int
    epochs: int
    images: int
    notes: tuple[str, ...] = ()

    @property
    def trials(self) -> int:
        """Return the number of trials."""
        return len(self.models) * len(self.arms) * self.seeds

    def steps(self, arm: Arm) -> int:
        """Return an arm's optimiser steps."""
        images = max(int(arm.share * self.images), 1)
        return self.epochs * (images // min(arm.settings.batch_size, images))

    def seconds(self, cost: Cost, *, test_images: int, workers: int, startup: float = 0.0) -> float:
        """Return what the plan takes, by the cost of one image and of the start of one process."""
        total = startup * len(self.models) * len(self.arms)
        for model in self.models:
            train, test = cost(model)
            total += sum(self.epochs * (arm.share * self.images * train + test_images * test) for arm in self.arms)
        return total * self.seeds / workers


def arms_of(start: Recipe, end: Recipe, ablate: Sequence[str] = ()) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Return the arms between two recipes, and notes on what was assumed.

    `ablate` names the factors to move one at a time; without it, all of `FACTORS` in which the recipes differ.

    Raises:
        DiagnoseError: a factor is unknown or is the same in both (exit code 2).
    """
    notes = []
    for recipe in (start, end):
        _, assumed = settings_of(recipe)
        if assumed:
            notes.append(f"{recipe.name} does not state {', '.join(assumed)}: the probe's own values stand in.")
    whole = max(_images(start), _images(end))
    first = _arm("start", start, start, (), whole)
    arms = [first, replace(first, name="start again, other seeds", kind="again", first_seed=OTHER_SEEDS)]
    factors = _factors(start, end, ablate)
    for factor in factors:
        arms.append(_arm(factor, start, _moved(start, end, (factor,)), (factor,), whole, kind="ablation"))
        if factor == "momentum":
            arms.append(_control(first, arms[-1]))
    if len(factors) > 1:
        arms.append(_arm("all of them", start, _moved(start, end, factors), factors, whole, kind="all"))
    last = _arm("end", end, end, tuple(f for f in FACTORS if _differs(start, end, f)), whole)
    same = [index for index, arm in enumerate(arms) if arm.kind == "all" and _same(arm, last)]
    if same:
        notes.append("All of the factors together are the end point: one arm stands for both.")
        del arms[same[0]]
    return (*arms, last), tuple(notes)


def _same(a: Arm, b: Arm) -> bool:
    return (a.settings, a.share, a.planned_epochs) == (b.settings, b.share, b.planned_epochs)


def _factors(start: Recipe, end: Recipe, ablate: Sequence[str]) -> tuple[str, ...]:
    if not ablate:
        return tuple(factor for factor in FACTORS if _differs(start, end, factor))
    for factor in ablate:
        if factor not in FACTORS:
            hint = nearest(factor, tuple(FACTORS)) or f"Known are {', '.join(FACTORS)}."
            raise DiagnoseError(f"cannot ablate {factor!r}", hint=hint, exit_code=USAGE)
        if not _differs(start, end, factor):
            raise DiagnoseError(
                f"{factor} is the same in {start.name} and {end.name}: there is nothing to ablate.",
                hint=f"`diagnose recipe {start.name} {end.name}` shows what differs.",
                exit_code=USAGE,
            )
    return tuple(dict.fromkeys(ablate))


def _differs(start: Recipe, end: Recipe, factor: str) -> bool:
    """Tell whether both recipes state the factor, and state it differently."""
    key = FACTORS[factor][0]
    a, b = start.get(key), end.get(key)
    return a is not NOT_STATED and b is not NOT_STATED and a != b


def _moved(start: Recipe, end: Recipe, factors: Sequence[str]) -> Recipe:
    keys = [key for factor in factors for key in FACTORS[factor]]
    return start.moved(Setting(key, end.get(key), end.source(key)) for key in keys if end.get(key) is not NOT_STATED)


def _images(recipe: Recipe) -> int:
    used, held = recipe.get("train_images"), recipe.get("held_out")
    return (used if isinstance(used, int) else 0) + (held if isinstance(held, int) else 0)


def _arm(name: str, start: Recipe, moved: Recipe, factors: Sequence[str], whole: int, *, kind: str = "") -> Arm:
    used, epochs = moved.get("train_images"), moved.get("epochs")
    share = used / whole if isinstance(used, int) and whole else 1.0
    changed = tuple((factor, str(moved.get(FACTORS[factor][0]))) for factor in factors)
    planned = epochs if isinstance(epochs, int) else 100
    return Arm(name, kind or name, moved.name, changed, settings_of(moved)[0], share, planned)


def _control(first: Arm, momentum: Arm) -> Arm:
    """Return the arm that only lengthens the steps as much as the momentum does: by (1 − μ₁)/(1 − μ₂)."""
    factor = (1 - first.settings.momentum) / (1 - momentum.settings.momentum)
    rate = first.settings.learning_rate * factor
    settings = replace(first.settings, learning_rate=rate)
    schedule = settings.schedule
    if schedule.kind == "one-cycle":
        settings = replace(settings, schedule=replace(schedule, peak=schedule.peak * factor))
    name = f"learning rate ×{factor:.4g} in place of the momentum"
    changed = (("learning_rate", f"{rate:g}"),)
    return replace(first, name=name, kind="control", changed=changed, settings=settings)


# ----------------------------------------------------------------------------------------------- budget


def shrunk(plan: Plan, budget: float, cost: Cost, *, test_images: int, workers: int, startup: float = 0.0) -> Plan:
    """Return a plan that fits the budget, in seconds, the least important left out first.

    In this order: the arm of all factors together; the ablations from the last named on; the models from the last on;
    then the images, never below `FEWEST_STEPS` steps a trial. The start, its A/A arm and the end are never left out.

    Raises:
        DiagnoseError: not even that fits; the message says which budget does.
    """
    left_out: list[str] = []
    while (seconds := plan.seconds(cost, test_images=test_images, workers=workers, startup=startup)) > budget:
        smaller = _smaller(plan)
        if smaller is None:
            needed = seconds / 60
            raise DiagnoseError(
                f"The smallest honest probe takes about {needed:.0f} minutes here, the budget is {budget / 60:.0f}.",
                hint=f"Give --budget {needed * 1.1 + 1:.0f}m, fewer --seeds, a smaller --width, or another machine.",
            )
        plan, what = smaller
        left_out.append(what)
    if not left_out:
        return plan
    said = f"To fit the budget of {budget / 60:.0f} minutes the probe leaves out: {'; '.join(dict.fromkeys(left_out))}."
    return replace(plan, notes=(*plan.notes, said))


def _smaller(plan: Plan) -> tuple[Plan, str] | None:
    """Return the plan without its least important part, and what that is."""
    droppable = [arm for arm in plan.arms if arm.kind == "all"] or [
        arm for arm in plan.arms if arm.kind in ("ablation", "control")
    ]
    ablations = [arm for arm in plan.arms if arm.kind == "ablation"]
    if droppable and (droppable[-1].kind == "all" or len(ablations) > 1):
        # The momentum is not shown without its control: both go at once.
        gone = droppable[-2:] if droppable[-1].kind == "control" else droppable[-1:]
        kept = tuple(arm for arm in plan.arms if arm not in gone)
        return replace(plan, arms=kept), " and ".join(f"the arm “{arm.name}”" for arm in gone)
    if len(plan.models) > 1:
        return replace(plan, models=plan.models[:-1]), f"the model {plan.models[-1]}"
    fewer = replace(plan, images=int(plan.images * 0.8))
    if min(fewer.steps(arm) for arm in fewer.arms) < FEWEST_STEPS:
        return None
    return fewer, "images"
