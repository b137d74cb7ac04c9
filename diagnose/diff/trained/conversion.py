"""What `diagnose diff` says of a converted checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diagnose.diff.weights.checkpoint import Conversion
from diagnose.values import Prose, Section

NAMED = 8
"""Names of tensors that are listed at most."""


def conversion_section(conversion: Conversion) -> Section:
    """Say what became of a converted checkpoint."""
    done = f"{conversion.target} is written: A fills {conversion.filled} of its {conversion.tensors} tensors."
    said = [Prose(done, "good" if not conversion.unfilled else "caution")]
    if conversion.unfilled:
        said.append(
            Prose(f"Nothing in A fills these; they keep B's initial values: {_some(conversion.unfilled)}.", "caution")
        )
    if conversion.unused:
        said.append(Prose(f"B has no place for these of A: {_some(conversion.unused)}."))
    if conversion.dropped:
        said.append(Prose(f"Left out beside the state dict, as it belongs to A: {_some(conversion.dropped)}."))
    return Section("The converted checkpoint", tuple(said))


def conversion_data(conversion: Conversion) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "path": str(conversion.target),
        "filled": conversion.filled,
        "tensors": conversion.tensors,
        "unfilled": list(conversion.unfilled),
        "unused": list(conversion.unused),
        "dropped": list(conversion.dropped),
    }


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
