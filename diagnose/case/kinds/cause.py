"""A difference between two networks as the cause of two accuracies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from diagnose.case.keys import Key, real, text, word
from diagnose.case.kind import Assessment, Evidence, Kind
from diagnose.case.kinds.comparison import comparison, initial
from diagnose.case.kinds.trained import DATA, bounded, effects_on, interval, is_full, not_ended, standing
from diagnose.case.measurements import Measurements
from diagnose.plugins import defaults
from diagnose.probe.report.phrases import points
from diagnose.probe.report.quantities import signed, span
from diagnose.values import (
    Cell,
    Claim,
    Column,
    GraphDiff,
    Intervals,
    Item,
    Prose,
    Recipe,
    Ruling,
    Section,
    Skipped,
    Table,
)

if TYPE_CHECKING:
    from diagnose.case.requested_probes import BetweenModels, ComparableTrials


@dataclass(frozen=True, slots=True)
class Suspects:
    """The two networks compared, and what the trials of both say: under the same recipe, and of the recipe's parts.

    `between` holds for each probe the networks' difference under each recipe, `full` that of trials which followed the
    first recipe to its end, as the accuracies were measured.
    """

    diff: GraphDiff
    recipes: tuple[Recipe, Recipe]
    probes: tuple[ComparableTrials, ...]
    between: tuple[tuple[ComparableTrials, tuple[BetweenModels, ...]], ...]
    skipped: tuple[Skipped, ...] = ()
    full: BetweenModels | None = None

    @property
    def trained_alike(self) -> tuple[BetweenModels, ...]:
        """Return every comparison of the two networks."""
        return tuple(effect for _, found in self.between for effect in found)


def recipes_of(claim: Claim) -> tuple[str, str]:
    """Return the recipes whose trials are looked at: those that the claim names, else those of the built-in case."""
    usual = defaults()
    return claim.get("recipe", usual.recipe), claim.get("against", usual.against)


def measure(claim: Claim, measurements: Measurements) -> Suspects:
    """Compare the two networks, and read what the trials at hand say of both."""
    from diagnose.recipes.load import load

    names = claim.get("a"), claim.get("b")
    start, end = recipes_of(claim)
    recipes = load(start), load(end)
    diff, available = measurements.compared(*names), measurements.available_trials()
    if not available.runs:
        return Suspects(diff, recipes, (), (), available.skipped)
    from diagnose.case.requested_probes import between_models, probes_between

    texts = tuple(map(measurements.text, names))
    probes = probes_between(available.runs, *recipes, texts)
    between = tuple((probe, found) for probe in probes if (found := between_models(probe, *texts)))
    skipped = (*available.skipped, *(item for probe in probes for item in not_ended(probe.matched)))
    data = claim.get("data", DATA)
    full = [
        effect
        for probe, found in between
        if _whole(probe, texts, recipes[0], data)
        for effect in found
        if effect.arm == "start" and (effect.a, effect.b) == texts
    ]
    return Suspects(diff, recipes, probes, between, skipped, full[0] if full else None)


def _whole(probe: ComparableTrials, models: tuple[str, ...], recipe: Recipe, data: str) -> bool:
    """Say whether both networks followed the recipe to its end, on the images that the accuracies are claimed for."""
    arm = probe.arm("start")
    trials = [trial for model in models for trial in probe.trials(model, arm)]
    return probe.data == data and all(trial.accuracy is not None and is_full(trial, recipe, arm) for trial in trials)


def judge(claim: Claim, suspects: Suspects) -> Assessment:
    """Refute a cause that is not there; one that is there is a suspect, whose effect short trials do not settle."""
    gap = f"{claim.get('accuracy_a'):g}\u00a0% against {claim.get('accuracy_b'):g}\u00a0%"
    seen, diff = _seen(suspects), suspects.diff
    if claim.get("cause") == "initial weights":
        return _from_initial(claim, suspects, gap)
    if diff.verdict in ("undetermined", "equal by numbers"):
        return Assessment(
            Ruling.UNDETERMINED, f"Whether the architectures differ is undetermined, and so is {gap}.{seen}"
        )
    if diff.verdict == "different":
        return Assessment(
            Ruling.UNDETERMINED, f"The architectures differ; whether that makes {gap} is not shown.{seen}"
        )
    remains = "the initial weights, which do differ, the random draw" if initial(diff) else "the random draw"
    return Assessment(
        Ruling.REFUTED,
        f"The two networks are the same function, so their architecture cannot make {gap}. What remains: {remains}, "
        f"and how each was trained.{seen}",
    )


def _from_initial(claim: Claim, suspects: Suspects, gap: str) -> Assessment:
    """Judge the initial weights by trials of full length, where the two networks differ in nothing else."""
    found = suspects.full
    if not initial(suspects.diff):
        return Assessment(Ruling.REFUTED, f"The initial weights are drawn alike, so they cannot make {gap}.")
    if found is None or suspects.diff.verdict != "equivalent" or found.verdict == "undetermined":
        said = f"The initial weights do differ; whether that makes {gap} is not shown.{_seen(suspects)}"
        return Assessment(Ruling.UNDETERMINED, said)
    said = (
        f"Trained alike at full length, the initial weights make {signed(found.difference)} points "
        f"({span(found.low, found.high)}, n = {found.n})"
    )
    if found.low <= claim.get("accuracy_b") - claim.get("accuracy_a") <= found.high:
        return Assessment(Ruling.SUPPORTED, f"{said}, which is {gap}.")
    return Assessment(Ruling.REFUTED, f"{said}, which is not {gap}.")


def _seen(suspects: Suspects) -> str:
    """Say what trials of both networks under one recipe showed."""
    if not suspects.between:
        return ""
    probe, found = suspects.between[0]
    same = suspects.diff.verdict == "equivalent"
    what = "Trained alike, their initial weights" if same else "Trained alike, the two networks"
    shown = "; ".join(
        f"with {_recipe(effect.arm, suspects)} {signed(effect.difference)} points "
        f"({span(effect.low, effect.high)}, n = {effect.n}: {bounded(effect.verdict, effect.bound)})"
        for effect in found
        if effect.arm in ("start", "end")
    )
    return (
        f" {what} make {found[0].b} differ from {found[0].a} by: {shown or 'see below'}; after {standing(probe)}. What "
        "that is at the end of a full training is not known from there."
    )


def _recipe(arm: str, suspects: Suspects) -> str:
    start, end = suspects.recipes
    return {"start": start.name, "end": end.name}.get(arm, f"{start.name} and {arm} moved")


def evidence(claim: Claim, suspects: Suspects) -> Evidence:
    """Show what remains as a suspect; the diff itself stands with the claim about the functions."""
    diff = suspects.diff
    found = comparison(diff)
    rows: tuple[tuple[Cell, ...], ...] = (
        ("architecture", {"equivalent": "ruled out: the same function", "different": "a suspect"}.get(
            diff.verdict, "undetermined")),
        ("initial weights", "; ".join(effect.message for effect in initial(diff)) or "drawn alike"),
        ("recipe", _recipe_found(suspects)),
        ("random draw", "one seed each moves an accuracy by the noise between seeds"),
    )  # fmt: skip
    table = Table("What could make the accuracies differ", (Column("Suspect"), Column("Found")), rows)
    items: list[Item] = [table, *(_alike(probe, effect, suspects) for probe, effect in suspects.between)]
    if not suspects.between:
        a, b = diff.a.model, diff.b.model
        start, end = (recipe.name for recipe in suspects.recipes)
        command = f"diagnose probe '{a}' '{b}' --recipe {start} --against {end}"
        items.append(Prose(f"Only trials can tell: `{command}` trains both alike, with the same seeds.", "hint"))
    between = [asdict(effect) for effect in suspects.trained_alike]
    return Evidence(tuple(items), {**found.data, "between": between}, (*found.skipped, *suspects.skipped))


def _recipe_found(suspects: Suspects) -> str:
    """Say what the recipe does to either network where it was tried."""
    start, end = suspects.recipes
    said = [
        f"{end.name} in place of {start.name} moves {found.model} by {points(found.gap)}"
        for probe in suspects.probes
        for found in (effects_on(probe, model) for model in probe.plan.models)
        if found.gap is not None and found.conclusive
    ]
    return "; ".join(said) or "not part of the networks: see the claims about recipes"


def _alike(probe: ComparableTrials, found: tuple[BetweenModels, ...], suspects: Suspects) -> Section:
    """Show the difference of the two networks under each recipe both were trained with."""
    a, b = found[0].a, found[0].b
    shown = tuple(
        interval(_recipe(effect.arm, suspects), effect.difference, effect.low, effect.high) for effect in found
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            _recipe(effect.arm, suspects),
            bounded(effect.verdict, effect.bound),
            signed(effect.difference),
            span(effect.low, effect.high),
            effect.n,
        )
        for effect in found
    )
    columns = (Column("Both trained with"), Column("Verdict"), Column("Points"), Column("Interval"), Column("n", True))
    note = "Welch's intervals of 95 %, corrected for their number: the networks begin with weights of their own."
    return Section(
        f"{b} against {a}, trained alike",
        (
            Prose(f"Trained: {standing(probe)}."),
            Intervals(f"Accuracy of {b} less that of {a}", "points", shown),
            Table("", columns, rows, note=note),
        ),
    )


KIND = Kind(
    "cause",
    "that the `cause` makes the accuracies of `a` and `b` differ; trials count that follow `recipe` or `against`",
    (
        Key("a", text, models=True),
        Key("b", text, models=True),
        Key("accuracy_a", real(0, 100)),
        Key("accuracy_b", real(0, 100)),
        Key("cause", word("architecture", "initial weights")),
        Key("recipe", text, required=False, recipe=True),
        Key("against", text, required=False, recipe=True),
        Key("data", text, required=False),
    ),
    measure,
    judge,
    evidence,
    trials=True,
)
