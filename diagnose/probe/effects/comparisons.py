"""Which arms a probe compares, decided before it sees any number, and the accuracies that each comparison uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.probe.effects.statistics import ArmDifference, difference
from diagnose.probe.plan.arms import Arm
from diagnose.values import ArmRole, EffectRole, Trial

BEYOND = "momentum beyond its step length"
"""The name of the momentum's effect against its control arm, whose steps are as long."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Arm `b` against arm `a`.

    Whether the trials of a seed are paired follows from the arms: both begin with the same weights.
    """

    factor: str
    role: EffectRole
    a: Arm
    b: Arm

    @property
    def paired(self) -> bool:
        """Return whether one seed begins with the same weights in both."""
        return self.a.settings.init == self.b.settings.init and self.a.first_seed == self.b.first_seed


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """A comparison at one model and horizon: accuracies in points by the place of the seed in its arm.

    `diverged` counts the trials of `a` and of `b` that did; then there is no difference, since the mean of the others
    would flatter their arm.
    """

    comparison: Comparison
    model: str
    epochs: int
    a: dict[int, float]
    b: dict[int, float]
    diverged: tuple[int, int]
    difference: ArmDifference | None

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what tells it from the others of the probe."""
        return self.comparison.factor, self.model, self.epochs

    @property
    def p(self) -> float:
        """Return the p-value that is corrected with the others', 1 where there is nothing to test."""
        return self.difference.p if self.difference else 1.0


def comparisons(arms: Sequence[Arm]) -> tuple[Comparison, ...]:
    """Return what is compared with what, decided from the plan alone."""
    start = next(arm for arm in arms if arm.role is ArmRole.START)
    found = [Comparison(arm.name, EffectRole(arm.role), start, arm) for arm in arms if arm is not start]
    control = next((arm for arm in arms if arm.role is ArmRole.CONTROL), None)
    momentum = next((arm for arm in arms if arm.role is ArmRole.ABLATION and arm.name == "momentum"), None)
    if control and momentum:
        found.append(Comparison(BEYOND, EffectRole.BEYOND, control, momentum))
    return tuple(found)


def compare_arms(
    trials: Sequence[Trial], comparison: Comparison, model: str, epochs: int, *, resolution: float | None = None
) -> ComparisonResult:
    """Return what the trials say of one comparison, before any judgement; `resolution` in points."""
    both = [
        [trial for trial in trials if (trial.model, trial.arm, trial.epochs) == (model, arm.name, epochs)]
        for arm in (comparison.a, comparison.b)
    ]
    a, b = (
        {trial.seed - arm.first_seed: 100 * trial.accuracy for trial in side if trial.accuracy is not None}
        for arm, side in zip((comparison.a, comparison.b), both, strict=True)
    )
    gone, lost = (sum(trial.diverged for trial in side) for side in both)
    if comparison.paired:
        a, b = ({seed: values[seed] for seed in sorted(a.keys() & b.keys())} for values in (a, b))
    found = None
    if a and b and not gone and not lost:
        found = difference(list(a.values()), list(b.values()), paired=comparison.paired, resolution=resolution)
    return ComparisonResult(comparison, model, epochs, a, b, (gone, lost), found)


def sides(comparison: Comparison) -> tuple[str, str]:
    """Return which fields change and how; where no field changes, the names of the arms or recipes."""
    a, b = comparison.a, comparison.b
    if comparison.role is EffectRole.END:
        return a.recipe, b.recipe
    if comparison.role is EffectRole.BEYOND or not b.changed:
        return a.name, b.name
    return _listed(b.before), _listed(b.changed)


def _listed(fields: Sequence[tuple[str, str]]) -> str:
    return fields[0][1] if len(fields) == 1 else "; ".join(f"{key} {value}" for key, value in fields)
