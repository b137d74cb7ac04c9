"""An accuracy that falls short, as an error of the implementation or as the training's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from diagnose.case.bench import Bench
from diagnose.case.keys import Key, real, text
from diagnose.case.kind import Evidence, Kind, Opinion
from diagnose.values import (
    Cell,
    Claim,
    Column,
    Curve,
    Curves,
    FlopTable,
    Interval,
    Intervals,
    Item,
    Prose,
    Recipe,
    Ruling,
    Section,
    Skipped,
    Table,
    Trial,
)

FEWEST = 3
"""Fewest seeds that an accuracy is judged by."""

SEEDS = 5
"""Seeds of the trials that are proposed."""

CONFIDENCE = 0.95
FULL_DATA = "cifar10"


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
class Trained:
    """The trials at hand, the full-length means of each arm, and what each full-length trial costs."""

    recipes: tuple[Recipe, Recipe]
    model: str
    means: tuple[Mean, ...]
    others: tuple[Trial, ...]
    macs: int | None
    skipped: tuple[Skipped, ...]

    def mean(self, model: str, recipe: str) -> Mean | None:
        """Return the mean of a model's text with a recipe's name."""
        return next((each for each in self.means if (each.model, each.recipe) == (model, recipe)), None)


def measure(claim: Claim, bench: Bench) -> Trained:
    """Read the journals at hand, and count what a trial of full length would take."""
    from diagnose.recipe.load import load

    recipes = load(claim.get("recipe")), load(claim.get("against"))
    names = tuple(filter(None, (claim.get("model"), claim.get("reference"))))
    texts = {bench.text(name) for name in names}
    trials, skipped = bench.trials()
    ours = tuple(trial for trial in trials if trial.model in texts and trial.accuracy is not None)
    full = [trial for trial in ours if _is_full(trial, recipes)]
    work = bench.operations(names[0])
    return Trained(
        recipes,
        bench.text(names[0]),
        tuple(_means(full)),
        tuple(trial for trial in ours if trial not in full),
        work.macs if isinstance(work, FlopTable) else None,
        skipped,
    )


def _is_full(trial: Trial, recipes: Iterable[Recipe]) -> bool:
    """Say whether a trial followed a recipe as it is, to its end, on the real images."""
    recipe = next((each for each in recipes if each.name == trial.recipe), None)
    if recipe is None or trial.changed or not trial.data.startswith(FULL_DATA):
        return False
    return (trial.epochs, trial.images) == (recipe.get("epochs"), recipe.get("train_images"))


def _means(trials: list[Trial]) -> Iterable[Mean]:
    from statistics import fmean, stdev

    from scipy.stats import t

    arms: dict[tuple[str, str], list[float]] = {}
    for trial in trials:
        arms.setdefault((trial.model, trial.recipe), []).append(100 * (trial.accuracy or 0.0))
    for (model, recipe), values in arms.items():
        if len(values) < FEWEST:
            continue
        half = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * stdev(values) / len(values) ** 0.5
        mean = fmean(values)
        yield Mean(model, recipe, tuple(values), mean, mean - half, mean + half)


def judge(claim: Claim, trained: Trained) -> Opinion:
    """Refute an error of the implementation where another recipe reaches what was reported with the same code.

    Supported is it only where, with that recipe, a reference implementation reaches it and this one does not.
    """
    start, end = trained.recipes
    goal = claim.get("reported") - claim.get("within", 0.5)
    ours = trained.mean(trained.model, end.name)
    if ours is None:
        return Opinion(Ruling.UNDETERMINED, _open(claim, trained))
    said = f"With the recipe {end.name} the same implementation gets {_shown(ours)}"
    if ours.low >= goal:
        return Opinion(Ruling.REFUTED, f"{said}, what was reported: the recipe {start.name} is what it lacked.")
    others = [each for each in trained.means if each.model != trained.model and each.recipe == end.name]
    if ours.high < goal and any(each.low >= goal for each in others):
        return Opinion(Ruling.SUPPORTED, f"{said}, and the reference gets {_shown(others[0])}.")
    return Opinion(Ruling.UNDETERMINED, f"{said}; that does not tell the implementation from the training.")


def _open(claim: Claim, trained: Trained) -> str:
    start, end = trained.recipes
    held = "there are no trials at hand"
    if trained.others:
        held = f"the {len(trained.others)} trials at hand are shorter, or on other images"
    return (
        f"Not to be told without training: {held}. {SEEDS} seeds each of {start.name} and {end.name} at full length "
        "would settle it."
    )


def _shown(mean: Mean) -> str:
    return f"{mean.mean:.2f} % (n = {len(mean.values)}, 95 % interval {mean.low:.2f} to {mean.high:.2f})"


def evidence(claim: Claim, trained: Trained) -> Evidence:
    """Show what is at hand, and which trials would settle the claim at what cost."""
    items: list[Item] = []
    if trained.means:
        intervals = tuple(Interval(f"{m.model}, {m.recipe}", m.mean, m.low, m.high) for m in trained.means)
        items.append(Intervals("Test accuracy at full length", "%", intervals, claim.get("reported")))
    if trained.others:
        items.append(Section("Other trials at hand", (_curves(trained.others),)))
    items.append(_plan(trained))
    data = {
        "full_length": [{"model": m.model, "recipe": m.recipe, "values": list(m.values)} for m in trained.means],
        "other_trials": len(trained.others),
    }
    return Evidence(tuple(items), data, trained.skipped)


def _curves(trials: tuple[Trial, ...]) -> Curves:
    """Return the mean test accuracy over the epochs of each arm, with the spread of its seeds."""
    arms: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        length = f"{trial.epochs} epochs of {trial.images:,} images of {trial.data}"
        arms.setdefault((trial.model, trial.arm, length), []).append(trial)
    curves = []
    for (model, arm, length), members in arms.items():
        points = list(zip(*([100 * e.test_accuracy for e in each.curve] for each in members), strict=True))
        curves.append(
            Curve(
                f"{model}, {arm}, {length}, n = {len(members)}",
                tuple(float(i + 1) for i in range(len(points))),
                tuple(sum(point) / len(point) for point in points),
                tuple(min(point) for point in points),
                tuple(max(point) for point in points),
            )
        )
    return Curves("Learning curves, the band from the lowest to the highest seed", "epoch", "%", tuple(curves))


def _plan(trained: Trained) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for recipe in trained.recipes:
        epochs, images = recipe.get("epochs"), recipe.get("train_images")
        if not isinstance(epochs, int) or not isinstance(images, int):
            rows.append((recipe.name, SEEDS, None, None, None))
            continue
        passes = SEEDS * epochs * images
        rows.append((recipe.name, SEEDS, epochs, passes, 3 * passes * trained.macs if trained.macs else None))
    columns = ("Seeds", "Epochs", "Images seen", "MACs, about")
    note = "MACs: three times those of a forward pass per image, for the forward and the backward pass."
    table = Table("", (Column("Recipe"), *(Column(title, numeric=True) for title in columns)), tuple(rows), note=note)
    start, end = (recipe.name for recipe in trained.recipes)
    hint = Prose(f"`diagnose probe '{trained.model}' --recipe {start} --against {end} --seeds {SEEDS}`", "hint")
    return Section("Trials that would settle it", (table, hint))


KIND = Kind(
    "accuracy",
    "that `model`, trained with `recipe`, falls short of the `reported` accuracy because it was implemented with an "
    "error, not because of its recipe: `against` is another one, `reference` another implementation",
    (
        Key("model", text, models=True),
        Key("recipe", text, recipe=True),
        Key("against", text, recipe=True),
        Key("reported", real(0, 100)),
        Key("reproduced", real(0, 100)),
        Key("within", real(0, 100), required=False),
        Key("reference", text, required=False, models=True),
    ),
    measure,
    judge,
    evidence,
    kept=False,
)
