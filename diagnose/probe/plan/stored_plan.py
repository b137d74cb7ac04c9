"""The plan that a probe makes and stores: a new timing would give another plan, which could resume nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnose.bounds import parse_json
from diagnose.errors import CannotRun, DiagnoseError
from diagnose.files import read_text
from diagnose.networks import digest_of_code
from diagnose.probe.executors.executor import Executor, OutOfMemoryError, TrialCost, keeps_memory
from diagnose.probe.plan.plan import Plan, shrunk
from diagnose.probe.plan.timing import MORE_ROOM, NO_ROOM, ROOM_OPTIONS, Benchmark, Timing, smaller_micro_batch
from diagnose.probe.trial.initial_weights import narrowed
from diagnose.probe.trial.journal import LONGEST_SPEC, replace_file
from diagnose.probe.trial.spec import VERSION
from diagnose.values import Numerics

if TYPE_CHECKING:
    from diagnose.probe.request import ProbeRequest

NARROWER = (32, 16, 8)
"""The widths that a budget narrows the aliases to, which have 64 channels in their first stage."""

MOST_GAIN = 6.0
"""A width is timed no further if even this multiple of the first timing's speed would not fit the budget."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """What was decided by timing and the budget: models, names of arms, seeds, images; numerics, workers; costs.

    `notes` say why, `timings` are what was tried.
    """

    models: tuple[str, ...]
    arms: tuple[str, ...]
    seeds: int
    images: int
    notes: tuple[str, ...]
    numerics: Numerics
    workers: int
    costs: tuple[tuple[str, TrialCost], ...]
    timings: tuple[Timing, ...]

    def applied(self, plan: Plan) -> Plan:
        """Return the plan as decided."""
        arms = tuple(arm for arm in plan.arms if arm.name in self.arms)
        notes = (*plan.notes, *self.notes)
        return replace(plan, models=self.models, arms=arms, seeds=self.seeds, images=self.images, notes=notes)


def decide(plan: Plan, request: ProbeRequest, stopwatch: Benchmark) -> StoredPlan:
    """Time trials of the plan, choose how they compute, and make the plan fit the budget; narrower networks come first.

    Raises:
        DiagnoseError: a model cannot be trained, or not even the smallest plan fits; the message says what would.
    """
    test_images = len(stopwatch.images.test_images)
    for width in (widths := _widths(request)):
        models = tuple(narrowed(model, width) for model in plan.models)
        tried = replace(plan, models=models)
        first, workers = stopwatch.beginning(request.numerics, request.device)
        if request.budget is not None and width != widths[-1] and request.numerics.workers is None:
            clock = stopwatch.glance(models[0], first)
            short = (clock.train, clock.test) if clock else (0.0, 0.0)
            if tried.seconds(lambda _: short, test_images=test_images, workers=workers) > MOST_GAIN * request.budget:  # noqa: B023 used at once
                continue
        images = plan.images * max(plan.horizons)
        numerics, workers, timings = stopwatch.numerics(
            models[0], request.numerics, device=request.device, images=images
        )
        numerics, workers, costs, notes = _costs(stopwatch, tried, numerics, workers)
        startup = max(cost.start for cost in costs.values())
        limits: dict[str, Any] = {"test_images": test_images, "workers": workers, "startup": startup}
        if request.budget is None or tried.seconds(_per_image(costs), **limits) <= request.budget:
            break
    if width != request.width and width is not None:
        said = f"To fit the budget the networks are narrowed to {width} channels in their first stage, in place of 64."
        notes = (said, *notes)
    if request.budget is not None:
        tried = shrunk(replace(tried, notes=()), request.budget, _per_image(costs), **limits)
        notes = (*notes, *tried.notes)
    kept = tuple((model, costs[model]) for model in tried.models)
    arms = tuple(arm.name for arm in tried.arms)
    return StoredPlan(tried.models, arms, tried.seeds, tried.images, notes, numerics, workers, kept, tuple(timings))


def _per_image(costs: dict[str, TrialCost]) -> Callable[[str], tuple[float, float]]:
    return lambda model: (costs[model].train, costs[model].test)


def _costs(
    stopwatch: Benchmark, plan: Plan, numerics: Numerics, workers: int
) -> tuple[Numerics, int, dict[str, TrialCost], tuple[str, ...]]:
    """Time every model at its whole batch.

    Where one does not fit the memory, fewer trials run at a time, and only then all of them with a smaller micro-batch.
    """
    batches = [arm.settings.batch_size for arm in plan.arms]
    fewer: tuple[str, ...] = ()
    notes: dict[str, str] = {}
    while True:
        try:
            costs = {model: stopwatch.cost(model, numerics, workers) for model in plan.models}
        except OutOfMemoryError as error:
            if workers > 1 or keeps_memory(error.spec, returns_memory=stopwatch.executor.returns_memory):
                workers, stopwatch.executor.returns_memory = max(workers // 2, 1), True
                fewer = (f"{error.spec.model} needs so much memory that trials at a time are {workers}.",)
            else:
                before, (numerics, said) = numerics, divided(numerics, batches, error)
                notes["engine" if numerics.engine != before.engine else "micro-batch"] = said
        else:
            return numerics, workers, costs, (*fewer, *notes.values())


def divided(numerics: Numerics, batches: list[int], error: OutOfMemoryError) -> tuple[Numerics, str]:
    """Return numerics that need less memory and a note on them: no CUDA graphs, then a smaller micro-batch.

    Raises:
        DiagnoseError: none is left.
    """
    if numerics.engine == "cuda-graphs":
        said = f"{error.spec.model} {NO_ROOM} with CUDA graphs: all arms run with torch.compile alone."
        return replace(numerics, engine="compile"), said
    smaller = smaller_micro_batch(numerics.micro_batch, batches)
    if smaller is None:
        raise CannotRun(
            f"{error}, even with {numerics.micro_batch or max(batches)} images a forward pass.",
            hint=f"What has ended is kept. {MORE_ROOM}",
            options=ROOM_OPTIONS,
        )
    said = (
        f"{error.spec.model} {NO_ROOM} with {numerics.micro_batch or max(batches)} images a forward "
        f"pass: all arms run with {smaller}, over which batch norm takes its mean and variance."
    )
    return replace(numerics, micro_batch=smaller), said


def _widths(request: ProbeRequest) -> tuple[int | None, ...]:
    """Return the widths to try, the widest first: a budget narrows networks whose width is not asked for."""
    if request.width is not None or request.budget is None:
        return (request.width,)
    try:
        for model in request.models:
            narrowed(model, NARROWER[0])
    except DiagnoseError:
        return (None,)
    return (None, *NARROWER)


# ----------------------------------------------------------------------------------------------- keeping


def place_of(folder: Path, request: ProbeRequest, images_key: str, executor: Executor) -> Path:
    """Return where the decision for a request stands; other images or another torch are another request.

    So are other cores, other places for trials, which are the GPUs, and other code of the user's own.
    """
    machine = {"cores": executor.cores, "slots": executor.slots}
    code = {"images": images_key, "code": [digest_of_code(model) for model in request.models]}
    whole = asdict(request) | machine | code | {"torch": version("torch"), "version": VERSION}
    key = sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:20]
    return folder / f"plan-{key}.json"


def save(place: Path, decision: StoredPlan) -> None:
    """Write a decision in one atomic step."""
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_file(place, json.dumps(asdict(decision), indent=1).encode())


def load(place: Path) -> StoredPlan | None:
    """Return the decision that was kept, None where there is none or it cannot be read."""
    try:
        raw = parse_json(read_text(place, "plan", most=LONGEST_SPEC))
        timings = tuple(Timing(**(timing | {"numerics": Numerics(**timing["numerics"])})) for timing in raw["timings"])
        costs = tuple((model, TrialCost(**cost)) for model, cost in raw["costs"])
        read = {name: tuple(raw[name]) for name in ("models", "arms", "notes")}
        parts = {"numerics": Numerics(**raw["numerics"]), "costs": costs, "timings": timings}
        return StoredPlan(**(raw | read | parts))
    except (DiagnoseError, ValueError, TypeError, KeyError):
        return None
