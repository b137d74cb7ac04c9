"""A report as JSON, and back: raw numbers, tagged items, and no token that is not JSON.

A float that JSON cannot hold is the object `{"$float": "nan"}` (or "inf", "-inf"); a key of `data` that itself
begins with "$" gets a second one. Tuples in `data` come back as lists.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from diagnose.bounds import parse_json
from diagnose.errors import CannotRun
from diagnose.render.as_json.decode import KINDS, WrongJson, decoded
from diagnose.render.text import is_hidden
from diagnose.values import Report

_TAGS = {kind: tag for tag, kind in KINDS.items()}
_LINE = 120
_NOT_ASCII = re.compile(r"[^ -~\n]")


def render(report: Report) -> str:
    """Return the report as JSON that `parse` reads back; hidden characters are spelled as escapes."""
    text = _laid_out(_encoded(report))
    return _NOT_ASCII.sub(lambda match: _escaped(match[0]) if is_hidden(match[0]) else match[0], text) + "\n"


def parse(text: str) -> Report:
    """Read a report back. Raises `DiagnoseError` that says where the text is not one; unknown keys are left alone."""
    try:
        envelope = parse_json(text, parse_constant=_refused)
        return decoded(_floats_restored(envelope), Report)
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except (WrongJson, ValueError) as error:
        problem = str(error)
    raise CannotRun(f"This is not a report of diagnose: {problem}.", hint="A report is what the format json writes.")


def _encoded(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        tag = {"item": _TAGS[type(value)]} if type(value) in _TAGS else {}
        return tag | {field.name: _encoded(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): _encoded(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_encoded(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a report holds a {type(value).__name__}, which JSON cannot")


def _laid_out(value: Any, indent: str = "") -> str:
    """Write JSON with what fits a line on one line, so that a table's row is a line of a diff."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list) or len(indent) + len(line) <= _LINE:
        return line
    deeper = indent + "  "
    if isinstance(value, list):
        entries = [_laid_out(item, deeper) for item in value]
        brackets = "[]"
    else:
        entries = [f"{json.dumps(key, ensure_ascii=False)}: {_laid_out(item, deeper)}" for key, item in value.items()]
        brackets = "{}"
    return f"{brackets[0]}\n{deeper}" + f",\n{deeper}".join(entries) + f"\n{indent}{brackets[1]}"


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a report holds the key {key!r}, which is not a string")
    return f"${key}" if key.startswith("$") else key


def _floats_restored(value: Any) -> Any:
    """Undo what `_encoded` does to floats and keys."""
    if isinstance(value, list):
        return [_floats_restored(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$float"} and value["$float"] in ("nan", "inf", "-inf"):
        return float(value["$float"])
    return {key[1:] if key.startswith("$$") else key: _floats_restored(item) for key, item in value.items()}


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > 0x9F else f"\\u{ord(char):04x}"


def _refused(token: str) -> float:
    raise ValueError(f"{token} is not JSON")
