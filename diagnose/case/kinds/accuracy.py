"""An accuracy that falls short, as an error of the implementation or as the training's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnose.case.keys import Key, real, text
from diagnose.case.kind import Assessment, Evidence, Kind
from diagnose.case.kinds.trained import (
    DATA,
    SEEDS,
    cost_table,
    effects_on,
    is_full,
    needed_macs,
    not_ended,
    probe_section,
    short_sentence,
)
from diagnose.case.measurements import Measurements
from diagnose.probe.report.probe_data import effect_values
from diagnose.values import (
    ArmRole,
    Claim,
    FlopTable,
    Interval,
    Intervals,
    Item,
    Prose,
    Recipe,
    Ruling,
    Section,
    Skipped,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diagnose.case.trials.comparable_trials import ComparableTrials

FEWEST = 3
"""Fewest seeds that an accuracy is judged by."""

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """The accuracies of one model with one recipe at its full length, in %: their mean and its 95 % interval."""

    model: str
    recipe: str
    values: tuple[float, ...]
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AccuracyEvidence:
    """What the trials at hand say: the full-length means of each arm, and the probes that are shorter.

    `model` is the claim's, `macs` those of its forward pass.
    """

    recipes: tuple[Recipe, Recipe]
    model: str
    means: tuple[Mean, ...]
    probes: tuple[ComparableTrials, ...]
    macs: int | None
    skipped: tuple[Skipped, ...]

    def mean(self, model: str, recipe: str) -> Mean | None:
        """Return the mean of a model's text with a recipe's name."""
        return next((mean for mean in self.means if (mean.model, mean.recipe) == (model, recipe)), None)


def measure(claim: Claim, measurements: Measurements) -> AccuracyEvidence:
    """Read the trials at hand, and count what a trial of full length would take."""
    from diagnose.recipes.load import load

    recipes = load(claim.get("recipe")), load(claim.get("against"))
    names = tuple(filter(None, (claim.get("model"), claim.get("reference"))))
    texts = tuple(measurements.text(name) for name in names)
    available = measurements.available_trials()
    probes = _probes(available.runs, recipes, texts) if available.runs else ()
    means = tuple(mean for probe in probes for mean in _means(probe, recipes, texts, claim.get("data", DATA)))
    work = measurements.operations(names[0])
    return AccuracyEvidence(
        recipes,
        texts[0],
        means,
        tuple(probe for probe in probes if probe.models(texts[0])),
        work.macs if isinstance(work, FlopTable) else None,
        (*available.skipped, *(item for probe in probes for item in not_ended(probe.matched))),
    )


def _probes(
    runs: Sequence[object], recipes: tuple[Recipe, Recipe], texts: tuple[str, ...]
) -> tuple[ComparableTrials, ...]:
    from diagnose.case.trials.comparable_trials import probes_between

    return probes_between(runs, *recipes, texts)  # type: ignore[arg-type]


def _means(
    probe: ComparableTrials, recipes: tuple[Recipe, Recipe], models: tuple[str, ...], data: str
) -> Iterator[Mean]:
    """Yield the mean of each arm that followed a recipe to its end, on the images the accuracy is claimed for.

    Where a trial of it diverged or failed the rest would flatter it, so there is no mean.
    """
    if probe.data != data:
        return
    for recipe, roles in zip(recipes, ((ArmRole.START, ArmRole.AGAIN), (ArmRole.END,)), strict=True):
        arms = [arm for arm in probe.plan.arms if arm.role in roles]
        for model in models:
            trials = [trial for arm in arms for trial in probe.trials(model, arm)]
            values = [100 * trial.accuracy for trial in trials if trial.accuracy is not None]
            if len(values) == len(trials) >= FEWEST and all(is_full(trial, recipe, arms[0]) for trial in trials):
                yield _mean(model, recipe.name, tuple(values))


def _mean(model: str, recipe: str, values: tuple[float, ...]) -> Mean:
    from scipy.stats import ttest_1samp

    interval = ttest_1samp(values, 0).confidence_interval(CONFIDENCE)
    return Mean(model, recipe, values, sum(values) / len(values), float(interval.low), float(interval.high))


def judge(claim: Claim, trained: AccuracyEvidence) -> Assessment:
    """Refute an error of the implementation where another recipe reaches what was reported with the same code.

    It is supported only where, with that recipe, a reference implementation reaches it and this one does not.
    """
    start, end = trained.recipes
    goal = claim.get("reported") - claim.get("within", 0.5)
    ours = trained.mean(trained.model, end.name)
    if ours is None:
        return Assessment(Ruling.UNDETERMINED, _open(claim, trained))
    said = f"With the recipe {end.name} the same implementation gets {_shown(ours)}"
    if ours.low >= goal:
        return Assessment(Ruling.REFUTED, f"{said}, which is what was reported: with {start.name} it was the training.")
    others = [mean for mean in trained.means if mean.model != trained.model and mean.recipe == end.name]
    if ours.high < goal and any(mean.low >= goal for mean in others):
        return Assessment(Ruling.SUPPORTED, f"{said}, and the reference gets {_shown(others[0])}.")
    return Assessment(Ruling.UNDETERMINED, f"{said}; that does not tell the implementation from the training.")


def _open(claim: Claim, trained: AccuracyEvidence) -> str:
    end, data = trained.recipes[1], claim.get("data", DATA)
    shown = [(probe, model) for probe in trained.probes for model in probe.models(trained.model)]
    held = "no trials at hand" if not shown else f"no trial at hand is that network with {end.name}, at its full length"
    shorter = "".join(f" {short_sentence(probe, model, end)}" for probe, model in shown[:1])
    reference = " and a reference implementation reaches it" if claim.get("reference") else ""
    otherwise = (
        f"if they stay below{reference}, it is supported"
        if reference
        else "if they stay below, it remains open, for want of a reference implementation"
    )
    return (
        f"Not to be told without training: {held}{'' if not shown else f' on {data}'}.{shorter} If {SEEDS} seeds with "
        f"{end.name} at full length reach {claim.get('reported'):g} %, it is refuted; {otherwise}."
    )


def _shown(mean: Mean) -> str:
    return f"{mean.mean:.2f} % (n = {len(mean.values)}, 95 % interval {mean.low:.2f} to {mean.high:.2f})"


def evidence(claim: Claim, trained: AccuracyEvidence) -> Evidence:
    """Show what is at hand, and which trials would settle the claim at what cost."""
    items: list[Item] = []
    if trained.means:
        intervals = tuple(Interval(f"{m.model}, {m.recipe}", m.mean, m.low, m.high) for m in trained.means)
        items.append(Intervals("Test accuracy at full length", "%", intervals, claim.get("reported")))
    start, end = trained.recipes
    shown = [(probe, model) for probe in trained.probes for model in probe.models(trained.model)]
    for probe, model in shown:
        items.append(probe_section(probe, model, f"Trials of {model}: {start.name} against {end.name}"))
    if not trained.mean(trained.model, end.name):
        items.append(_plan(claim, trained))
    data = {
        "full_length": [{"model": m.model, "recipe": m.recipe, "values": list(m.values)} for m in trained.means],
        "other_trials": sum(len(probe.matched) for probe in trained.probes),
        "effects": [_data(probe, model) for probe, model in shown],
        "macs_to_settle": {recipe.name: needed_macs(recipe, trained.macs) for recipe in trained.recipes},
    }
    return Evidence(tuple(items), data, trained.skipped)


def _data(probe: ComparableTrials, model: str) -> dict[str, object]:
    found = effects_on(probe, model)
    return {
        "model": model,
        "data": probe.data,
        "conclusive": found.conclusive,
        "end_points": effect_values(found.gap),
        "again": effect_values(found.again),
        "suspects": [effect_values(effect) for effect in found.effects],
    }


def _plan(claim: Claim, trained: AccuracyEvidence) -> Section:
    start, end = claim.get("recipe"), claim.get("against")
    epochs = trained.recipes[1].get("epochs")
    length = f" --epochs {epochs}" if isinstance(epochs, int) else ""
    command = f"diagnose probe '{trained.model}' --recipe {start} --against {end} --seeds {SEEDS}{length} --budget none"
    whole = Prose(f"`{command}` trains them, with controls and single changes beside them.", "hint")
    short = Prose(
        "`diagnose report CASE --probe` trains short ones, which show effects and settle nothing: within 20 minutes on "
        "a CPU, unless `--budget` says otherwise.",
        "hint",
    )
    costs = cost_table(trained.recipes, trained.model, trained.macs)
    return Section("Trials that would settle it", (costs, whole, short))


KIND = Kind(
    "accuracy",
    "that `model`, trained with `recipe`, falls short of the `reported` accuracy because it was implemented with an "
    "error, not because of its recipe: `against` is another one, `reference` another implementation, `data` the images",
    (
        Key("model", text, models=True),
        Key("recipe", text, recipe=True),
        Key("against", text, recipe=True),
        Key("reported", real(0, 100)),
        Key("reproduced", real(0, 100)),
        Key("within", real(0, 100), required=False),
        Key("reference", text, required=False, models=True),
        Key("data", text, required=False),
    ),
    measure,
    judge,
    evidence,
    trials=True,
)
