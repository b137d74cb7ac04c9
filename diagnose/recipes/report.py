"""What `diagnose recipe` says: the verdict, the fields that differ, those left open, and the rest folded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from diagnose.environment import environment
from diagnose.recipes.compare_recipes import flags, shown
from diagnose.recipes.fields import FIELDS
from diagnose.values import (
    FACTORS,
    NOT_STATED,
    Column,
    FieldDiff,
    FieldStatus,
    Prose,
    Recipe,
    RecipeDiff,
    Report,
    Schedule,
    ScheduleKind,
    Section,
    Table,
)

SCHEMA = "diagnose.recipe/1"


def diff_report(diff: RecipeDiff) -> Report:
    """Return the report of two recipes compared."""
    a, b = diff.a.name, diff.b.name
    sections = [Section("", tuple(_verdict(diff)))]
    for status, title, folded in (
        (FieldStatus.DIFFERS, "What differs", False),
        (FieldStatus.UNSTATED, "What one of them does not state", False),
        (FieldStatus.EQUAL, "What is equal", True),
        (FieldStatus.BOTH_UNSTATED, "What neither states", True),
    ):
        fields = diff.having(status)
        if fields:
            sections.append(Section(title, (_table(fields, a, b),), folded=folded))
    if diff.unread:
        sections.append(Section("What no field holds and differs", (_unread(diff),), folded=False))
    sections.append(Section("Where it is read", (_sources(diff),), folded=True))
    return Report(
        schema=SCHEMA,
        title=f"Recipe {a} against {b}",
        environment=environment(("mmpretrain",)),
        sections=tuple(sections),
        findings=diff.flagged,  # the differences stand in the tables, once
        data={
            "a": _recipe(diff.a),
            "b": _recipe(diff.b),
            "fields": [_field(field) for field in diff.fields],
            "unread": [asdict(difference) for difference in diff.unread],
        },
    )


def show_report(recipe: Recipe) -> Report:
    """Return the report of one recipe: every field, its value and where that is read."""
    columns = (Column("Field"), Column("Value"), Column("Read in", low_priority=True))
    rows = tuple((field.title, shown(recipe.get(field.key)), recipe.source(field.key)) for field in FIELDS.values())
    stated = len(recipe.settings)
    said = f"{recipe.name}: {recipe.title}. It states {stated} of {len(FIELDS)} fields."
    why = Table("", (Column("Field"), Column("Why it matters")), tuple((f.title, f.why) for f in FIELDS.values()))
    return Report(
        schema=SCHEMA,
        title=f"Recipe {recipe.name}",
        environment=environment(("mmpretrain",)),
        sections=(
            Section("", (Prose(said, "verdict"), Table("", columns, rows))),
            *((Section("What no field holds", (_unread_keys(recipe),), folded=True),) if recipe.unread else ()),
            Section("Why the fields matter", (why,), folded=True),
        ),
        findings=tuple(flags(recipe)),
        data={"recipe": _recipe(recipe)},
    )


def _unread_keys(recipe: Recipe) -> Table:
    return Table("", (Column("Key"), Column("Value")), recipe.unread)


def _verdict(diff: RecipeDiff) -> list[Prose]:
    differing, unstated = diff.having(FieldStatus.DIFFERS), diff.having(FieldStatus.UNSTATED)
    both, equal = diff.having(FieldStatus.BOTH_UNSTATED), diff.having(FieldStatus.EQUAL)
    named = _listed(differing)
    if not differing and not unstated and diff.unread:
        keys = _several(len(diff.unread), "key")
        said = f"No field differs, but {keys} that no field holds: whether they train alike is undetermined."
    elif not differing and not unstated:
        said = f"{diff.a.name} and {diff.b.name} state the same: {len(equal)} fields are equal and none differs."
    elif not differing:
        said = f"No field that both state differs; one of them alone states {_listed(unstated)}."
    else:
        verb = "differs" if len(differing) == 1 else "differ"
        said = f"{len(differing)} of the fields that both state {verb}: {named}."
        if unstated:
            said += f" One of them alone states {_listed(unstated)}."
    prose = [Prose(said, "verdict")]
    if diff.unread and (differing or unstated):
        prose.append(Prose(f"Beside them {_several(len(diff.unread), 'key')} that no field holds.", "caution"))
    if unstated or both:
        prose.append(Prose("What is not stated may be equal or not: nothing is concluded from it.", "caution"))
    if differing:
        schedules = [setting.kind for f in diff.fields for setting in (f.a, f.b) if isinstance(setting, Schedule)]
        factors = ",".join(_ablated(differing))
        if factors and ScheduleKind.OTHER not in schedules:  # which no probe can train
            command = f"diagnose probe --recipe {diff.a.typed} --against {diff.b.typed} --ablate {factors}"
            prose.append(
                Prose(f"A difference is no cause yet. `{command}` trains to see which have an effect.", "hint")
            )
    return prose


def _ablated(differing: tuple[FieldDiff, ...]) -> tuple[str, ...]:
    """Return the factors that a probe can move to try the fields; the length alone is none of them."""
    keys = {field.key for field in differing} - {"epochs"}
    return tuple(factor for factor, fields in FACTORS.items() if keys.intersection(fields))


def _several(count: int, noun: str) -> str:
    return f"{count} {noun} differs" if count == 1 else f"{count} {noun}s differ"


def _unread(diff: RecipeDiff) -> Table:
    columns = (Column("Key"), Column(diff.a.name), Column(diff.b.name))
    note = "Read as text, and compared as text: whether a key matters is not known here."
    return Table("", columns, tuple((key.key, key.a, key.b) for key in diff.unread), note=note)


def _listed(fields: tuple[FieldDiff, ...]) -> str:
    return ", ".join(field.title for field in fields)


def _table(fields: tuple[FieldDiff, ...], a: str, b: str) -> Table:
    columns = (Column("Field"), Column(a), Column(b), Column("Why it matters"))
    return Table("", columns, tuple((f.title, shown(f.a), shown(f.b), f.why) for f in fields))


def _sources(diff: RecipeDiff) -> Table:
    columns = (Column("Field"), Column(diff.a.name), Column(diff.b.name))
    stated = (field for field in diff.fields if field.source_a or field.source_b)
    return Table("", columns, tuple((field.title, field.source_a, field.source_b) for field in stated))


# ------------------------------------------------------------------------------------------------- data


def _recipe(recipe: Recipe) -> dict[str, Any]:
    settings = {setting.key: {"value": plain(setting.value), "source": setting.source} for setting in recipe.settings}
    return {"name": recipe.name, "title": recipe.title, "settings": settings, "unread": dict(recipe.unread)}


def _field(field: FieldDiff) -> dict[str, Any]:
    return {
        "field": field.key,
        "a": plain(field.a),
        "b": plain(field.b),
        "status": field.status.value,
        "verdict": field.verdict.value,
        "why": field.why,
    }


def plain(value: Any) -> Any:
    """Return a setting as JSON: a structured one as an object, what is not stated as null."""
    if value is NOT_STATED:
        return None
    return value if isinstance(value, str | int | float) else asdict(value)
