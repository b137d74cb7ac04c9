"""Known networks as the JSON of a report holds them; keys are only ever added."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from diagnose.values import IndexAnswer


def known_data(answer: IndexAnswer) -> dict[str, Any]:
    """Return the JSON-able form of what the index says of a reported number."""
    return {
        "matches": [
            {**asdict(match.network), "part": match.part.value, "total": match.total, "chance": match.chance}
            for match in answer.matches
        ],
        "nearest": [asdict(network) for network in answer.nearest],
        "stands_out": answer.stands_out,
        "versions": dict(answer.versions),
    }
