"""A probe from its plan to its effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnose.errors import USAGE, DiagnoseError
from diagnose.probe.arms import arms_of
from diagnose.probe.choice import Asked, Stopwatch, wall_seconds
from diagnose.probe.decision import Decision, decide, divided, keep, kept, place_of
from diagnose.probe.effects import ModelEffects, effects_of
from diagnose.probe.executors.executor import Executor, OutOfMemoryError, run, unfinished
from diagnose.probe.horizons import at_horizons
from diagnose.probe.images import Images
from diagnose.probe.numerics import Length
from diagnose.probe.plan import FEWEST_STEPS, Plan
from diagnose.probe.trials import TrialSpec
from diagnose.values import Recipe, Trial


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a probe; None lets it choose. `budget` is in seconds, None is no limit.

    `horizons` are several lengths in epochs, in place of the one of `epochs`.
    """

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
    threads: int | None = None
    workers: int | None = None
    budget: float | None = None
    layout: str | None = None
    engine: str | None = None
    micro_batch: int | None = None
    horizons: tuple[int, ...] = ()

    @property
    def lengths(self) -> tuple[int, ...]:
        """Return the horizons, rising, each once."""
        return tuple(sorted(set(self.horizons or (self.epochs,))))

    @property
    def asked(self) -> Asked:
        """Return what is fixed of how trials compute."""
        return Asked(self.precision, self.layout, self.engine, self.threads, self.workers, self.micro_batch)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with its trials, and the seconds that they are estimated to take; `kept` where it was decided before."""

    request: Request
    plan: Plan
    images: Images
    specs: tuple[TrialSpec, ...]
    seconds: float
    decision: Decision
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What a probe found; `interrupted` where it was stopped, and then the effects stand on what had ended."""

    prepared: Prepared
    trials: tuple[Trial, ...]
    effects: tuple[ModelEffects, ...]
    interrupted: bool

    @property
    def open(self) -> bool:
        """Return whether a model is inconclusive at a horizon, or a trial did not come to an accuracy."""
        return any(not found.conclusive for found in self.effects) or any(t.accuracy is None for t in self.trials)


def prepare(request: Request, images: Images, folder: Path, executor: Executor) -> Prepared:
    """Plan a probe: arms, numerics by timing, and what fits the budget; narrower networks come first.

    What is decided is kept in `folder`, so that the same request again has the same trials and goes on with them.

    Raises:
        DiagnoseError: the request cannot be met; the message says what would.
    """
    given = (request.workers, request.threads, request.micro_batch)
    if request.seeds < 2 or request.lengths[0] < 1 or any(number is not None and number < 1 for number in given):
        raise DiagnoseError(
            "A probe needs at least 2 seeds, 1 epoch, 1 worker, 1 thread and 1 image in a micro-batch.",
            hint="One seed says nothing of the noise between seeds.",
            exit_code=USAGE,
        )
    if request.engine == "cuda-graphs" and request.micro_batch is not None:
        raise DiagnoseError(
            "CUDA graphs take no micro-batches: the gradients of one graph would be overwritten by the next.",
            hint="--engine compile does.",
            exit_code=USAGE,
        )
    arms, notes = arms_of(request.start, request.end, request.ablate)
    available = len(images.train_images)
    asked = min(request.images or available, available)
    plan = Plan(request.models, arms, request.seeds, request.lengths, asked, notes)
    place = place_of(folder, request, images.key, executor)
    decision = before = kept(place)
    if decision is None:
        decision = decide(plan, request, Stopwatch(arms[0].settings, images, executor))
        keep(place, decision)
    plan = decision.applied(plan)
    specs = tuple(
        TrialSpec(
            model=model,
            arm=arm.name,
            recipe=arm.recipe,
            changed=arm.changed,
            seed=arm.first_seed + seed,
            settings=arm.settings,
            length=Length(epochs, plan.images_of(arm), arm.planned_epochs),
            images_name=images.name,
            images_key=images.key,
            numerics=decision.numerics,
        )
        for seed in range(plan.seeds)  # seed by seed, so that an early end leaves every arm with as many
        for model in plan.models
        for arm in plan.arms
        for epochs in plan.trained(arm)
    )
    short = min(plan.steps(arm, plan.horizons[0]) for arm in plan.arms)
    if short < FEWEST_STEPS:
        said = f"A trial takes {short} steps, fewer than {FEWEST_STEPS}: this probe tells of the first steps alone."
        plan = replace(plan, notes=(*plan.notes, said))
    test_images = len(images.test_images)
    seconds = wall_seconds(specs, dict(decision.costs), test_images=test_images, workers=decision.workers)
    return Prepared(request, plan, images, specs, seconds, decision, place if before else None)


def run_probe(
    prepared: Prepared,
    folder: Path,
    executor: Executor,
    progress: Callable[[Sequence[Trial]], None],
    say: Callable[[str], None] = lambda text: None,
) -> ProbeAnswer:
    """Run the trials that have not ended yet, and judge; Ctrl-C ends with what there is.

    `progress` is given the trials that have ended, after each; `say` what else the reader should know.

    Raises:
        DiagnoseError: memory ran out even with the smallest micro-batch; what has ended is kept.
    """
    ended: list[Trial] = []
    interrupted = False
    executor.slots = prepared.decision.workers
    try:
        while True:
            ended.clear()
            try:
                for trial in run(prepared.specs, folder, executor):
                    ended.append(trial)
                    progress(ended)
                break
            except OutOfMemoryError as error:
                prepared = _divided(prepared, error)
                say(prepared.plan.notes[-1])
    except KeyboardInterrupt:
        interrupted = True
    keys = {(trial.model, trial.arm, trial.seed, trial.epochs): trial for trial in ended}
    trained = (
        keys.get((spec.model, spec.arm, spec.seed, spec.length.epochs)) or unfinished(spec, folder)
        for spec in prepared.specs
    )
    trials = tuple(trial for whole in trained for trial in at_horizons(prepared.plan, whole))
    return ProbeAnswer(prepared, trials, effects_of(prepared.plan, trials), interrupted)


def _divided(prepared: Prepared, error: OutOfMemoryError) -> Prepared:
    """Return the same probe with a smaller micro-batch in all arms: batch norm must see as many images in each."""
    batches = [arm.settings.batch_size for arm in prepared.plan.arms]
    numerics, notes = divided(prepared.decision.numerics, batches, error)
    return replace(
        prepared,
        plan=replace(prepared.plan, notes=(*prepared.plan.notes, *notes)),
        specs=tuple(replace(spec, numerics=numerics) for spec in prepared.specs),
        decision=replace(prepared.decision, numerics=numerics),
    )
