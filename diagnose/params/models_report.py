"""What `diagnose models` lists: the aliases with their parameter counts, and what a query or two numbers find."""

from __future__ import annotations

from dataclasses import asdict

from diagnose.environment import environment
from diagnose.networks import build, search
from diagnose.params.index.find_networks import find_networks
from diagnose.params.reported import parse_reported
from diagnose.params.table import count_parameters
from diagnose.values import Cell, Column, KnownNetwork, Prose, Report, Section, Table

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


def numbers_report(query: str, parameters: str | None, macs: str | None) -> Report:
    """Return the networks of the index whose names hold every word of `query` and whose counts are the numbers.

    Where none has them, the nearest are listed. Raises DiagnoseError for a number that cannot be read.
    """
    found = find_networks(
        words=query,
        parameters=None if parameters is None else parse_reported(parameters),
        macs=None if macs is None else parse_reported(macs),
    )
    asked = [f"{parameters} parameters"] if parameters else []
    asked += [f"{macs} MACs"] if macs else []
    numbers, shown = " and ".join(asked), found.fitting or found.nearest
    said = f"{len(found.fitting):,} known {'network has' if len(found.fitting) == 1 else 'networks have'} {numbers}."
    if not found.fitting:
        said = f"No known network has {numbers}." + (" These are the nearest." if shown else "")
    made = ", ".join(f"{library} {version}" for library, version in found.versions)
    note = f"From the index of known networks: {made}. MACs are those of one forward pass at the input."
    if macs is not None:
        note += f" They are known of {found.counted:,} of its {found.networks:,} networks; the others are not listed."
    left = len(shown) - MOST_SHOWN
    note += f" {left:,} more: --format json lists all." if left > 0 else ""
    words: list[Prose | Table] = [Prose(said, "verdict")]
    return Report(
        schema=SCHEMA,
        title=f"Networks with {numbers}",
        environment=environment(("torch", "torchvision", "mmpretrain", "timm")),
        sections=(Section("", tuple(words + ([_networks_table(shown[:MOST_SHOWN], note)] if shown else []))),),
        data={
            "query": query,
            "aliases": [],
            "models": [network.model for network in found.fitting],
            "known": {
                "fitting": [asdict(network) for network in found.fitting],
                "nearest": [asdict(network) for network in found.nearest],
                "versions": dict(found.versions),
            },
        },
    )


def _networks_table(networks: tuple[KnownNetwork, ...], note: str) -> Table:
    columns = (Column("MODEL"), Column("Parameters", True), Column("MACs", True), Column("Input", low_priority=True))
    rows = tuple((network.model, network.parameters, network.macs, network.input or None) for network in networks)
    return Table("", columns, rows, note=note)
