"""What documents state of a model, which the gap search keeps: plugins know it of some, `--keep` says the rest."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.errors import UsageError, nearest
from diagnose.params.gap.edits.edit import FACETS
from diagnose.plugins import hooks
from diagnose.values import ModelRef, StatedFact

NOTHING = "nothing"
_OTHER_WORDS = {
    "depth": "blocks", "depths": "blocks", "layers": "blocks", "width": "widths", "channels": "widths",
    "growth": "widths", "classes": "num_classes", "vocab": "vocabulary", "ties": "tying", "tied": "tying",
    "norms": "norm", "biases": "bias", "shortcuts": "shortcut",
}  # fmt: skip
"""What people call a facet, and its name here."""


def known_facts(ref: ModelRef, asked: Sequence[str]) -> tuple[StatedFact, ...]:
    """Return what the search must keep: the facets asked for, else what a document states of the model.

    "nothing" keeps nothing, and stands alone; DiagnoseError names the nearest facet for a wrong one.
    """
    names = [name.strip() for text in asked for name in text.split(",") if name.strip()]
    if not names:
        return tuple(fact for hook in hooks("known_facts") for fact in hook(ref))
    for name in names:
        if name not in FACETS and name != NOTHING:
            known = (*FACETS, NOTHING)
            meant = _OTHER_WORDS.get(name.lower())
            hint = f"Did you mean {meant}?" if meant else nearest(name, known) or f"Known are {', '.join(known)}."
            raise UsageError(f"cannot keep {name!r}", hint=hint)
    if NOTHING in names and len(set(names)) > 1:
        kept = next(name for name in names if name != NOTHING)
        raise UsageError(f"cannot keep {NOTHING} and {kept} at once", hint=f"Leave out {NOTHING} or the others.")
    return tuple(StatedFact(name, f"--keep {name}") for name in names if name != NOTHING)
