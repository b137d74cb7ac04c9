"""Hold what a comparison with given weights found: how far weights, operations and outputs are apart."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.diff.proof.distance import Distance, Tolerance
from diagnose.values import Equivalence, Skipped

EXACT = Tolerance(1e-13, 1e-11)
"""Two float64 runs of one computation. Rounding stays within it; a change of the last digit of a float32 does not."""

SAME_FUNCTION = Tolerance(1e-13, 1e-6)
"""Two ways to write one function: constants as 1/√2 are compared to seven digits there, too."""


@dataclass(frozen=True, slots=True)
class OperationDistance:
    """An aligned operation and how far its values are apart; `own` says that a weight it reads differs."""

    op: str
    a: str
    b: str
    source: str
    distance: Distance
    own: bool


@dataclass(frozen=True, slots=True)
class WeightDelta:
    """A pair of matched weights, compared through the mapping; `group` is its class of layer."""

    a: str
    b: str
    group: str
    distance: Distance


@dataclass(frozen=True, slots=True)
class TrainedComparison:
    """Two networks with given weights, compared: `a` and `b` say whose weights these are.

    `architecture` is the verdict without the weights. `outputs` is None if they could not be run. `steps` are all
    aligned operations and `weights` all matched weights, in the order of A; `unmatched` are the other tensors.
    """

    a: str
    b: str
    architecture: Equivalence
    outputs: Distance | None
    steps: tuple[OperationDistance, ...]
    weights: tuple[WeightDelta, ...]
    unmatched: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def parted(self) -> tuple[OperationDistance, ...]:
        """Return the aligned operations whose values differ."""
        return tuple(step for step in self.steps if not EXACT.holds(step.distance))

    @property
    def first(self) -> OperationDistance | None:
        """Return the first aligned operation whose values differ."""
        return next(iter(self.parted), None)

    @property
    def differing(self) -> tuple[WeightDelta, ...]:
        """Return the matched weights that are not equal, bit for bit."""
        return tuple(weight for weight in self.weights if weight.distance.delta)

    @property
    def verdict(self) -> str:
        """Return "equal", "different" or "undetermined"; equal outputs alone are no proof of equal networks."""
        if self.outputs is None:
            return "undetermined"
        if self.architecture is Equivalence.EQUIVALENT and not self.differing:
            return "equal" if SAME_FUNCTION.holds(self.outputs) else "undetermined"
        return "undetermined" if EXACT.holds(self.outputs) else "different"
