"""The ways of training between two recipes: both ends, the controls, and each suspect moved by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from diagnose.errors import UsageError, nearest
from diagnose.probe.trial.hyperparameters import ASSUMED, Hyperparameters, hyperparameters_of
from diagnose.values import FACTORS, NOT_STATED, ArmRole, Recipe, Schedule, ScheduleKind, Setting

OTHER_SEEDS = 1_000
"""Where the seeds of the A/A arm begin."""

SPLIT = ("train_images", "held_out")
"""Fields that a recipe states together: what is trained on, and what is held back, make up the whole."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of training.

    `changed` are the fields it moves away from its recipe and what to, `before` the same fields as the recipe has
    them; `share` is the part of the images it trains on.
    """

    name: str
    role: ArmRole
    recipe: str
    changed: tuple[tuple[str, str], ...]
    settings: Hyperparameters
    share: float
    planned_epochs: int
    first_seed: int = 0
    before: tuple[tuple[str, str], ...] = ()

    def trains_like(self, arm: Arm) -> bool:
        """Tell whether a trial of either arm does the same, the seed apart."""
        plans = self.planned_epochs == arm.planned_epochs or self.settings.schedule.kind != ScheduleKind.STEP
        return self.settings.effective() == arm.settings.effective() and self.share == arm.share and plans


def arms_of(start: Recipe, end: Recipe, ablate: Sequence[str] = ()) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Return the arms between two recipes, and notes on what was assumed or left out.

    `ablate` names the factors to move one at a time; without it, all of `FACTORS` in which the recipes differ. What
    only one recipe states is no difference: both ends train with it.

    Raises:
        DiagnoseError: a factor is unknown; all that are named are the same in both or not stated by one; nothing
            differs; a recipe asks for what a trial cannot do (exit code 2).
    """
    whole = max(_images(start), _images(end))
    start, end = (_with_images(recipe, whole) for recipe in (start, end))
    moves = _moves(start, end)
    factors, left_out = _factors(start, end, ablate, moves)
    start, end, filled = _completed(start, end)
    notes = [*filled, *left_out]
    first = _arm("start", start, whole, role=ArmRole.START)
    last = _arm("end", end, whole, role=ArmRole.END)
    if first.trains_like(last):
        raise UsageError(
            f"There is nothing to probe: {start.name} and {end.name} train alike in all that both state.",
            hint=f"`diagnose recipe {start.typed} {end.typed}` shows what one of them leaves open.",
        )
    arms = [first, replace(first, name="start again, other seeds", role=ArmRole.AGAIN, first_seed=OTHER_SEEDS)]
    for factor in factors:
        moved = _arm(factor, _moved(start, end, moves[factor]), whole, role=ArmRole.ABLATION, against=start)
        if moved.trains_like(first):
            notes.append(f"{factor} by itself moves nothing in a trial of {start.name}: no arm stands for it.")
            continue
        arms.append(moved)
        if factor == "momentum":
            arms.append(_control(first, moved))
    keys = [key for factor in factors for key in moves[factor]]
    together = _arm("all of them", _moved(start, end, keys), whole, role=ArmRole.ALL, against=start)
    if together.trains_like(last):
        notes.append("All of the factors together are the end point: one arm stands for both.")
    elif sum(arm.role is ArmRole.ABLATION for arm in arms) > 1:
        arms.append(together)
    return (*arms, last), tuple(notes)


def _moves(start: Recipe, end: Recipe) -> dict[str, tuple[str, ...]]:
    """Return the fields that each factor moves between two recipes, none where it goes with another factor.

    One-cycle has a learning rate of its own, its peak: where it gives way to another schedule, that one brings the
    learning rate it is meant for, and the field by itself says nothing.
    """
    kinds = [schedule.kind for recipe in (start, end) if isinstance(schedule := recipe.get("schedule"), Schedule)]
    if ScheduleKind.ONE_CYCLE not in kinds:
        return FACTORS
    fields = FACTORS["schedule"] if kinds[-1] == ScheduleKind.ONE_CYCLE else (*FACTORS["schedule"], "learning_rate")
    return FACTORS | {"schedule": fields, "learning_rate": ()}


def _factors(
    start: Recipe, end: Recipe, ablate: Sequence[str], moves: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], list[str]]:
    """Return the factors in which two recipes differ, of those named or of all; and why a named one is left out."""
    for factor in ablate:
        if factor not in FACTORS:
            hint = nearest(factor, tuple(FACTORS)) or f"Known are {', '.join(FACTORS)}."
            raise UsageError(f"cannot ablate {factor!r}", hint=hint)
    factors = tuple(factor for factor in dict.fromkeys(ablate or FACTORS) if _differing(start, end, moves[factor]))
    left_out = [_why_same(start, end, factor, moves) for factor in dict.fromkeys(ablate) if factor not in factors]
    if ablate and not factors:
        raise UsageError(
            f"There is nothing to ablate: {'; '.join(left_out)}.",
            hint=f"`diagnose recipe {start.typed} {end.typed}` shows what differs.",
        )
    return factors, [f"{why}: no arm stands for it." for why in left_out]


def _why_same(start: Recipe, end: Recipe, factor: str, moves: Mapping[str, Sequence[str]]) -> str:
    if not moves[factor]:
        return f"{factor} is set by one-cycle, which one of the schedules is"
    silent = [recipe.name for recipe in (start, end) if recipe.get(factor) is NOT_STATED]
    if silent:
        return f"{factor} is not stated by {' and '.join(silent)}"
    return f"{factor} is the same in {start.name} and {end.name}"


def _differing(start: Recipe, end: Recipe, fields: Sequence[str]) -> bool:
    """Tell whether both recipes state one of the fields, and state it differently."""
    pairs = ((start.get(key), end.get(key)) for key in fields)
    return any(a is not NOT_STATED and b is not NOT_STATED and a != b for a, b in pairs)


def _completed(start: Recipe, end: Recipe) -> tuple[Recipe, Recipe, tuple[str, ...]]:
    """Give each recipe what the other alone states, and both what neither does; say so.

    So a field that only one recipe states is held fixed, and the probe measures no effect of it.
    """
    notes = []
    filled = []
    for recipe, source in ((start, end), (end, start)):
        lacking = [key for key in (*ASSUMED, "epochs") if recipe.get(key) is NOT_STATED]
        lacking += SPLIT if all(recipe.get(key) is NOT_STATED for key in SPLIT) else ()
        taken = [key for key in lacking if source.get(key) is not NOT_STATED]
        filled.append(recipe.moved(Setting(key, source.get(key), source.source(key)) for key in taken))
        if taken:
            notes.append(
                f"{recipe.name} does not state {', '.join(taken)}: both ends train with what {source.name} states, so "
                f"this probe says nothing of {'it' if len(taken) == 1 else 'them'}."
            )
    neither = [key for key in ASSUMED if filled[0].get(key) is NOT_STATED]
    if neither:
        values = ", ".join(f"{key} {ASSUMED[key]}" for key in neither)
        notes.append(f"Neither recipe states these, and the probe's own values stand in: {values}.")
    return filled[0], filled[1], tuple(notes)


def _moved(start: Recipe, end: Recipe, keys: Sequence[str]) -> Recipe:
    return start.moved(Setting(key, end.get(key), end.source(key)) for key in keys if end.get(key) is not NOT_STATED)


def _images(recipe: Recipe) -> int:
    """Return how many training images there are by a recipe, 0 where it does not say how many it trains on."""
    used, held = recipe.get("train_images"), recipe.get("held_out")
    return used + (held if isinstance(held, int) else 0) if isinstance(used, int) else 0


def _with_images(recipe: Recipe, whole: int) -> Recipe:
    """Let a recipe that states what is held out alone train on the rest of the images that there are by the other."""
    used, held = recipe.get("train_images"), recipe.get("held_out")
    if used is not NOT_STATED or not isinstance(held, int) or held >= whole:
        return recipe
    return recipe.moved([Setting("train_images", whole - held, recipe.source("held_out"))])


def _arm(name: str, recipe: Recipe, whole: int, *, role: ArmRole, against: Recipe | None = None) -> Arm:
    """Return the arm that trains by a recipe; what it changes is told against the recipe it comes from."""
    used, epochs = recipe.get("train_images"), recipe.get("epochs")
    share = used / whole if isinstance(used, int) else 1.0
    settings = hyperparameters_of(recipe)[0]
    if settings.schedule.kind == ScheduleKind.STEP and not isinstance(epochs, int):
        raise UsageError(
            f"{recipe.name} states milestones but not the epochs that they are meant for, so a probe cannot compress "
            "its schedule.",
            hint="Write `epochs = 120`, or whatever it is, into the recipe.",
        )
    keys = [key for fields in FACTORS.values() for key in fields]
    moved = [key for key in keys if against and recipe.get(key) != against.get(key)]
    changed = tuple((key, str(recipe.get(key))) for key in moved)
    before = tuple((key, str(against.get(key))) for key in moved) if against else ()
    planned = epochs if isinstance(epochs, int) else 100
    return Arm(name, role, recipe.name, changed, settings, share, planned, before=before)


def _control(first: Arm, momentum: Arm) -> Arm:
    """Return the arm that only lengthens the steps as much as the momentum does: by (1 − μ₁)/(1 − μ₂)."""
    factor = (1 - first.settings.momentum) / (1 - momentum.settings.momentum)
    rate = first.settings.learning_rate * factor
    settings = replace(first.settings, learning_rate=rate)
    schedule = settings.schedule
    if schedule.kind == ScheduleKind.ONE_CYCLE:
        settings = replace(settings, schedule=replace(schedule, peak=schedule.peak * factor))
    name = f"learning rate ×{factor:.4g} in place of the momentum"
    changed = (("learning_rate", f"{settings.initial_rate:g}"),)
    before = (("learning_rate", f"{first.settings.initial_rate:g}"),)
    return replace(first, name=name, role=ArmRole.CONTROL, changed=changed, settings=settings, before=before)
