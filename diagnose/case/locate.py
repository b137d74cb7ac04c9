"""Where a case file sets a key: the line that an error names."""

from __future__ import annotations

import re

Where = tuple[str | int, ...]
"""A path into the file: ("models", "torch"), ("claim", 2, "number"), or ("claim", 2) for the table itself."""

_HEADER = re.compile(r"""\s*\[{1,2}\s*["']?([^\]"']*?)["']?\s*\]{1,2}\s*(?:#|$)""")
# Comments and texts of one line are matched first, so that quotes within them open nothing.
_TOKENS = re.compile(
    r'#[^\n]*|"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
    re.DOTALL,
)


def line_of(text: str, where: Where) -> int | None:
    """Return the line of what `where` names, counted from 1, or of the table that should hold it; None for neither."""
    lines = _TOKENS.sub(_without_lines, text).split("\n")
    starts = [(i, match[1]) for i, line in enumerate(lines) if (match := _HEADER.match(line))]
    indexed = len(where) > 1 and isinstance(where[1], int)
    table, rest = (where[:2], where[2:]) if indexed else (where[:1], where[1:])
    first = _opening(starts, table)
    if first is not None and not rest:
        return first + 1
    begin = 0 if first is None or len(where) == 1 else first + 1
    end = next((line for line, _ in starts if line >= begin), len(lines))
    looks = re.compile(rf"""\s*["']?{re.escape(str(where[-1]))}["']?\s*[.=]""")
    found = next((i for i in range(begin, end) if looks.match(lines[i])), first)
    return None if found is None else found + 1


def _opening(starts: list[tuple[int, str]], table: Where) -> int | None:
    """Return the line that opens a table; of an array of tables, the one of its number."""
    named = [line for line, name in starts if name == table[0]]
    index = table[1] if len(table) > 1 and isinstance(table[1], int) else 0
    return named[index] if index < len(named) else None


def _without_lines(match: re.Match[str]) -> str:
    """Empty a text of several lines, and keep as many lines."""
    return '""' + "\n" * match[0].count("\n") if match[0][:3] in ('"""', "'''") else match[0]
