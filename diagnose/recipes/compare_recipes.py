"""Two recipes compared field by field, and what is doubtful in either alone."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.recipes.fields import FIELDS, Field
from diagnose.values import (
    NOT_STATED,
    FieldDiff,
    FieldStatus,
    Finding,
    Normalisation,
    Recipe,
    RecipeDiff,
    ReportedEpoch,
    SettingValue,
    Significance,
    UnreadDifference,
)

ROUNDING = 0.05
"""Largest difference, in units of 0–255, between two normalisations that one decimal could hide."""


def compare(a: Recipe, b: Recipe) -> RecipeDiff:
    """Compare two recipes.

    A field that both state and that differs is a real difference; one that only one of them states is undetermined, and
    so is a key that no field holds.
    """
    fields = tuple(_field(field, a, b) for field in FIELDS.values())
    differences = tuple(
        _finding(field, a, b) for field in fields if field.status in (FieldStatus.DIFFERS, FieldStatus.UNSTATED)
    )
    flagged = tuple(flag for recipe in dict.fromkeys((a, b)) for flag in flags(recipe))
    return RecipeDiff(a, b, fields, differences, flagged, tuple(_unread(a, b)))


def _unread(a: Recipe, b: Recipe) -> Iterator[UnreadDifference]:
    """Yield the keys that no field holds and that differ."""
    values_a, values_b = dict(a.unread), dict(b.unread)
    for key in dict.fromkeys((*values_a, *values_b)):
        if values_a.get(key) != values_b.get(key):
            yield UnreadDifference(key, values_a.get(key), values_b.get(key))


def flags(recipe: Recipe) -> Iterator[Finding]:
    """Yield the reasons to doubt the accuracy of a recipe that hold without any comparison."""
    if recipe.get("evaluated_epoch") == ReportedEpoch.BEST_ON_TEST:
        yield Finding(
            "recipe.selection-on-test",
            Significance.REAL,
            (recipe.name,),
            1,
            f"{recipe.name} reports its best epoch, picked on the test set: such a number is biased upwards.",
            (recipe.source("evaluated_epoch"),),
        )
    held, used = recipe.get("held_out"), recipe.get("train_images")
    if isinstance(held, int) and isinstance(used, int) and held > 0:
        yield Finding(
            "recipe.held-out",
            Significance.REAL,
            (recipe.name,),
            1,
            f"{recipe.name} holds back {held:,} of {held + used:,} training images "
            f"({100 * held / (held + used):.0f} %) and never trains on them.",
            (recipe.source("held_out"),),
        )


def _field(field: Field, a: Recipe, b: Recipe) -> FieldDiff:
    ours, theirs = a.get(field.key), b.get(field.key)
    status, verdict, why = _status(field, ours, theirs)
    return FieldDiff(
        field.key, field.title, ours, theirs, status, verdict, why, a.source(field.key), b.source(field.key)
    )


def _status(field: Field, a: SettingValue, b: SettingValue) -> tuple[FieldStatus, Significance, str]:
    if a is NOT_STATED and b is NOT_STATED:
        return FieldStatus.BOTH_UNSTATED, Significance.UNDETERMINED, field.why
    if a is NOT_STATED or b is NOT_STATED:
        return FieldStatus.UNSTATED, Significance.UNDETERMINED, field.why
    if a == b:
        return FieldStatus.EQUAL, Significance.COSMETIC, field.why
    if _rounded(a, b):
        return FieldStatus.DIFFERS, Significance.COSMETIC, "the two differ by no more than rounding to one decimal"
    # Another seed is another draw of the same training, so it cannot be what separates two recipes.
    return FieldStatus.DIFFERS, Significance.COSMETIC if field.key == "seed" else Significance.REAL, field.why


def _rounded(a: SettingValue, b: SettingValue) -> bool:
    if not isinstance(a, Normalisation) or not isinstance(b, Normalisation) or len(a.mean) != len(b.mean):
        return False
    pairs = zip((*a.mean, *a.std), (*b.mean, *b.std), strict=True)
    return all(abs(x - y) <= ROUNDING + 1e-9 for x, y in pairs)


def _finding(field: FieldDiff, a: Recipe, b: Recipe) -> Finding:
    if field.status is FieldStatus.UNSTATED:
        states, silent = (b, a) if field.a is NOT_STATED else (a, b)
        message = f"{field.title}: {silent.name} does not state it, {states.name} has {shown(states.get(field.key))}"
    else:
        message = f"{field.title}: {shown(field.a)} in {a.name}, {shown(field.b)} in {b.name}"
    evidence = tuple(
        f"{name}: {source}" for name, source in ((a.name, field.source_a), (b.name, field.source_b)) if source
    )
    return Finding(f"recipe.{field.key}", field.verdict, (a.name, b.name), 1, f"{message}; {field.why}.", evidence)


def shown(value: SettingValue) -> str:
    """Return a setting as a reader expects it: 40,000, 5e-4, yes."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
