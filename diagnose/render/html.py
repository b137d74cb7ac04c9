"""A report as one HTML file that loads nothing: style and figures are inside, and its policy forbids the rest."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import count
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from diagnose.render.numbers import table_texts
from diagnose.render.outline import branches, environment_line, outline, tally, times, unit_of
from diagnose.render.signs import MARKS, TONE_MARKS, WORDS
from diagnose.render.svg import drawing
from diagnose.render.text import spans, visible
from diagnose.values import AlignedTree, Item, Prose, Report, Section, Significance, Table

_PLACES = 24
_ANCHOR = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
_RESERVED = ("report", "findings", "skipped", "figure-", "section-")
"""How ids begin that the page has of itself; no anchor may."""

_CONTENTS_FROM = 4
"""A page with this many titled sections gets a list of contents."""


def render(report: Report) -> str:
    """Return the report as a self-contained page."""
    css = (files("diagnose.render") / "templates" / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    order = outline(report)
    rest = anchored(order.rest)
    contents = [(section, anchor) for section, anchor in rest if section.title]
    opening = order.opening.items if order.opening else ()
    ids = count(1)
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            order=order,
            css=Markup(css),
            digest=digest,
            rest=rest,
            contents=contents if len(contents) >= _CONTENTS_FROM else [],
            linked=any(isinstance(item, Table) and item.links for item in opening),
            targets={anchor for _, anchor in contents},
            environment=environment_line(report),
            draw=lambda figure: drawing(figure, f"figure-{next(ids)}"),
        )
    )


def anchored(sections: Sequence[Section]) -> list[tuple[Section, str]]:
    """Return each section with its id on the page, its own anchor where that is fit; one without a title has none."""
    found: list[tuple[Section, str]] = []
    taken: set[str] = set()
    for number, section in enumerate(sections, 1):
        fit = _ANCHOR.fullmatch(section.anchor) and not section.anchor.startswith(_RESERVED)
        name = section.anchor if fit and section.anchor not in taken else f"section-{number}" if section.title else ""
        taken.add(name)
        found.append((section, name))
    return found


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("diagnose.render"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "marks": MARKS,
        "tone_marks": TONE_MARKS,
        "words": WORDS,
        "tally": tally,
        "times": times,
        "unit_of": unit_of,
        "most_places": _PLACES,
    }
    environment.filters |= {"branches": branches, "columns": table_texts, "spans": spans, "kind": kind, "opens": opens}
    return environment


def _finalized(value: Any) -> Any:
    """Make every text that a template writes visible; Jinja escapes it after this."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def opens(section: Section) -> bool:
    """Say whether a folded section begins open: it holds aligned trees with a difference that matters."""
    trees = [item for item in section.items if isinstance(item, AlignedTree)]
    return any(row.verdict not in (None, Significance.COSMETIC) for tree in trees for row in tree.rows)


def kind(item: Item) -> str:
    """Name the macro that draws an item."""
    known = {Prose: "prose", Table: "table", AlignedTree: "tree", Section: "section"}
    return known.get(type(item), "figure")
