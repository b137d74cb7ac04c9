"""What was seen of a training script as it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from diagnose.values.findings import Significance
from diagnose.values.recipes import SettingValue


class Ending(StrEnum):
    """How a watched script ended."""

    BY_ITSELF = "by itself"
    FAILED = "with an error"
    EPOCHS = "after the epochs that were asked for"
    SECONDS = "after the seconds that were asked for"
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    UNKNOWN = "unknown"


class Basis(StrEnum):
    """How a setting is known: seen to act, read off an object of the script's, or not at all."""

    OBSERVED = "observed"
    READ = "read off an object"
    NOT_OBSERVED = "not observed"


class SightingKind(StrEnum):
    """What a setting rests on, or why it is not observed; `watch/phrases.py` words each."""

    STEPS = "steps"
    GROUPS = "groups"
    NO_OPTIMIZER = "no optimizer"
    NOT_STEPPED = "not stepped"
    NO_STEP = "no step"
    NO_SUCH_NUMBER = "no such hyperparameter"
    UNLIKE_GROUPS = "unlike groups"
    NO_NETWORK = "no network"
    RATES = "rates"
    SCHEDULER_AGREES = "scheduler agrees"
    SCHEDULER_BEYOND = "scheduler beyond what was seen"
    SCHEDULER_IDLE = "scheduler never stepped"
    SCHEDULER_STEPS = "scheduler steps"
    SHORTENED_RATES = "rates of shortened epochs"
    NO_SCHEDULER = "no scheduler"
    PASSES = "passes"
    ENDED_EARLY = "ended early"
    SEVERAL_LOADERS = "several loaders"
    NO_LOADER = "no loader"
    LOADER = "loader"
    EFFECTIVE_BATCH = "effective batch"
    UNEQUAL_ACCUMULATION = "unequal accumulation"
    SUBSET = "subset"
    NO_SUBSET = "no subset"
    TRANSFORMS = "transforms"
    PREPROCESSOR = "preprocessor"
    NO_TRANSFORMS = "no transforms"
    UNKNOWN_TRANSFORMS = "unknown transforms"
    LOSS_CALL = "loss call"
    NO_LOSS = "no loss"
    SEVERAL_LOSSES = "several losses"
    NO_SMOOTHING = "loss without smoothing"
    INITIAL_WEIGHTS = "initial weights"
    EVALUATED_ONCE = "evaluated once"
    EVALUATED_OFTEN = "evaluated often"
    NO_EVALUATION = "no evaluation"
    SPLIT = "split"
    NO_SPLIT = "no split"
    SEED_CALL = "seed call"
    NO_SEED = "no seed"
    SEVERAL_SEEDS = "several seeds"
    CALLS = "calls"
    NO_CALLS = "no calls"
    FORWARDS = "forwards"
    MEASURED = "measured"


class FactKind(StrEnum):
    """What is seen beside the fields of a recipe."""

    HYPERPARAMETERS = "hyperparameters"
    PARAMETER_GROUPS = "parameter_groups"
    OPTIMIZERS = "optimizers"
    ACCUMULATION = "accumulation"
    SHUFFLE = "shuffle"
    DROP_LAST = "drop_last"
    WORKERS = "workers"
    RANKS = "ranks"
    CLIPPING = "clipping"
    PRECISION = "precision"
    SCALER = "scaler"
    AVERAGE = "average"
    EVALUATION_MODE = "evaluation_mode"
    EVALUATION_GRAD = "evaluation_grad"
    EVALUATION_IMAGES = "evaluation_images"
    IMAGES = "images"
    LOSS_ARGUMENTS = "loss_arguments"
    NETWORK = "network"
    CHECKPOINT = "checkpoint"


class FaultKind(StrEnum):
    """What may go wrong in a training without an error; `watch/phrases.py` words each."""

    GRADIENTS_KEPT = "gradients-kept"
    STEP_WITHOUT_GRADIENT = "step-without-gradient"
    NEVER_STEPPED = "never-stepped"
    ZERO_RATE = "zero-rate"
    SCHEDULER_IDLE = "scheduler-idle"
    SCHEDULER_FIRST = "scheduler-first"
    SCHEDULE_TOO_FAST = "schedule-too-fast"
    SCHEDULE_TOO_SLOW = "schedule-too-slow"
    EVALUATED_IN_TRAIN_MODE = "evaluated-in-train-mode"
    TRAINED_IN_EVAL_MODE = "trained-in-eval-mode"
    MODE_NOT_RESTORED = "mode-not-restored"
    PROBABILITIES_AS_LOGITS = "probabilities-as-logits"
    SIGMOID_BEFORE_LOGITS = "sigmoid-before-logits"
    NO_LOG_PROBABILITIES = "no-log-probabilities"
    LABELS_OUT_OF_RANGE = "labels-out-of-range"
    ONE_LABEL = "one-label"
    BROADCAST_LOSS = "broadcast-loss"
    LOSS_NOT_FINITE = "loss-not-finite"
    STALE_PARAMETERS = "stale-parameters"
    OUTSIDE_OPTIMIZER = "outside-optimizer"
    WITHOUT_GRADIENT = "without-gradient"
    ORDER_REPEATED = "order-repeated"
    NOT_SHUFFLED = "not-shuffled"
    CLIPPED_AFTER_STEP = "clipped-after-step"
    AVERAGE_IDLE = "average-idle"
    CHECKPOINT_NOT_TAKEN = "checkpoint-not-taken"
    SCALED_STEPS_SKIPPED = "scaled-steps-skipped"
    RESEEDED = "reseeded"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen: a kind, its numbers, and the place in the script."""

    kind: SightingKind
    numbers: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class ObservedSetting:
    """A field of a recipe as it acts; `value` is `NOT_STATED` where the basis is that nothing was observed."""

    key: str
    value: SettingValue
    basis: Basis
    evidence: Sighting


@dataclass(frozen=True, slots=True)
class ObservedFact:
    """What is seen beside the fields of a recipe, its value in text."""

    kind: FactKind
    value: str
    basis: Basis
    evidence: Sighting


@dataclass(frozen=True, slots=True)
class Fault:
    """A silent fault that was seen: how often, of how many times that it could have been, with its numbers."""

    kind: FaultKind
    significance: Significance
    seen: int
    of: int
    place: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShortenedLoader:
    """A loader whose passes were ended early: `batches` of `length` were let through; None is unknown."""

    place: str
    batches: int
    length: int | None
    passes: int
    trains: bool


@dataclass(frozen=True, slots=True)
class RateCourse:
    """The learning rate and the loss at each optimizer step that was seen."""

    rates: tuple[float, ...]
    loss_steps: tuple[int, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScriptError:
    """The error that ended a script: its kind, first line, and the place in the script's own code."""

    kind: str
    message: str
    place: str


@dataclass(frozen=True, slots=True)
class WatchedScript:
    """A training script as it ran.

    `exit_code` is None where it is not known, negative for a signal; `hidden` names hooks that failed, each with its
    error; `counts` are epochs, steps and processes.
    """

    command: tuple[str, ...]
    ending: Ending
    exit_code: int | None
    settings: tuple[ObservedSetting, ...]
    facts: tuple[ObservedFact, ...]
    faults: tuple[Fault, ...]
    shortened: tuple[ShortenedLoader, ...]
    course: RateCourse
    counts: Mapping[str, int]
    environment: Mapping[str, str]
    error: ScriptError | None = None
    hidden: tuple[tuple[str, str], ...] = ()

    @property
    def has_trained(self) -> bool:
        """Say whether a backward pass or a step of an optimizer was seen."""
        return bool(self.counts.get("backwards") or self.counts.get("steps"))

    @property
    def has_fault(self) -> bool:
        """Say whether a silent fault was seen that is none in any reading."""
        return any(fault.significance is Significance.REAL for fault in self.faults)
