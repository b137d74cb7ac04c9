"""Two training recipes as the same or not."""

from __future__ import annotations

from diagnose.case.keys import Key, text, word
from diagnose.case.kind import OPPOSITE, Assessment, Evidence, Kind
from diagnose.case.measurements import Measurements
from diagnose.recipes.compare_recipes import compare, shown
from diagnose.recipes.load import load
from diagnose.recipes.report import diff_report
from diagnose.values import (
    NOT_STATED,
    Cell,
    Claim,
    Column,
    FieldDiff,
    FieldStatus,
    Prose,
    RecipeDiff,
    Ruling,
    Section,
    Significance,
    Table,
)

NAMED = ("momentum", "weight_decay", "train_images", "normalisation", "evaluated_epoch")
"""The fields that an answer names first, and with their value: what most often makes two trainings differ."""

MOST_NAMED = 5
STATUSES = (
    (FieldStatus.DIFFERS, "What differs", False),
    (FieldStatus.UNSTATED, "What one of them leaves unstated", False),
    (FieldStatus.EQUAL, "What is equal", True),
)


def measure(claim: Claim, measurements: Measurements) -> RecipeDiff:
    """Compare the two recipes."""
    return compare(load(claim.get("a")), load(claim.get("b")))


def judge(claim: Claim, diff: RecipeDiff) -> Assessment:
    """Refute sameness where a field that both state really differs; leave it open where one is silent."""
    differing = [field for field in diff.having(FieldStatus.DIFFERS) if field.verdict is Significance.REAL]
    unstated, equal = diff.having(FieldStatus.UNSTATED), diff.having(FieldStatus.EQUAL)
    ruling = Ruling.REFUTED if differing else Ruling.UNDETERMINED if unstated or diff.unread else Ruling.SUPPORTED
    said = f"{len(differing)} fields that both state differ: {_titles(differing)}" if differing else (
        f"The {len(equal)} fields that both state are equal")  # fmt: skip
    cosmetic = len(diff.having(FieldStatus.DIFFERS)) - len(differing)
    if cosmetic:
        said += f", and {cosmetic} differ by rounding or by the seed alone"
    if unstated:
        said += f"; {len(unstated)} more are stated by one alone. Among these are {_chosen(diff, unstated)}"
    if diff.unread:
        said += f"; of the keys that no field holds {len(diff.unread)} differ"
    if claim.get("belief") == "different":
        ruling = OPPOSITE[ruling]
    return Assessment(ruling, f"{said}.")


def _titles(fields: list[FieldDiff]) -> str:
    return ", ".join(field.title for field in fields)


def _chosen(diff: RecipeDiff, fields: tuple[FieldDiff, ...]) -> str:
    """Name the most telling of the unstated fields with what the other recipe has."""
    parts = []
    ranked = sorted(fields, key=lambda field: NAMED.index(field.key) if field.key in NAMED else len(NAMED))
    for field in ranked[:MOST_NAMED]:
        name, value = (diff.b.name, field.b) if field.a is NOT_STATED else (diff.a.name, field.a)
        parts.append(f"{field.title} ({name}: {shown(value)})")
    more = len(fields) - MOST_NAMED
    return ", ".join(parts) + (f" and {more} more" if more > 0 else "")


def evidence(claim: Claim, diff: RecipeDiff) -> Evidence:
    """Show the fields by status, differing ones first, and what makes either recipe doubtful."""
    sections = tuple(
        Section(title, (_table(diff, fields),), folded=folded)
        for status, title, folded in STATUSES
        if (fields := diff.having(status))
    )
    flagged = tuple(Prose(finding.message, "caution") for finding in diff.flagged)
    data = dict(diff_report(diff).data)
    return Evidence((*flagged, *sections), data)


def _table(diff: RecipeDiff, fields: tuple[FieldDiff, ...]) -> Table:
    columns = (Column("Field"), Column(diff.a.name), Column(diff.b.name), Column("Why it matters", low_priority=True))
    rows: tuple[tuple[Cell, ...], ...] = tuple((f.title, shown(f.a), shown(f.b), f.why) for f in fields)
    return Table("", columns, rows)


KIND = Kind(
    "recipe",
    'that the recipes `a` and `b` are the `belief` "same" or "different"',
    (Key("a", text, recipe=True), Key("b", text, recipe=True), Key("belief", word("same", "different"))),
    measure,
    judge,
    evidence,
)
