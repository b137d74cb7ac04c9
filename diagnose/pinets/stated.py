"""What the paper and the authors' code state of the built-in case's models."""

from __future__ import annotations

from diagnose.values import ModelRef, StatedFact

_TABLE_5 = "Table 5 of arXiv 2006.13026"
_BY_ALIAS = {
    "prodpoly": (
        StatedFact("blocks", f"{_TABLE_5} states blocks [2, 2, 1, 1]"),
        StatedFact("num_classes", f"{_TABLE_5} is about CIFAR-10, which has 10 classes"),
        StatedFact("widths", "the authors' published backbones have widths 64, 128, 256 and 512"),
    )
}


def stated(ref: ModelRef) -> tuple[StatedFact, ...]:
    """Return what is stated of a model; empty for one that is not of the built-in case."""
    return _BY_ALIAS.get(ref.name, ()) if ref.source == "alias" else ()
