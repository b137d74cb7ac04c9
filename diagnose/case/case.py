"""A case file: TOML that states a reproduction's models and what is claimed of them. It holds no ruling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from diagnose import plugins
from diagnose.bounds import parse_toml
from diagnose.case.claims import KINDS
from diagnose.case.keys import Key, json_file, text, truth
from diagnose.case.kind import Kind
from diagnose.case.locate import Where, line_of
from diagnose.errors import DiagnoseError, UsageError, nearest
from diagnose.files import read_text
from diagnose.values import Case, Claim

LONGEST = 65_536
"""Longest case file in characters: a longer one is a mistake."""

_TEMPLATE_HINT = "`diagnose report --init my-case.toml` writes a template."
MOST_CLAIMS = 50
MOST_SHOWN = 60
EXAMPLE = "resnet18-timm"
"""The name of the case in `example.toml`: one of a network that everybody knows."""

_TOP = ("title", "summary", "trials", "models", "claim")
_ANY = (
    Key("kind", text),
    Key("says", text),
    Key("id", text, False),
    Key("source", text, False),
    Key("holds", truth, False),
)
_TRIALS = Key("trials", json_file, False)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_NAME = re.compile(r"[\w][\w .+-]{0,60}")


def load(name: str, *, trusted: bool = False) -> Case:
    """Read a built-in case by its name, or a case file by its path.

    `trusted` lets the models and recipes of a file run that are code; those of a built-in case always may.

    Raises:
        DiagnoseError: there is no such case, or its file is wrong; the message names line and key (exit code 2).
    """
    file = _example() if name == EXAMPLE else plugins.file_of("cases", name)
    if file is not None:
        return _loaded(file, name, trusted=True)
    path = Path(name)
    if path.suffix != ".toml":
        known = built_in()
        hint = nearest(name, tuple(known)) or f"Built in are {', '.join(known)}; else name a .toml file."
        raise UsageError(f"There is no case {name!r}.", hint=hint)
    return _loaded(path, _slug(path.stem), trusted=trusted)


def built_in() -> dict[str, Path]:
    """Return the files of the cases that plugins bring, and of the example, by their names."""
    return plugins.files("cases") | {EXAMPLE: _example()}


def _example() -> Path:
    return Path(str(files("diagnose.case"))) / "example.toml"


def _loaded(path: Path, name: str, *, trusted: bool) -> Case:
    read = parse(read_text(path, "case", most=LONGEST, hint=_TEMPLATE_HINT), name, path.name)
    return replace(read, trusted=trusted, trials=str(path.parent / read.trials) if read.trials else "")


def template() -> str:
    """Return the text of a commented case file to begin with."""
    return (files("diagnose.case") / "template.toml").read_text("utf-8")


def _slug(stem: str) -> str:
    """Return a name that is safe for a folder."""
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:60] or "case"


def parse(content: str, name: str, where: str) -> Case:
    """Parse the text of a case file; `where` names the file in errors.

    Raises:
        DiagnoseError: it is not TOML, or a key is missing, unknown or wrong; the message says in which line.
    """
    return _CaseReader(content, where).case(name)


class _CaseReader:
    """One case file being read; it keeps the text, so that a mistake can be shown where it stands."""

    def __init__(self, content: str, where: str) -> None:
        self._content, self._where = content, where

    def case(self, name: str) -> Case:
        table = self._table()
        for key in table:
            if key not in _TOP:
                self._unknown(key, _TOP, (key,))
        title, summary = (self._value(Key(key, text), table, (key,)) for key in ("title", "summary"))
        trials = self._value(_TRIALS, table, ("trials",)) if "trials" in table else ""
        models = tuple(self._models(table.get("models", {})))
        claims = self._claims(table.get("claim"), dict(models))
        return Case(name, title, " ".join(summary.split()), models, claims, trials=trials)

    def _table(self) -> Mapping[str, Any]:
        if len(self._content) > LONGEST:
            self._wrong(None, f"it is longer than {LONGEST:,} characters, so it is no case file")
        try:
            return parse_toml(self._content)
        except ValueError as error:
            self._wrong(None, f"it is not TOML: {str(error)[:200]}")

    def _models(self, table: Any) -> Iterable[tuple[str, str]]:
        from diagnose.networks.model_text import parse as parse_model

        if not isinstance(table, Mapping):
            self._wrong(("models",), "models must be a table of names and MODEL texts")
        for name in table:
            where = ("models", name)
            if not _NAME.fullmatch(name):
                self._wrong(
                    where, f"{_shown(name)} is no name for a model", "Use letters, digits, spaces, . + - and _."
                )
            model = self._value(Key(name, text), table, where)
            try:
                parse_model(model)
            except DiagnoseError as error:
                self._wrong(where, error.message.rstrip("."), error.hint)
            yield name, model

    def _claims(self, tables: Any, models: Mapping[str, str]) -> tuple[Claim, ...]:
        if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
            self._wrong(("claim",), "a case states its claims as tables that begin with [[claim]]")
        if len(tables) > MOST_CLAIMS:
            self._wrong(None, f"{len(tables)} claims are more than {MOST_CLAIMS}")
        claims = tuple(self._claim(table, index, models) for index, table in enumerate(tables))
        ids = [claim.id for claim in claims]
        for index, claim in enumerate(claims):
            if claim.id in ids[:index]:
                self._wrong(("claim", index, "id"), f"two claims have the id {claim.id!r}")
        return claims

    def _claim(self, table: Mapping[str, Any], index: int, models: Mapping[str, str]) -> Claim:
        kind = self._kind(table, index)
        known = (*_ANY, *kind.keys)
        names = tuple(key.name for key in known)
        for name in table:
            if name not in names:
                self._unknown(name, names, ("claim", index, name), f"a claim of the kind {kind.name!r} has no key")
        values = {
            key.name: self._value(key, table, ("claim", index, key.name))
            for key in known
            if key.required or key.name in table
        }
        for setting in kind.keys:
            if setting.models and setting.name in values:
                self._named(values[setting.name], models, ("claim", index, setting.name))
        identity = values.get("id", f"{index + 1}-{_slug(kind.name)}")
        if not _ID.fullmatch(identity):
            self._wrong(("claim", index, "id"), f"id is {_shown(identity)}, expected small letters, digits and -")
        settings = tuple((key.name, values[key.name]) for key in kind.keys if key.name in values)
        line = line_of(self._content, ("claim", index)) or 0
        return Claim(
            identity, kind.name, values["says"], values.get("source", ""), values.get("holds", True), settings, line
        )

    def _kind(self, table: Mapping[str, Any], index: int) -> Kind:
        name = self._value(_ANY[0], table, ("claim", index, "kind"))
        if name not in KINDS:
            self._unknown(name, tuple(KINDS), ("claim", index, "kind"), "there is no kind of claim")
        return KINDS[name]

    def _named(self, names: str | tuple[str, ...], models: Mapping[str, str], where: Where) -> None:
        """Check that the models a claim is about stand in the file."""
        for name in (names,) if isinstance(names, str) else names:
            if name not in models:
                self._unknown(name, tuple(models), where, "[models] names no")

    def _value(self, key: Key, table: Mapping[str, Any], where: Where) -> Any:
        if key.name not in table:
            self._wrong(where, f"{key.name} is missing")
        try:
            return key.read(table[key.name])
        except ValueError as error:
            self._wrong(where, f"{key.name} is {_shown(table[key.name])}, expected {error}")

    def _unknown(self, word: str, known: tuple[str, ...], where: Where, what: str = "there is no key") -> NoReturn:
        self._wrong(where, f"{what} {_shown(word)}", nearest(word, known) or f"Known are {', '.join(known)}.")

    def _wrong(self, where: Where | None, what: str, hint: str = "") -> NoReturn:
        line = line_of(self._content, where) if where else None
        place = f"{self._where}, line {line}" if line else self._where
        raise UsageError(f"{place}: {what}.", hint=hint) from None


def _shown(value: Any) -> str:
    spelled = repr(value)
    return spelled if len(spelled) <= MOST_SHOWN else f"{spelled[:MOST_SHOWN]}…"
