"""The JSON Schema of a report, made from the values' own annotations.

python -m diagnose.render.as_json.schema > diagnose/render/report.schema.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from importlib.resources import files
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from diagnose.render.as_json.decode import KINDS
from diagnose.values import Effect, Report, Trial

_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    # What JSON has no number for is written as an object.
    float: {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/NotFinite"}]},
    NoneType: {"type": "null"},
    Any: {},
}
_NOT_FINITE = {
    "type": "object",
    "properties": {"$float": {"enum": ["nan", "inf", "-inf"]}},
    "required": ["$float"],
    "additionalProperties": False,
}


def shipped() -> dict[str, Any]:
    """Return the schema that ships with the package."""
    text = (files("diagnose.render") / "report.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def report_schema() -> dict[str, Any]:
    """Return the schema made anew from the values. Unknown keys are allowed: keys are only ever added."""
    definitions: dict[str, Any] = {"NotFinite": _NOT_FINITE}
    reference = _of(Report, definitions)
    definitions["ProbeData"] = _probe_data(definitions)
    probe = {"properties": {"schema": {"pattern": "^diagnose[.]probe/"}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A report of diagnose",
        **reference,
        "if": probe,
        "then": {"properties": {"data": {"$ref": "#/$defs/ProbeData"}}},
        "$defs": dict(sorted(definitions.items())),
    }


def _probe_data(definitions: dict[str, Any]) -> dict[str, Any]:
    """Return what the `data` of a probe hold.

    A trial's numerics stand beside its other keys; an effect leads `from` one setting `to` another; what ended a trial
    and the doubts of an effect are given in words.
    """
    trial, effect = _of(Trial, definitions), _of(Effect, definitions)
    text, ends = {"type": "string"}, definitions["Effect"]["properties"]
    numerics = definitions.pop("Numerics", {"properties": {}})["properties"]
    changed = {"type": "object", "additionalProperties": text}
    _replace("Trial", definitions, numerics=numerics, end={"status": text}, changed={"changed": changed})
    words = {"role": {}, "doubts": {"note": text}, "cautions": {"caution": text}}
    _replace("Effect", definitions, start={"from": ends["start"]}, end={"to": ends["end"]}, **words)
    for inner in ("Doubt", "TrialEnd"):
        del definitions[inner]
    lists = {"trials": trial, "effects": effect, "controls": {"type": "object"}}
    return {
        "type": "object",
        "properties": {
            "plan": {"type": "object"},
            **{name: {"type": "array", "items": items} for name, items in lists.items()},
            "images_per_second": {"type": ["number", "null"]},
        },
        "required": ["plan", *lists, "images_per_second"],
    }


def _replace(name: str, definitions: dict[str, Any], **properties: dict[str, Any]) -> None:
    """Put other properties in the place of some of an object's own."""
    definition = definitions[name]
    new: dict[str, Any] = {}
    for key, value in definition["properties"].items():
        new |= properties.get(key, {key: value})
    required = [inner for key in definition["required"] for inner in properties.get(key, (key,))]
    definitions[name] = definition | {"properties": new, "required": required}


def _of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin = get_origin(kind)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if origin is UnionType:
        return {"anyOf": [_of(member_kind, definitions) for member_kind in get_args(kind)]}
    if origin is tuple:
        return _array(get_args(kind), definitions)
    if origin is Literal:
        return {"enum": list(get_args(kind))}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(get_args(kind)[1], definitions)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if is_dataclass(kind):
        return _object(kind, definitions)
    raise TypeError(f"a report holds {kind}, which has no schema")


def _array(kinds: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    if kinds[-1] is Ellipsis:
        return {"type": "array", "items": _of(kinds[0], definitions)}
    entries = [_of(member_kind, definitions) for member_kind in kinds]
    return {"type": "array", "prefixItems": entries, "minItems": len(entries), "maxItems": len(entries)}


def _object(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    if name not in definitions:
        definitions[name] = {}  # a section may hold sections
        hints = get_type_hints(kind)
        tag = next((tag for tag, tagged in KINDS.items() if tagged is kind), None)
        tagged = {"item": {"const": tag}} if tag else {}
        needed = [
            member_kind.name
            for member_kind in fields(kind)
            if member_kind.default is MISSING and member_kind.default_factory is MISSING
        ]
        properties = {member_kind.name: _of(hints[member_kind.name], definitions) for member_kind in fields(kind)}
        definitions[name] = {"type": "object", "properties": tagged | properties, "required": [*tagged, *needed]}
    return {"$ref": f"#/$defs/{name}"}


if __name__ == "__main__":
    print(json.dumps(report_schema(), indent=1))
