"""The families of edits that a gap search tries; a new family is one function and one entry here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diagnose.params.gap.edits import blocks, ends, structure
from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.layout import Layout
from diagnose.values import Skipped

FAMILIES: dict[str, Callable[[Layout], list[Edit] | str]] = {
    "layers added per block": blocks.extra_layers,
    "layers left out per block": blocks.fewer_layers,
    "shortcut type": blocks.shortcuts,
    "norms": blocks.norms,
    "biases": blocks.biases,
    "q/k/v bias": blocks.qkv_bias,
    "groups": blocks.groups,
    "squeeze-and-excitation": blocks.squeeze_and_excitation,
    "stem": ends.stem,
    "number of classes": ends.classes,
    "classifier and head": ends.head,
    "vocabulary": ends.vocabulary,
    "tied embeddings": ends.tying,
    "position embeddings": ends.positions,
}
"""Families of local edits, whose changes add up: each gives the edits of a layout, or the reason why there are none."""

STRUCTURES: dict[str, Callable[[Layout], list[Edit] | str]] = {
    "blocks per stage": structure.depths,
    "widths": structure.widths,
    "dense blocks": structure.dense,
}
"""Families of structural edits, which change what all others cost."""


def edits_of(
    families: dict[str, Callable[[Layout], list[Edit] | str]], layout: Layout, skipped: list[Skipped]
) -> list[Edit]:
    """Return the edits of a layout; a family that has none adds its reason to `skipped`."""
    edits: list[Edit] = []
    for name, family in families.items():
        made = family(layout)
        if isinstance(made, str):
            skipped.append(Skipped(f"edits of the {name}", made))
        else:
            edits.extend(made)
    return edits


def edits_by_key(layout: Layout) -> dict[tuple[str, tuple[tuple[str, Any], ...]], Edit]:
    """Return every edit of a layout by its key, to make the edit of one network on another."""
    return {edit.key: edit for edit in edits_of({**FAMILIES, **STRUCTURES}, layout, [])}
