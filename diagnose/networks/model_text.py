"""The MODEL grammar: text → `ModelRef`, without importing anything that could be a model."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

from diagnose.bounds import LARGEST, unbounded
from diagnose.errors import DiagnoseError, UsageError, nearest
from diagnose.values import ModelRef

ORIGINS = ("torchvision", "mmpretrain", "timm")
"""The sources that stand before a colon; any other prefix is the user's own file or module."""

LONGEST = 4096
"""Longest MODEL text in characters: a longer one is a mistake, and Python's parser need not survive it."""

MOST_SHOWN = 200
"""Characters of a wrong MODEL text that an error shows."""

FORMS = (
    "Write an alias (torch), source:name(key=value) with the source torchvision, mmpretrain or timm, "
    "path/to/file.py:factory(depth=20) or package.module:Class."
)

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_BARE = re.compile(r"[\w.+-]+")


def parse(text: str) -> ModelRef:
    """Parse a MODEL text.

    Arguments are keywords with Python literals as values; nothing in the text is executed or imported, so whether
    the name exists is found out when the model is built. An alias has the source "alias"; the user's file or module
    has the source "user" and keeps "path/to/file.py:factory" as its name.

    Raises:
        DiagnoseError: the text does not follow the grammar; the message says where (exit code 2).
    """
    stripped = text.strip()
    if not stripped:
        raise _wrong(text, "is empty")
    if "\0" in stripped:
        raise _wrong(text, "holds a null character")
    if len(stripped) > LONGEST:
        raise _wrong(stripped[:40] + "…", f"is longer than {LONGEST} characters")
    target, call = _split_call(stripped)
    source, name = _split_source(stripped, target.strip())
    return ModelRef(text=stripped, source=source, name=name, kwargs=_keywords(stripped, target, call))


def file_of(name: str) -> str | None:
    """Return the file in a user name such as "path/to/file.py:factory", or None where it names a module."""
    path, _, _ = name.rpartition(":")
    return path if path.endswith(".py") else None


def _split_source(text: str, target: str) -> tuple[str, str]:
    prefix, colon, name = target.partition(":")
    if colon and prefix in ORIGINS:
        if not name.strip():
            raise _wrong(text, f"names no model after {prefix}:", f"`diagnose models QUERY` searches {prefix}'s names.")
        return prefix, name.strip()
    place, colon, factory = target.rpartition(":")
    if not colon:
        return "alias", _bare(text, target)
    if not _DOTTED.fullmatch(factory):
        raise _wrong(text, f"has {factory!r} after the colon, which is no Python name", FORMS)
    if place.endswith(".py") or _DOTTED.fullmatch(place):
        return "user", target
    raise _wrong(text, f"has the unknown source {place!r}", nearest(place, ORIGINS) or FORMS)


def _bare(text: str, target: str) -> str:
    if target.endswith(".py"):
        raise _wrong(
            text,
            "names a file but nothing in it",
            f"Write {target}:factory, or mmpretrain:{target} for a config of mmpretrain.",
        )
    if not _BARE.fullmatch(target):
        raise _wrong(text, f"has {target!r} where a name should stand", FORMS)
    return target


def _split_call(text: str) -> tuple[str, ast.Call | None]:
    """Split "name(…)" into the name and its parsed call: the first "(" from which the rest is one call.

    A path may contain parentheses itself, so the first one need not be the call's.
    """
    opening = [index for index, character in enumerate(text) if character == "("]
    if not text.endswith(")") or not opening:
        if opening and not any(text.find(mark, opening[-1]) >= 0 for mark in ("/", ":")):
            raise _wrong(text, f"opens a parenthesis at position {opening[0] + 1} that is not closed at the end")
        return text, None
    first_problem = ""
    for index in opening:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "invalid escape sequence" in a hostile string literal
                node = ast.parse("f" + text[index:], mode="eval").body
        except SyntaxError as error:
            where = index + (error.offset or 1) - 1
            why = error.msg.partition(";")[0]  # what follows is advice on Python's own settings
            first_problem = first_problem or f"cannot be read at position {max(where, 1)}: {why}"
        except (ValueError, RecursionError, MemoryError) as error:
            first_problem = first_problem or f"cannot be read after position {index + 1}: {error}"
        else:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                return text[:index], node
    raise _wrong(text, first_problem or f"has no argument list at position {opening[0] + 1}", FORMS)


def _keywords(text: str, target: str, call: ast.Call | None) -> tuple[tuple[str, Any], ...]:
    if call is None:
        return ()
    if call.args:
        where = len(target) + call.args[0].col_offset
        raise _wrong(text, f"has an argument without a name at position {where}", "Write every argument as key=value.")
    values: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise _wrong(text, "unpacks arguments with **", "Write every argument as key=value.")
        if keyword.arg in values:
            raise _wrong(text, f"gives {keyword.arg!r} twice")
        try:
            values[keyword.arg] = value = ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
            raise _wrong(
                text,
                f"gives {keyword.arg!r} a value that is not a Python literal",
                'Numbers, "strings", True, False, None, [lists], (tuples) and {dicts} are literals.',
            ) from error
        if problem := unbounded(value):
            raise _wrong(text, f"gives {keyword.arg!r} {problem}", f"Whole numbers go to {LARGEST:,}.")
    return tuple(values.items())


def _wrong(text: str, what: str, hint: str = FORMS) -> DiagnoseError:
    shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
    return UsageError(f"The MODEL {shown!r} {what}.", hint=hint)
