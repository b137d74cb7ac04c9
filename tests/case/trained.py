"""Trials whose accuracies are chosen here: those of the arms between two recipes, as a probe would leave them."""

from dataclasses import replace

from diagnose.case.trials.stored_trials import StoredTrial
from diagnose.probe.plan.arms import arms_of
from diagnose.probe.trial.spec import TrialLength, TrialSpec
from diagnose.recipes import load
from diagnose.values import EpochResult, Numerics, TrialEnd

START, END = load("reproduction"), load("authors-2022")


def runs(
    accuracies, *, model="prodpoly", epochs=5, images=1_000, data="synthetic", recipes=(START, END), status="done"
):
    """Return one trial for each accuracy in %, `accuracies` naming the kind of an arm: its seeds in their order."""
    arms, _ = arms_of(*recipes)
    found = []
    for arm in arms:
        values = accuracies.get(arm.name, accuracies.get(arm.role, ()))
        for seed, value in enumerate(values):
            length = TrialLength(epochs, max(int(arm.share * images), 1), arm.planned_epochs)
            place = {"arm": arm.name, "recipe": arm.recipe, "changed": arm.changed, "seed": arm.first_seed + seed}
            spec = TrialSpec(
                model=model, settings=arm.settings, length=length, images_name=data, images_key=data,
                numerics=Numerics(), **place,
            )  # fmt: skip
            curve = tuple(EpochResult(n, 1.0 / n, value / 100 * n / epochs, 1.0) for n in range(1, epochs + 1))
            found.append(StoredTrial(spec, spec.result(curve, TrialEnd.parse(status))))
    return tuple(found)


def called(found, name):
    """Return trials under other names of their arms: what they did, and not what they call it, must count."""
    return tuple(replace(run, spec=replace(run.spec, arm=name), trial=replace(run.trial, arm=name)) for run in found)


def spread(mean, step=0.1):
    """Return five accuracies around a mean."""
    return tuple(mean + step * offset for offset in (-2, -1, 0, 1, 2))
