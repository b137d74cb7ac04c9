"""Trials at hand laid out as the probes between two recipes that they are part of, with the effects they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from diagnose.case.trials.stored_trials import StoredTrial
from diagnose.errors import DiagnoseError
from diagnose.networks.model_text import parse
from diagnose.probe.effects.effects import MARGIN, ModelEffects, effects_of
from diagnose.probe.effects.statistics import ALPHA, difference, verdict
from diagnose.probe.plan.arms import Arm, arms_of
from diagnose.probe.plan.plan import Plan
from diagnose.probe.trial.initial_weights import narrowed
from diagnose.values import ArmRole, EffectVerdict, Recipe, Trial

OWN = (ArmRole.START, ArmRole.AGAIN, ArmRole.END)
"""The arms without which nothing is concluded."""


@dataclass(frozen=True, slots=True)
class ComparableTrials:
    """The trials that may be compared: of one length, on the same images, computed alike.

    The arms are those between the two recipes, whatever the trials called themselves; `matched` holds the trials
    under the names of these arms.
    """

    plan: Plan
    matched: tuple[Trial, ...]
    effects: tuple[ModelEffects, ...]

    @property
    def data(self) -> str:
        """Return the basis of the trials."""
        return self.matched[0].data

    def arm(self, role: ArmRole) -> Arm:
        """Return the arm of a role that only one has."""
        return next(arm for arm in self.plan.arms if arm.role is role)

    def accuracies(self, model: str, arm: Arm) -> tuple[float, ...]:
        """Return the accuracies in % of one arm's trials that ended."""
        found = (trial.accuracy for trial in self.trials(model, arm) if trial.accuracy is not None)
        return tuple(100 * accuracy for accuracy in found)

    def trials(self, model: str, arm: Arm) -> tuple[Trial, ...]:
        """Return one arm's trials."""
        return tuple(trial for trial in self.matched if (trial.model, trial.arm) == (model, arm.name))

    def models(self, model: str) -> tuple[str, ...]:
        """Return the trained networks that are a model of the case, or it with fewer channels."""
        return tuple(network for network in self.plan.models if is_narrowed_version(network, model))


@dataclass(frozen=True, slots=True)
class BetweenModels:
    """What a second network does to the accuracy under the same recipe, in points, with its 95 % interval."""

    a: str
    b: str
    arm: str
    difference: float
    low: float
    high: float
    n: int
    verdict: EffectVerdict
    bound: float


def is_narrowed_version(trained: str, model: str) -> bool:
    """Say whether a MODEL text is another's, or that of the same network with fewer channels."""
    try:
        return bool(_widths(trained, model))
    except DiagnoseError:
        return False


def _whole_numbers(value: object) -> set[int]:
    if isinstance(value, dict):
        return set().union(*map(_whole_numbers, value.values()))
    return {value} if type(value) is int else set()


def probes_between(
    runs: Sequence[StoredTrial], start: Recipe, end: Recipe, models: Iterable[str]
) -> tuple[ComparableTrials, ...]:
    """Lay out the trials that follow the arms between two recipes, the longest probe first.

    Only trials of the `models`, or of these with fewer channels, count. Nothing is returned where no trial can follow
    the recipes.
    """
    models = tuple(models)
    try:
        arms, _ = arms_of(start, end)
    except DiagnoseError:
        return ()
    groups: dict[tuple[object, ...], list[StoredTrial]] = {}
    for run in runs:
        if any(is_narrowed_version(run.spec.model, model) for model in models):
            key = (run.spec.images_key, run.spec.length.epochs, run.spec.numerics)
            groups.setdefault(key, []).append(run)
    found = [probe for group in groups.values() if (probe := _probe(group, arms)) is not None]
    return tuple(sorted(found, key=lambda probe: -max(trial.steps for trial in probe.matched)))


def _probe(runs: list[StoredTrial], arms: tuple[Arm, ...]) -> ComparableTrials | None:
    """Lay out trials of one length as one probe, over as many images as most of them agree with."""
    options = {round(run.spec.length.images / arm.share) for run in runs for arm in arms}
    laid_out = [(_matched(runs, arms, images), images) for images in sorted(options)]
    named = {arm.name for arm in arms if arm.role in OWN}
    # With fewer images a recipe's own arm may look like one that holds none back: then it is the recipe's own.
    matched, images = max(
        laid_out, key=lambda option: (len(option[0]), sum(trial.arm in named for trial in option[0])), default=((), 0)
    )
    if not matched:
        return None
    names = {trial.arm for trial in matched}
    kept = tuple(arm for arm in arms if arm.name in names or arm.role in OWN)
    models = tuple(dict.fromkeys(trial.model for trial in matched))
    seeds = max(Counter((trial.model, trial.arm) for trial in matched).values())
    plan = Plan(models, kept, seeds, (matched[0].epochs,), images)
    return ComparableTrials(plan, matched, effects_of(plan, matched))


def _matched(runs: list[StoredTrial], arms: tuple[Arm, ...], images: int) -> tuple[Trial, ...]:
    """Return the trials that follow an arm, under its name; one that follows two of them stands under both."""
    found = {}
    for run in runs:
        for arm in arms:
            if _follows(run, arm, images, arms):
                found[(run.spec.model, arm.name, run.spec.seed)] = replace(run.trial, arm=arm.name)
    return tuple(found.values())


def _follows(run: StoredTrial, arm: Arm, images: int, arms: tuple[Arm, ...]) -> bool:
    spec = run.spec
    others = [later_arm.first_seed for later_arm in arms if later_arm.first_seed > arm.first_seed]
    return (
        spec.settings == arm.settings
        and spec.length.images == max(int(arm.share * images), 1)
        and spec.length.planned_epochs == arm.planned_epochs
        and arm.first_seed <= spec.seed < min(others, default=spec.seed + 1)
    )


def between_models(probe: ComparableTrials, a: str, b: str) -> tuple[BetweenModels, ...]:
    """Compare two networks under each recipe that both were trained with; the intervals are corrected for their number.

    The networks begin with other weights, so nothing is paired (Welch).
    """
    pairs = [(x, y) for x in probe.models(a) for y in probe.models(b) if _widths(x, a) & _widths(y, b)]
    arms = [arm for arm in probe.plan.arms if arm.role is not ArmRole.AGAIN]
    trained = [(x, y, arm, probe.accuracies(x, arm), probe.accuracies(y, arm)) for x, y in pairs for arm in arms]
    both = [network for network in trained if min(map(len, network[3:])) > 1]
    found = []
    for x, y, arm, first, second in both:
        measured = difference(first, second, paired=False)
        low, high = measured.interval(ALPHA / len(both))
        word, bound = verdict(low, high, MARGIN)
        found.append(BetweenModels(x, y, arm.name, measured.mean, low, high, measured.n, word, bound))
    return tuple(found)


def _widths(trained: str, model: str) -> set[int | None]:
    """Return the channels to which a model can have been narrowed to be the trained one, None for not at all."""
    if trained == model:
        return {None}
    return {width for width in _whole_numbers(dict(parse(trained).kwargs)) if narrowed(model, width) == trained}
