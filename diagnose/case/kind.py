"""What a kind of claim is: which keys it reads, how it is measured, and how the measurement is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from diagnose.case.keys import Key
from diagnose.case.measurements import Measurements
from diagnose.values import Claim, Item, Ruling, Skipped

OPPOSITE = {
    Ruling.SUPPORTED: Ruling.REFUTED,
    Ruling.REFUTED: Ruling.SUPPORTED,
    Ruling.UNDETERMINED: Ruling.UNDETERMINED,
}
"""The ruling on what says the opposite."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a measurement says of a claim as it is written, in one sentence."""

    ruling: Ruling
    answer: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The basis of an assessment: items of a report, raw numbers, and what was not measured."""

    items: tuple[Item, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of claim.

    `measure` runs what the claim needs and returns its own value; `judge` and `evidence` only read that. `states`
    says what a claim of this kind states. `trials` is True where the ruling rests on the trials at hand, too.
    """

    name: str
    states: str
    keys: tuple[Key, ...]
    measure: Callable[[Claim, Measurements], Any]
    judge: Callable[[Claim, Any], Assessment]
    evidence: Callable[[Claim, Any], Evidence]
    trials: bool = False
