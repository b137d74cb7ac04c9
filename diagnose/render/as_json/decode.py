"""Parsed JSON checked against the values' own annotations and turned into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from diagnose.values import AlignedTree, Bars, Curves, Intervals, Prose, Section, Table, Waterfall

KINDS: dict[str, type] = {
    "prose": Prose,
    "table": Table,
    "tree": AlignedTree,
    "bars": Bars,
    "waterfall": Waterfall,
    "curves": Curves,
    "intervals": Intervals,
    "section": Section,
}
"""The items of a section by the tag that names them in JSON."""

_NAMES = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}

T = TypeVar("T")


class WrongJson(Exception):  # noqa: N818 - a word for a sentence: "it is wrong here"
    """Say where in the JSON something is not what it should be."""


def decoded(value: Any, kind: type[T], where: str = "") -> T:
    """Return parsed JSON as a value of `kind`, built by its annotations. Raises `WrongJson` at the first mismatch."""
    result: T = _decoded(value, kind, where)
    return result


def _decoded(value: Any, kind: Any, where: str) -> Any:
    origin = get_origin(kind)
    if origin is UnionType:
        return _union(value, get_args(kind), where)
    if origin is tuple:
        return _tuple(value, get_args(kind), where)
    if origin is Literal:
        return _one_of(value, get_args(kind), where)
    if origin is not None and issubclass(origin, Mapping):
        content = get_args(kind)[1]
        return {key: _decoded(item, content, f"{where}.{key}") for key, item in _expect(value, dict, where).items()}
    if is_dataclass(kind):
        return _dataclass(value, kind, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(_one_of(value, tuple(member.value for member in kind), where))
    return value if kind is Any else _expect(value, kind, where)


def _dataclass(value: Any, kind: Any, where: str) -> Any:
    entries = _expect(value, dict, where)
    if kind in KINDS.values():
        _one_of(entries.get("item"), tuple(tag for tag, tagged in KINDS.items() if tagged is kind), f"{where}.item")
    hints = _hints(kind)
    given = {}
    for field in fields(kind):
        if field.name in entries:
            given[field.name] = _decoded(entries[field.name], hints[field.name], f"{where}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise WrongJson(f"{where[1:] or 'it'} has no {field.name!r}")
    return kind(**given)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _union(value: Any, kinds: tuple[Any, ...], where: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    items = [kind for kind in kinds if kind in KINDS.values()]
    if items:
        tag = _one_of(_expect(value, dict, where).get("item"), tuple(KINDS), f"{where}.item")
        return _dataclass(value, KINDS[tag], where)
    kinds = tuple(kind for kind in kinds if kind is not NoneType)
    if len(kinds) == 1:
        return _decoded(value, kinds[0], where)
    if isinstance(value, tuple(kinds)):
        return value
    raise WrongJson(f"{where[1:]} should be {' or '.join(dict.fromkeys(_NAMES[kind] for kind in kinds))}")


def _tuple(value: Any, kinds: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    entries = _expect(value, list, where)
    if kinds[-1] is Ellipsis:
        return tuple(_decoded(item, kinds[0], f"{where}[{i}]") for i, item in enumerate(entries))
    if len(entries) != len(kinds):
        raise WrongJson(f"{where[1:]} should have {len(kinds)} entries and has {len(entries)}")
    pairs = zip(entries, kinds, strict=True)
    return tuple(_decoded(item, kind, f"{where}[{i}]") for i, (item, kind) in enumerate(pairs))


def _one_of(value: Any, allowed: tuple[Any, ...], where: str) -> Any:
    if isinstance(value, str) and value in allowed:
        return value
    raise WrongJson(f"{where[1:]} should be {' or '.join(map(repr, allowed))} and is {value!r:.60}")


def _expect(value: Any, kind: type, where: str) -> Any:
    # bool is an int in Python and not in JSON; an int is a fine float.
    fits = isinstance(value, kind | int if kind is float else kind) and (kind is bool or not isinstance(value, bool))
    if fits:
        return value
    raise WrongJson(f"{where[1:] or 'it'} should be {_NAMES[kind]} and is {value!r:.60}")
