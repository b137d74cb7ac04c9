"""What documents state of the built-in case's models: the gap search keeps it, `--keep` says it for other models."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.errors import UsageError, nearest
from diagnose.params.gap.edits.edit import FACETS
from diagnose.values import ModelRef, Stated

_TABLE_5 = "Table 5 of arXiv 2006.13026"
_PRODPOLY = (
    Stated("blocks", f"{_TABLE_5} states blocks [2, 2, 1, 1]"),
    Stated("num_classes", f"{_TABLE_5} is about CIFAR-10, which has 10 classes"),
    Stated("widths", "the authors' published backbones have widths 64, 128, 256 and 512"),
)
BY_ALIAS = {"prodpoly": _PRODPOLY}
NOTHING = "nothing"


def stated(ref: ModelRef, asked: Sequence[str]) -> tuple[Stated, ...]:
    """Return what the search must keep: the facets asked for, else what a document states of the model.

    "nothing" keeps nothing; DiagnoseError names the nearest facet for a wrong one.
    """
    names = [name.strip() for text in asked for name in text.split(",") if name.strip()]
    if not names:
        return BY_ALIAS.get(ref.name, ()) if ref.source == "alias" else ()
    for name in names:
        if name not in FACETS and name != NOTHING:
            known = (*FACETS, NOTHING)
            hint = nearest(name, known) or f"Known are {', '.join(known)}."
            raise UsageError(f"cannot keep {name!r}", hint=hint)
    return tuple(Stated(name, f"--keep {name}") for name in names if name != NOTHING)
