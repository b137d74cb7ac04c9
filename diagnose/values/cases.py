"""Cases: the claims of a reproduction, and the judgements on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from diagnose.values.findings import Skipped
from diagnose.values.reports import Item


class Ruling(StrEnum):
    """How a claim is judged by its evidence."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a case: what is said, by whom, and in `settings` what its kind needs to test it.

    `holds` is False where the document says that it is not so. `line` is where the case file states it.
    """

    id: str
    kind: str
    says: str
    source: str
    holds: bool
    settings: tuple[tuple[str, Any], ...]
    line: int

    def get(self, key: str, default: Any = None) -> Any:
        """Return a setting, or `default` where the case file leaves it out."""
        return next((value for name, value in self.settings if name == key), default)


@dataclass(frozen=True, slots=True)
class Case:
    """A reproduction and what is claimed of it; `models` maps the case's names to MODEL texts, `trials` is the file of
    trials that goes with it, and `trusted` says whether code that it names may be run."""

    name: str
    title: str
    summary: str
    models: tuple[tuple[str, str], ...]
    claims: tuple[Claim, ...]
    trusted: bool = False
    trials: str = ""

    def model(self, name: str) -> str:
        """Return the MODEL text of one of the case's names."""
        return dict(self.models)[name]


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim judged: the ruling, the answer in a sentence, and the evidence it was computed from.

    `data` is JSON-able; `reused` says that it stands from an earlier run.
    """

    claim: Claim
    ruling: Ruling
    answer: str
    evidence: tuple[Item, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    reused: bool = False
