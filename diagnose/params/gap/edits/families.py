"""The families of edits that a gap search tries; a new family is one function and one entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from diagnose.params.gap.edits import block_layers, block_options, dense, depths, embeddings, ends, widths
from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.edits.free_number import FreeNumber
from diagnose.params.gap.layout import Layout
from diagnose.plugins import hooks
from diagnose.values import Skipped

FAMILIES: dict[str, Callable[[Layout], list[Edit] | str]] = {
    "layers added per block": block_layers.extra_layers,
    "layers left out per block": block_layers.fewer_layers,
    "shortcut type": block_layers.shortcuts,
    "norms": block_options.norms,
    "biases": block_options.biases,
    "q/k/v bias": block_options.qkv_bias,
    "groups": block_options.groups,
    "squeeze-and-excitation": block_layers.squeeze_and_excitation,
    "stem": ends.stem,
    "number of classes": ends.classes,
    "classifier and head": ends.head,
    "vocabulary": embeddings.vocabulary,
    "tied embeddings": embeddings.tying,
    "position embeddings": embeddings.positions,
}
"""Families of local edits, whose changes add up: each gives the edits of a layout, or the reason why there are none."""

STRUCTURES: dict[str, Callable[[Layout], list[Edit] | str]] = {
    "blocks per stage": depths.depths,
    "widths": widths.widths,
    "dense blocks": dense.dense,
}
"""Families of structural edits, which change what all others cost."""


FREE_NUMBERS: tuple[Callable[[Layout], FreeNumber | str], ...] = (
    ends.class_number,
    embeddings.vocabulary_number,
    embeddings.position_number,
    widths.feed_forward,
)
"""Whole numbers that are solved for, each beside the usual ones that the families above list."""


def free_numbers(layout: Layout) -> list[FreeNumber]:
    """Return the free whole numbers of a layout on which its count depends in a straight line."""
    numbers = (number(layout) for number in FREE_NUMBERS)
    return [number for number in numbers if not isinstance(number, str) and number.slope > 0]


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
            edits.extend(edit if edit.source else replace(edit, source=_source(edit, layout)) for edit in made)
    return edits


def _source(edit: Edit, layout: Layout) -> str:
    """Return the published code that a plugin knows to have an edit, empty where none does."""
    return next(filter(None, (hook(edit, layout) for hook in hooks("published"))), "")


def edits_by_key(layout: Layout) -> dict[tuple[str, tuple[tuple[str, Any], ...]], Edit]:
    """Return every edit of a layout by its key, to make the edit of one network on another."""
    return {edit.key: edit for edit in edits_of({**FAMILIES, **STRUCTURES}, layout, [])}
