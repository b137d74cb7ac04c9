"""A change: one edit at one place, and what makes it real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.diff.explain.facts import Facts
from diagnose.diff.explain.phrases import sentence
from diagnose.diff.proof.localise import Observation
from diagnose.values import DifferenceKind, Significance

BY_RATE = ("a random operation is compared by its rate, not by numbers",)


@dataclass(frozen=True, slots=True)
class Change:
    """One edit: its kind, its facts without names, and where.

    `nodes_a` and `nodes_b` take part in it. `certain` says that the verdict rests on a rule and not on numbers. `alone`
    says that no other change is near that could make up for it, and that the network's own values do not show it.
    `sizes` says that it shows at another size of the input alone, in graphs that hold the numbers of this one.
    """

    kind: DifferenceKind
    verdict: Significance
    facts: Facts
    where: str
    evidence: tuple[str, ...]
    nodes_a: tuple[int, ...] = ()
    nodes_b: tuple[int, ...] = ()
    certain: bool = False
    alone: bool = False
    sizes: bool = False

    @property
    def message(self) -> str:
        """Return what the change does, in words."""
        return sentence(self.kind, [self.facts])


def significance_of(near: Sequence[Observation]) -> tuple[Significance, tuple[str, ...]]:
    """Return the verdict of observations and its evidence: real if one differs, else undetermined."""
    for result in near:
        if result.differs:
            return Significance.REAL, (result.how,)
    for result in near:
        if result.differs is None and result.how:
            return Significance.UNDETERMINED, (result.how,)
    if any(seen.differs is False for seen in near):
        return Significance.UNDETERMINED, ("equal on these inputs, small and large values included",)
    return Significance.UNDETERMINED, ("its effect could not be run by itself",)
