"""A recipe in TOML: one key per field of `FIELDS`, a `title`, a `source`, and `[sources]` for single fields."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from diagnose.bounds import parse_toml
from diagnose.errors import DiagnoseError, UsageError, nearest
from diagnose.recipes.fields import FIELDS
from diagnose.values import NOT_STATED, Recipe, Setting

LONGEST = 65_536
"""Longest recipe in characters: a longer file is not a recipe."""

HEADER = ("title", "source", "sources")


def parse(text: str, name: str, where: str) -> Recipe:
    """Read a recipe; `where` names its file in errors.

    A field that is left out or set to "not stated" is not stated.

    Raises:
        DiagnoseError: the text is not TOML, has an unknown key or a wrong value; the message says in which line.
    """
    if len(text) > LONGEST:
        raise UsageError(
            f"{where} is longer than {LONGEST:,} characters, so it is no recipe.",
            hint="A recipe is a short TOML file, like the built-in recipe `paper`.",
        )
    try:
        table = parse_toml(text)
    except ValueError as error:
        raise UsageError(f"{where} is not TOML: {str(error)[:200]}.") from error
    sources = _header(table, text, where)
    default = table.get("source", "") or where
    settings = tuple(
        setting
        for key, value in table.items()
        if key not in HEADER and (setting := _setting(key, value, sources.get(key, default), text, where))
    )
    return Recipe(name, table.get("title", "") or name, settings)


def _header(table: Mapping[str, Any], text: str, where: str) -> Mapping[str, str]:
    """Return the sources of single fields, the header's types and keys checked."""
    for key in ("title", "source"):
        if not isinstance(table.get(key, ""), str):
            raise _wrong(where, text, key, f"{key} must be a text")
    sources = table.get("sources", {})
    if not isinstance(sources, Mapping) or not all(isinstance(item, str) for item in sources.values()):
        raise _wrong(where, text, "sources", "sources must be a table of texts")
    for key in sources:
        if key not in FIELDS:
            raise _unknown(where, text, key, tuple(FIELDS))
    return sources


def _setting(key: str, value: Any, source: str, text: str, where: str) -> Setting | None:
    if key not in FIELDS:
        raise _unknown(where, text, key, (*FIELDS, *HEADER))
    if value == str(NOT_STATED):
        return None
    try:
        return Setting(key, FIELDS[key].read(value), source)
    except ValueError as error:
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}…"
        raise _wrong(where, text, key, f"{key} is {shown}, expected {error}") from error


def _unknown(where: str, text: str, key: str, known: tuple[str, ...]) -> DiagnoseError:
    hint = nearest(key, known) or f"Known are {', '.join(FIELDS)}."
    return _wrong(where, text, key, f"there is no field {key!r}", hint)


def _wrong(where: str, text: str, key: str, what: str, hint: str = "") -> DiagnoseError:
    line = line_of(text, key)
    return UsageError(f"{where}{f', line {line}' if line else ''}: {what}.", hint=hint)


def line_of(text: str, key: str) -> int | None:
    """Return the line that sets a key, counted from 1, or None where it cannot be found.

    A line within a text of several lines may look the same, so the lines before it must be TOML on their own.
    """
    lines = text.splitlines()
    looks = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    for number, line in enumerate(lines):
        if looks.match(line):
            try:
                tomllib.loads("\n".join(lines[:number]) + "\n")
            except ValueError:
                continue
            return number + 1
    return None
