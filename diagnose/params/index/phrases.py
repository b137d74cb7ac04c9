"""How the known networks that a reported number names are put into words."""

from __future__ import annotations

import shlex

from diagnose.values import Cell, Column, CountedPart, IndexAnswer, KnownMatch, KnownNetwork, Prose, Section, Table

MOST_LISTED = 8
_MOST_NAMED = 3


def likeliest_known(model: str, answer: IndexAnswer, odds: str) -> list[Prose]:
    """Say that the number is the figure of another network, and how to compare with it."""
    first = answer.matches[0]
    return [
        Prose(
            f"Likeliest: the figure of another network, {_named(answer)}: {first.total:,}{_part(first)}. {odds}",
            "good",
        ),
        Prose("What makes the difference: `" + _command(model, first.network) + "`", "hint"),
    ]


def possibly_known(answer: IndexAnswer) -> Prose:
    """Say whose figure the number may be as well."""
    first = answer.matches[0]
    return Prose(f"Possible: the figure of {_named(answer)}: {first.total:,}{_part(first)}.")


def _named(answer: IndexAnswer) -> str:
    """Name the networks that share the first match's count."""
    first = answer.matches[0]
    same = [match for match in answer.matches if (match.total, match.part) == (first.total, first.part)]
    named = ", ".join(match.network.model for match in same[:_MOST_NAMED])
    return f"{named} and {len(same) - _MOST_NAMED:,} more" if len(same) > _MOST_NAMED else named


def nearest_known(answer: IndexAnswer) -> Prose:
    """Name the known networks whose counts are nearest."""
    named = ", ".join(f"{network.model} ({network.parameters:,})" for network in answer.nearest)
    return Prose(f"The nearest known networks: {named}.")


def known_section(model: str, answer: IndexAnswer, total: int) -> Section:
    """Return the known networks that have the reported number; `total` is the count of the network asked about."""
    listed = answer.matches[:MOST_LISTED]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (match.network.model, match.total, match.part.value, match.total - total, _share(match.chance))
        for match in listed
    )
    columns = (
        Column("MODEL"),
        Column("Parameters", True),
        Column("Counted", low_priority=True),
        Column("More than here", True),
        Column("Chance", True),
    )
    left = len(answer.matches) - len(listed)
    made = ", ".join(f"{library} {version}" for library, version in answer.versions)
    note = f"From the index of known networks: {made}."
    note += f" {left:,} more fit; --format json lists all." if left else ""
    table = Table("", columns, rows, marked=(0,) if answer.stands_out else (), note=note)
    hint = Prose(f"Compare: `{_command(model, listed[0].network)}`", "hint")
    return Section("Known networks with this number", (table, hint))


def _part(match: KnownMatch) -> str:
    return "" if match.part is CountedPart.WHOLE else f", counted {match.part.value}"


def _command(model: str, network: KnownNetwork) -> str:
    return f"diagnose params {shlex.quote(model)} --against {shlex.quote(network.model)}"


def _share(chance: float) -> str:
    return f"{chance:.0%}" if chance >= 0.1 else f"{chance:.1%}" if chance >= 0.001 else "< 0.1%"
