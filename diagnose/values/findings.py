"""What every judgement is made of: verdicts, findings, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Significance(StrEnum):
    """How a difference is judged; "undetermined" is an honest answer."""

    REAL = "real"
    COSMETIC = "cosmetic"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured, counted or tried, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, judged: `where` lists its places, `count` how often it stands there ("×6 blocks")."""

    kind: str
    verdict: Significance
    where: tuple[str, ...]
    count: int
    message: str
    evidence: tuple[str, ...] = ()
