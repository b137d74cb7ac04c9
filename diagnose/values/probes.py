"""Trials of a probe, and the effects read from them."""

from __future__ import annotations

from dataclasses import dataclass


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
    the whole trial takes. `status` is "done", "diverged in step N", "failed: …" or "not finished". `layout` is that of
    the images in memory, `engine` what runs the forward pass, `micro_batch` the images of one forward pass where a
    batch is divided.
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
    device: str
    precision: str
    threads: int
    curve: tuple[EpochResult, ...]
    accuracy: float | None
    status: str
    layout: str = "channels-last"
    engine: str = "eager"
    micro_batch: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What moving a factor does to the accuracy, in points, after so many `steps` and no others: the difference of two
    arms with its interval.

    `verdict` is "effect", "no effect larger than x" (x is `bound`) or "undetermined", and `note` says why where that
    is not the noise alone. `p` is corrected for the number of `tests`, `p_single` is not. `n` is the number of seeds;
    with `diverged` trials among them there is no difference, and it is NaN. `smallest_detectable` is the effect that
    as many seeds show in 80 % of the cases; `seeds_needed` would settle it. `share_of_gap` has its own interval.
    `against` is the arm that it is compared with. `observable` is False where the factor acts over more steps than were
    trained and shows nothing; `caution` says what limits an effect that is seen.
    """

    factor: str
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
    verdict: str
    bound: float
    smallest_detectable: float
    seeds_needed: int | None
    share_of_gap: float | None
    note: str = ""
    epochs: int = 0
    p_single: float = 1.0
    tests: int = 1
    diverged: int = 0
    share_low: float | None = None
    share_high: float | None = None
    against: str = "start"
    observable: bool = True
    caution: str = ""
