"""A probe from its plan to its effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnose.networks import digest_of_code
from diagnose.probe.data.images import Images
from diagnose.probe.effects.effects import ModelEffects, effects_of
from diagnose.probe.effects.horizons import at_horizons
from diagnose.probe.executors.executor import Executor, OutOfMemoryError, finished, run, unfinished
from diagnose.probe.plan.arms import arms_of
from diagnose.probe.plan.checks import check_arms, check_init, check_request, remarks
from diagnose.probe.plan.plan import Plan
from diagnose.probe.plan.stored_plan import StoredPlan, decide, divided, load, place_of, save
from diagnose.probe.plan.timing import Benchmark, wall_seconds
from diagnose.probe.request import ProbeRequest
from diagnose.probe.trial.mend import DamagedFile, mend
from diagnose.probe.trial.spec import TrialLength, TrialSpec
from diagnose.values import Trial


@dataclass(frozen=True, slots=True)
class TrialSchedule:
    """A plan with its trials, and the seconds that they are estimated to take.

    What was decided is kept in the file `place`; where it is `resumed`, it was kept before. `ended` counts the trials
    that ended earlier; the others should take `seconds_left`. `damaged` are the files that cost a trial its result.
    """

    request: ProbeRequest
    plan: Plan
    images: Images
    specs: tuple[TrialSpec, ...]
    seconds: float
    decision: StoredPlan
    place: Path
    resumed: bool = False
    ended: int = 0
    seconds_left: float = 0.0
    damaged: tuple[DamagedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What a probe found. If it was stopped, `interrupted` is True and the effects use the trials that have ended."""

    prepared: TrialSchedule
    trials: tuple[Trial, ...]
    effects: tuple[ModelEffects, ...]
    interrupted: bool

    @property
    def trained(self) -> tuple[Trial, ...]:
        """Return the trials that were trained, without those that are read from a longer one."""
        lengths = {arm.name: self.prepared.plan.trained(arm) for arm in self.prepared.plan.arms}
        return tuple(trial for trial in self.trials if trial.epochs in lengths[trial.arm])

    @property
    def open(self) -> bool:
        """Return whether a model is inconclusive at a horizon, or a trial has no accuracy."""
        return any(not found.conclusive for found in self.effects) or any(t.accuracy is None for t in self.trials)


def schedule_trials(request: ProbeRequest, images: Images, folder: Path, executor: Executor) -> TrialSchedule:
    """Plan a probe: arms, numerics by timing, and what fits the budget; narrower networks come first.

    What is decided is kept in `folder`, so that the same request again has the same trials and goes on with them.

    Raises:
        DiagnoseError: the request cannot be met; the message says what would.
    """
    check_request(request, cores=executor.cores)
    arms, notes = arms_of(request.start, request.end, request.ablate)
    check_arms(arms, images, request.numerics.micro_batch)
    check_init(arms, request.models)
    available = len(images.train_images)
    asked = min(request.images or available, available)
    models = tuple(dict.fromkeys(request.models))
    plan = Plan(models, arms, request.seeds, request.lengths, asked, notes)
    place = place_of(folder, request, images.key, executor)
    decision = before = load(place)
    if decision is None:
        decision = decide(plan, request, Benchmark(arms[0].settings, images, executor))
        save(place, decision)
    plan = decision.applied(plan)
    code = {model: digest_of_code(model) for model in plan.models}
    specs = tuple(
        TrialSpec(
            model=model,
            arm=arm.name,
            recipe=arm.recipe,
            changed=arm.changed,
            seed=arm.first_seed + seed,
            settings=arm.settings,
            length=TrialLength(epochs, plan.images_of(arm), arm.planned_epochs),
            images_name=images.name,
            images_key=images.key,
            numerics=decision.numerics,
            code=code[model],
        )
        for seed in range(plan.seeds)  # seed by seed, so that an early end leaves every arm with as many
        for model in plan.models
        for arm in plan.arms
        for epochs in plan.trained(arm)
    )
    plan = replace(plan, notes=(*plan.notes, *remarks(plan, images, request.numerics.micro_batch)))
    damaged = tuple(file for spec in specs if (file := mend(spec, folder)))
    left = [spec for spec in specs if finished(spec, folder) is None]
    limits = {"test_images": len(images.test_images), "workers": decision.workers}
    whole, rest = (wall_seconds(some, dict(decision.costs), **limits) for some in (specs, left))
    ended = len(specs) - len(left)
    return TrialSchedule(request, plan, images, specs, whole, decision, place, before is not None, ended, rest, damaged)


def run_probe(
    prepared: TrialSchedule,
    folder: Path,
    executor: Executor,
    progress: Callable[[Sequence[Trial]], None],
    say: Callable[[str], None] = lambda text: None,
) -> ProbeAnswer:
    """Run the trials that have not ended yet, and judge; Ctrl-C ends with what there is.

    `progress` is called after each trial that ends now, with all trials that have ended; `say` is told what else the
    reader should know.

    Raises:
        DiagnoseError: memory ran out even with the smallest micro-batch; what has ended is kept.
    """
    ended: list[Trial] = []
    interrupted = False
    executor.slots = prepared.decision.workers
    try:
        while True:
            ended.clear()
            old = {_which(spec) for spec in prepared.specs if finished(spec, folder)}
            try:
                for trial in run(prepared.specs, folder, executor):
                    ended.append(trial)
                    if _which(trial) not in old:
                        progress(ended)
                break
            except OutOfMemoryError as error:
                prepared = _divided(prepared, error)
                save(prepared.place, prepared.decision)
                say(prepared.plan.notes[-1])
    except KeyboardInterrupt:
        interrupted = True
    found = {_which(trial): trial for trial in ended}
    trained = (found.get(_which(spec)) or unfinished(spec, folder) for spec in prepared.specs)
    trials = tuple(trial for whole in trained for trial in at_horizons(prepared.plan, whole))
    return ProbeAnswer(
        prepared, trials, effects_of(prepared.plan, trials, test_images=len(prepared.images.test_images)), interrupted
    )


def _which(trial: TrialSpec | Trial) -> tuple[str, str, int, int]:
    """Return what tells a trial from the others of its probe."""
    return trial.model, trial.arm, trial.seed, trial.length.epochs if isinstance(trial, TrialSpec) else trial.epochs


def _divided(prepared: TrialSchedule, error: OutOfMemoryError) -> TrialSchedule:
    """Return the same probe with less memory for all arms: batch norm must see as many images in each."""
    batches = [arm.settings.batch_size for arm in prepared.plan.arms]
    numerics, note = divided(prepared.decision.numerics, batches, error)
    notes = (*prepared.decision.notes, note)
    return replace(
        prepared,
        plan=replace(prepared.plan, notes=(*prepared.plan.notes, note)),
        specs=tuple(replace(spec, numerics=numerics) for spec in prepared.specs),
        decision=replace(prepared.decision, numerics=numerics, notes=notes),
    )
