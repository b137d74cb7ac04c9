"""A probe from its plan to its effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diagnose.errors import USAGE, DiagnoseError
from diagnose.probe.effects import ModelEffects, effects_of
from diagnose.probe.images import Images
from diagnose.probe.plan import FEWEST_STEPS, Plan, arms_of, shrunk
from diagnose.probe.trials import TrialSpec
from diagnose.values import Recipe, Trial

NARROWER = (32, 16)
"""The widths that a budget narrows the aliases to, which have 64 channels in their first stage."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a probe; None lets it choose. `budget` is in seconds, None is no limit."""

    models: tuple[str, ...]
    start: Recipe
    end: Recipe
    ablate: tuple[str, ...] = ()
    seeds: int = 5
    epochs: int = 5
    images: int | None = None
    width: int | None = None
    device: str = "cpu"
    precision: str | None = None
    threads: int = 1
    workers: int = 1
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with its trials, and what they are estimated to take on `workers` workers."""

    request: Request
    plan: Plan
    images: Images
    specs: tuple[TrialSpec, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What a probe found; `interrupted` where it was stopped, and then the effects stand on what had ended."""

    prepared: Prepared
    trials: tuple[Trial, ...]
    effects: tuple[ModelEffects, ...]
    interrupted: bool


def prepare(request: Request, images: Images) -> Prepared:
    """Plan a probe: arms, numerics by timing, and what fits the budget; narrower networks come first.

    Raises:
        DiagnoseError: the request cannot be met; the message says what would.
    """
    from diagnose.probe.measure import faster_precision, seconds_per_image, seconds_to_start
    from diagnose.probe.train import Length, Numerics
    from diagnose.probe.weights import narrowed

    if request.seeds < 2 or request.epochs < 1 or request.workers < 1:
        raise DiagnoseError(
            "A probe needs at least 2 seeds, 1 epoch and 1 worker.",
            hint="One seed says nothing of the noise between seeds.",
            exit_code=USAGE,
        )
    arms, notes = arms_of(request.start, request.end, request.ablate)
    available = len(images.train_images)
    asked = min(request.images or available, available)
    settings = arms[0].settings
    shape = {"side": images.train_images.shape[1], "classes": int(images.train_labels.max()) + 1}
    numerics = Numerics(request.device, request.precision or "fp32", request.threads)
    limits: dict[str, Any] = {"test_images": len(images.test_images), "workers": request.workers}
    limits["startup"] = seconds_to_start()
    for width in _widths(request):
        models = tuple(narrowed(model, width) for model in request.models)
        plan = Plan(models, arms, request.seeds, request.epochs, asked, notes)
        if request.precision is None:
            numerics = replace(numerics, precision=faster_precision(models[0], settings, numerics, **shape))
        costs = {model: seconds_per_image(model, settings, numerics, **shape) for model in models}
        if request.budget is None or plan.seconds(costs.__getitem__, **limits) <= request.budget:
            break
    if width != request.width:
        said = f"To fit the budget the networks are narrowed to {width} channels in their first stage, in place of 64."
        plan = replace(plan, notes=(*plan.notes, said))
    if request.budget is not None:
        plan = shrunk(plan, request.budget, costs.__getitem__, **limits)
    specs = tuple(
        TrialSpec(
            model=model,
            arm=arm.name,
            recipe=arm.recipe,
            changed=arm.changed,
            seed=arm.first_seed + seed,
            settings=arm.settings,
            length=Length(plan.epochs, max(int(arm.share * plan.images), 1), arm.planned_epochs),
            images_name=images.name,
            images_key=images.key,
            numerics=numerics,
        )
        for seed in range(plan.seeds)  # seed by seed, so that an early end leaves every arm with as many
        for model in plan.models
        for arm in plan.arms
    )
    short = min(plan.steps(arm) for arm in plan.arms)
    if short < FEWEST_STEPS:
        said = f"A trial takes {short} steps, fewer than {FEWEST_STEPS}: this probe tells of the first steps alone."
        plan = replace(plan, notes=(*plan.notes, said))
    return Prepared(request, plan, images, specs, plan.seconds(costs.__getitem__, **limits))


def _widths(request: Request) -> tuple[int | None, ...]:
    """Return the widths to try, the widest first: a budget narrows networks whose width is not asked for."""
    from diagnose.probe.weights import narrowed

    if request.width is not None or request.budget is None:
        return (request.width,)
    try:
        for model in request.models:
            narrowed(model, NARROWER[0])
    except DiagnoseError:
        return (None,)
    return (None, *NARROWER)


def run_probe(prepared: Prepared, folder: Path, progress: Callable[[Sequence[Trial]], None]) -> ProbeAnswer:
    """Run the trials that have not ended yet, and judge; Ctrl-C ends with what there is.

    `progress` is given the trials that have ended, after each.
    """
    from diagnose.probe.image_cache import read, write
    from diagnose.probe.local import run, unfinished

    images = prepared.images
    file = folder / f"images-{images.key[:20]}.npz"
    if read(file) is None:
        write(file, (images.train_images, images.train_labels, images.test_images, images.test_labels))
    ended: list[Trial] = []
    interrupted = False
    try:
        for trial in run(prepared.specs, folder, file, workers=prepared.request.workers):
            ended.append(trial)
            progress(ended)
    except KeyboardInterrupt:
        interrupted = True
    keys = {(trial.model, trial.arm, trial.seed): trial for trial in ended}
    trials = tuple(keys.get((spec.model, spec.arm, spec.seed)) or unfinished(spec, folder) for spec in prepared.specs)
    plan = prepared.plan
    return ProbeAnswer(prepared, trials, tuple(effects_of(plan, trials, model) for model in plan.models), interrupted)
