"""Trials of a probe, and the effects read from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from diagnose.values.numerics import Numerics


class TrialOutcome(StrEnum):
    """How a trial ended, or that it did not."""

    DONE = "done"
    DIVERGED = "diverged"
    FAILED = "failed"
    OUT_OF_MEMORY = "out of memory"
    UNFINISHED = "not finished"


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """How a trial ended: in `step`, counted from 1, where it diverged, and `why` where it failed.

    Its text, "diverged in step 12", is what a journal keeps, and `parse` reads it.
    """

    outcome: TrialOutcome
    step: int | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.step is not None:
            return f"{self.outcome} in step {self.step}"
        return f"{self.outcome}: {self.why}" if self.why else self.outcome.value

    @classmethod
    def parse(cls, text: str) -> TrialEnd:
        """Return the end whose text this is; raise ValueError where it is none."""
        if match := re.fullmatch(rf"{TrialOutcome.DIVERGED} in step ([1-9][0-9]{{0,17}})", text):
            return cls(TrialOutcome.DIVERGED, int(match[1]))
        outcome, stop, why = text.partition(": ")
        if stop and outcome == TrialOutcome.FAILED:
            return cls(TrialOutcome.FAILED, why=why)
        return cls(TrialOutcome(text))


class ArmRole(StrEnum):
    """What an arm is for: the two end points, the start again with other seeds (A/A), one factor moved, the control
    that only lengthens the steps, or all factors moved together."""

    START = "start"
    AGAIN = "again"
    END = "end"
    ABLATION = "ablation"
    CONTROL = "control"
    ALL = "all"


class EffectRole(StrEnum):
    """What an effect is of: an arm against the start, or the momentum against its control (`BEYOND`)."""

    AGAIN = "again"
    END = "end"
    ABLATION = "ablation"
    CONTROL = "control"
    ALL = "all"
    BEYOND = "beyond"

    @property
    def is_suspect(self) -> bool:
        """Return whether the effect is one of those that a probe is asked for."""
        return self not in (EffectRole.AGAIN, EffectRole.END)


class EffectVerdict(StrEnum):
    """How an effect is judged. `BOUNDED` is no effect larger than the effect's `bound`."""

    EFFECT = "effect"
    BOUNDED = "no effect larger than x"
    UNDETERMINED = "undetermined"


class DoubtKind(StrEnum):
    """Why an effect stays open, or what limits an effect that was seen."""

    DIVERGED = "trials diverged"
    NONE_ENDED = "no trial ended"
    TOO_FEW = "too few trials ended"
    ONE_SEED = "one seed"
    NO_SPREAD = "no spread between seeds"
    SLOW = "acts over more steps than were trained"
    SIGN_CHANGES = "sign changes with the horizon"
    ENDS_TOGETHER = "end points do not separate"
    AGAIN_DIFFERS = "A/A arm differs from itself"
    REGULARISES = "regularises"
    RESOLUTION = "known to one test image"


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to doubt an effect; which of the facts are set follows from `kind`.

    `role` is the control that is in doubt. `diverged` holds names of arms with the number of their trials that
    diverged, of `seeds` each. `steps` are those over which a factor acts. `seen` holds differences in points with the
    steps they were seen after. `points` is what one test image is worth.
    """

    kind: DoubtKind
    role: EffectRole | None = None
    diverged: tuple[tuple[str, int], ...] = ()
    seeds: int = 0
    steps: float = 0.0
    seen: tuple[tuple[float, int], ...] = ()
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class EpochResult:
    """The result of one epoch of a trial: the mean training loss, the test accuracy 0–1, and its seconds."""

    epoch: int
    train_loss: float
    test_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One training from one seed: the accuracy 0–1 of its last epoch, None where it did not get there.

    `changed` are the fields that its arm moves, each with the value it is moved to; `steps` and `images` are what
    the whole trial takes.
    """

    model: str
    arm: str
    recipe: str
    changed: tuple[tuple[str, str], ...]
    seed: int
    epochs: int
    steps: int
    images: int
    data: str
    numerics: Numerics
    curve: tuple[EpochResult, ...]
    accuracy: float | None
    end: TrialEnd

    @property
    def status(self) -> str:
        """Return how the trial ended: "done", "diverged in step 12", "failed: …", "not finished"."""
        return str(self.end)

    @property
    def diverged(self) -> bool:
        """Return whether its loss was no longer a number."""
        return self.end.outcome is TrialOutcome.DIVERGED


@dataclass(frozen=True, slots=True)
class Effect:
    """What moving a factor does to the accuracy, in points, after so many `steps` and no others: the difference of two
    arms with its interval.

    `doubts` say why the verdict is undetermined where that is not the noise alone, `cautions` what limits an effect
    that was seen. `p` is corrected for the number of `tests`, `p_single` is not. `n` is the number of seeds;
    with `diverged` trials among them there is no difference, and it is NaN. `smallest_detectable` is the effect that
    as many seeds show in 80 % of the cases; `seeds_needed` would settle it. `share_of_gap` has its own interval.
    `against` is the arm that it is compared with. `observable` is False where the factor acts over more steps than were
    trained and shows nothing.
    """

    factor: str
    role: EffectRole
    start: str
    end: str
    model: str
    steps: int
    difference: float
    low: float
    high: float
    n: int
    paired: bool
    p: float
    verdict: EffectVerdict
    bound: float
    smallest_detectable: float
    seeds_needed: int | None
    share_of_gap: float | None
    doubts: tuple[Doubt, ...] = ()
    epochs: int = 0
    p_single: float = 1.0
    tests: int = 1
    diverged: int = 0
    share_low: float | None = None
    share_high: float | None = None
    against: str = "start"
    observable: bool = True
    cautions: tuple[Doubt, ...] = ()
