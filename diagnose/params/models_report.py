"""What `diagnose models` lists: the aliases with their parameter counts, and the names that a query finds."""

from __future__ import annotations

from diagnose.environment import environment
from diagnose.networks import build, search
from diagnose.params.table import count_parameters
from diagnose.values import Cell, Column, Prose, Report, Section, Table

SCHEMA = "diagnose.models/1"
MOST_SHOWN = 60


def models_report(query: str) -> Report:
    """Return the aliases and the names of torchvision, mmpretrain and timm that hold every word of `query`.

    Without a query only the aliases are listed; every alias is built to be counted.
    """
    found = search(query)
    counts = {alias.name: count_parameters(build(alias.name).module).total for alias in found.aliases}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (alias.name, counts[alias.name], alias.description, alias.origin) for alias in found.aliases
    )
    columns = (Column("Alias"), Column("Parameters", True), Column("What it is"), Column("Origin"))
    sections = [Section("Aliases", (Table("", columns, rows),))] if rows else []
    if query:
        sections.append(_found_section(query, found.models))
    hint = "Any of these is a MODEL; options go in brackets: `diagnose params 'pinet_relu(depth=34, num_classes=100)'`"
    more = "`diagnose models resnet50` searches torchvision, mmpretrain and timm, too."
    sections.append(Section("", (Prose(hint, "hint"), *(() if query else (Prose(more, "hint"),)))))
    return Report(
        schema=SCHEMA,
        title=f"Models matching {query}" if query else "Models",
        environment=environment(("torch", "torchvision", "mmpretrain", "timm")),
        sections=tuple(sections),
        skipped=found.skipped,
        data={
            "query": query,
            "aliases": [
                {"name": a.name, "origin": a.origin, "description": a.description, "parameters": counts[a.name]}
                for a in found.aliases
            ],
            "models": list(found.models),
        },
    )


def _found_section(query: str, models: tuple[str, ...]) -> Section:
    if not models:
        return Section("In the libraries", (Prose(f"No name in the libraries holds “{query}”.", "caution"),))
    left = len(models) - MOST_SHOWN
    note = f"{left:,} more: a longer query narrows them, `--format json` lists all." if left > 0 else ""
    table = Table("", (Column("MODEL"),), tuple((name,) for name in models[:MOST_SHOWN]), note=note)
    return Section(f"In the libraries ({len(models):,})", (table,))
