"""Hostile text made inert: the one rule that every format applies to every string before it draws it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import accumulate

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

# Controls (Cc), format characters such as bidi overrides, zero-width marks and tags (Cf), surrogates (Cs), line
# and paragraph separators (Zl, Zp) and code points that are no character (Cn) draw nothing or redraw the rest.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})

# Letters, marks and symbols that are drawn as nothing: combining grapheme joiner, Hangul and Khmer fillers,
# Mongolian and other variation selectors, braille blank. Source: Unicode, Default_Ignorable_Code_Point.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

_PLAIN = re.compile(r"[ -~]*")


def visible(text: str) -> str:
    r"""Spell out every character that hides, reorders or controls, as `\n`, `\x1b`, `\u202e` or `\U000e0001`."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_spelled(char) if is_hidden(char) else char for char in text)


def is_hidden(char: str) -> bool:
    """Say whether a character would draw nothing, or change how its neighbours are drawn."""
    return unicodedata.category(char) in _HIDDEN_CATEGORIES or _BLANK.match(char) is not None


def _spelled(char: str) -> str:
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, letters: int) -> str:
    """Elide visible text in the middle where it is longer than `letters`; a wide character counts as two."""
    sizes = [2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text]
    if sum(sizes) <= letters:
        return text
    half = (letters - 1) // 2
    head = sum(end <= half for end in accumulate(sizes))
    tail = sum(end <= half for end in accumulate(reversed(sizes)))
    return f"{text[:head]}…{text[len(text) - tail :]}"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of prose, visible; `code` runs stood between backticks."""

    text: str
    code: bool = False


def spans(prose: str) -> tuple[Span, ...]:
    """Split prose at its pairs of backticks into plain and code runs; a lone backtick stays what it is."""
    parts = re.split(r"`([^`]+)`", visible(prose))
    return tuple(Span(part, code=bool(i % 2)) for i, part in enumerate(parts) if part)
