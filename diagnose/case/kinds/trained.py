"""What trials show in a claim's evidence: the effects of one probe, its curves, and what other trials would cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from diagnose.probe.report.curves import learning_curve
from diagnose.probe.report.phrases import note, points, reason, worded
from diagnose.probe.report.quantities import lengths, signed, span, steps_of
from diagnose.values import (
    ArmRole,
    Cell,
    Column,
    Curves,
    Effect,
    EffectRole,
    EffectVerdict,
    Interval,
    Intervals,
    Prose,
    Recipe,
    Section,
    Skipped,
    Table,
    Trial,
)

if TYPE_CHECKING:
    from diagnose.case.trials.comparable_trials import ComparableTrials
    from diagnose.probe.effects.effects import ModelEffects
    from diagnose.probe.plan.arms import Arm

SEEDS = 5
"""Seeds of the trials that are proposed."""

DATA = "CIFAR-10"
"""The images that an accuracy is claimed for where the claim names no others: a copy in JPEG has another name."""

SUSTAINED = 1e12
"""MACs a second of the device whose hours are stated."""

_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def effects_on(probe: ComparableTrials, model: str) -> ModelEffects:
    """Return what a probe says of one of its networks."""
    return next(found for found in probe.effects if found.model == model)


def is_full(trial: Trial, recipe: Recipe, arm: Arm) -> bool:
    """Say whether a trial that follows a recipe's arm has its length and its number of images."""
    wanted = recipe.get("train_images")
    return trial.epochs == arm.planned_epochs == recipe.get("epochs") and trial.images == wanted


def standing(probe: ComparableTrials) -> str:
    """Name the basis of a probe's numbers."""
    numerics = probe.matched[0].numerics
    return (
        f"{lengths(probe.plan.horizons)} of at most {probe.plan.images:,} images of {probe.data}, "
        f"{steps_of(trial.steps for trial in probe.matched)}, on {numerics.device} in {numerics.precision}"
    )


def short_sentence(probe: ComparableTrials, model: str, end: Recipe) -> str:
    """Say what a probe shows of one network, and how far that goes."""
    found = effects_on(probe, model)
    if not found.gap.n:
        return f"Shorter trials of {model} are at hand, but not of both recipes."
    if not found.conclusive:
        apart = f"; {model}'s end points are {points(found.gap)} apart" if math.isfinite(found.gap.low) else ""
        return f"Shorter trials ({standing(probe)}) tell nothing: {reason(found)}{apart}."
    effective = [
        f"{effect.factor} by itself {signed(effect.difference)}"
        for effect in found.effects
        if effect.verdict is EffectVerdict.EFFECT
    ]
    alone = f"; {', '.join(effective)}" if effective else "; no single change has a proven effect"
    return (
        f"In shorter trials ({standing(probe)}) the recipe {end.name} moves {model} by {points(found.gap)}{alone}. "
        "What that is at the end of a full training is not known from there."
    )


def probe_section(probe: ComparableTrials, model: str, title: str) -> Section:
    """Show the effects and the learning curves of one network."""
    found = effects_on(probe, model)
    effects = [effect for effect in (found.gap, found.again, *found.effects) if effect.n]
    finite = [effect for effect in effects if math.isfinite(effect.low)]
    shown = tuple(interval(_named(e), e.difference, e.low, e.high) for e in finite)
    figure = (Intervals("Change of the accuracy against the start", "points", shown),) if shown else ()
    return Section(title, (Prose(f"Trained: {standing(probe)}."), *figure, _table(effects), _curves(probe, model)))


def interval(label: str, *values: float) -> Interval:
    """Return a difference and its bounds as a figure draws them, in hundredths of a point."""
    value, low, high = (round(number, 2) for number in values)
    return Interval(label, value, low, high)


_CONTROLS = {
    ArmRole.START: "the recipe",
    ArmRole.END: "the other recipe",
    ArmRole.AGAIN: "A/A: other seeds",
}


def _named(effect: Effect) -> str:
    """Name what an effect is of in a few words."""
    return _few_words(ArmRole(effect.role), effect.factor) if effect.role is not EffectRole.BEYOND else effect.factor


def _few_words(role: ArmRole, name: str) -> str:
    return _CONTROLS.get(role) or (name.partition(" in place of")[0] if role is ArmRole.CONTROL else name)


def _table(effects: Sequence[Effect]) -> Table:
    columns = (
        Column("Moved"),
        Column("Verdict"),
        Column("Points"),
        Column("Interval"),
        Column("n", True),
        Column("Note"),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            effect.factor if effect.role.is_suspect else _CONTROLS[ArmRole(effect.role)],
            worded(effect.verdict, effect.bound),
            signed(effect.difference),
            span(effect.low, effect.high),
            effect.n,
            note(effect) or ("paired by seed" if effect.paired else "Welch"),
        )
        for effect in effects
    )
    return Table("", columns, rows, note="Intervals of 95 %, those of the suspects corrected for their number (Holm).")


def _curves(probe: ComparableTrials, model: str) -> Curves:
    """Return the mean test accuracy over the epochs of each arm, with the spread of its seeds."""
    curves = []
    for arm in probe.plan.arms:
        ended = [trial.curve for trial in probe.trials(model, arm) if trial.accuracy is not None]
        if ended:
            curves.append(learning_curve(_few_words(arm.role, arm.name), ended))
    return Curves("Test accuracy, the band from the lowest to the highest seed", "epoch", "%", tuple(curves))


def not_ended(trials: Sequence[Trial]) -> tuple[Skipped, ...]:
    """Name the trials that have no accuracy, and why."""
    return tuple(
        Skipped(f"{trial.model}, {trial.arm}, seed {trial.seed}", trial.status)
        for trial in trials
        if trial.accuracy is None
    )


def cost_table(recipes: Sequence[Recipe], model: str, macs: int | None) -> Table:
    """Say what `SEEDS` trials of full length cost with each recipe."""
    columns = ("Seeds", "Epochs", "Images seen", "MACs, about", "Hours at 10¹² MACs a second")
    rows = tuple((f"{model}, {recipe.name}", SEEDS, *_cost(recipe, macs)) for recipe in recipes)
    note = "MACs: three times those of a forward pass per image, for the forward and the backward pass."
    return Table("", (Column("Trained"), *(Column(title, numeric=True) for title in columns)), rows, note=note)


def _cost(recipe: Recipe, macs: int | None) -> tuple[Cell, ...]:
    needed = needed_macs(recipe, macs)
    epochs, images = recipe.get("epochs"), recipe.get("train_images")
    if not isinstance(epochs, int) or not isinstance(images, int):
        return (None, None, None, None)
    if needed is None:
        return (epochs, SEEDS * epochs * images, None, None)
    return (epochs, SEEDS * epochs * images, scientific(needed), _hours(needed))


def _hours(macs: int) -> str:
    hours = macs / SUSTAINED / 3600
    return f"{hours:.1f}" if hours >= 1 else f"{hours:.1g}"


def needed_macs(recipe: Recipe, macs: int | None) -> int | None:
    """Return the MACs of `SEEDS` trials of full length, None where the recipe or the network leaves it open."""
    epochs, images = recipe.get("epochs"), recipe.get("train_images")
    if not isinstance(epochs, int) or not isinstance(images, int) or macs is None:
        return None
    return 3 * SEEDS * epochs * images * macs


def scientific(value: float) -> str:
    """Return "2.9 × 10¹⁶"."""
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits} × 10{str(int(exponent)).translate(_DIGITS)}"
