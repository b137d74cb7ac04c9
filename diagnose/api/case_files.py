"""The files around a case: a template to begin with, and a report that was written before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnose.api.drawable import Drawable
from diagnose.values import Item, Section, Table


@dataclass(frozen=True, repr=False, eq=False)
class WrittenReport(Drawable):
    """A report that was written as JSON before; drawing it measures nothing."""

    def rows(self) -> list[dict[str, Any]]:
        """Return the report's first table, one dictionary per row, by its column titles; none where it has no table."""
        table = next(_tables(self.report.sections), None)
        if table is None:
            return []
        titles = [column.title for column in table.columns]
        return [dict(zip(titles, row, strict=True)) for row in table.rows]


def read_report(path: str | Path) -> WrittenReport:
    """Read a report that was written as JSON, to draw it in another format.

    Raises:
        UsageError: the file cannot be read.
        CannotRun: it holds no report.

    Examples:
        >>> import pathlib, tempfile
        >>> import diagnose
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "count.json"
        ...     diagnose.count_parameters("torch.nn:Linear(in_features=4, out_features=2)").save(path)
        ...     written = read_report(path)
        >>> written.data["total"]
        10
    """
    from diagnose.files import read_text
    from diagnose.render.as_json import LONGEST, parse

    return WrittenReport(parse(read_text(Path(path), "report", most=LONGEST)))


def case_template() -> str:
    """Return a commented case file (TOML) to begin with.

    Examples:
        >>> import tomllib
        >>> sorted(tomllib.loads(case_template()))[:2]
        ['claim', 'models']
    """
    from diagnose.case.case import template

    return template()


def _tables(items: Sequence[Item]) -> Iterator[Table]:
    """Yield the tables of sections, in order, from the top to the deepest."""
    for item in items:
        if isinstance(item, Table):
            yield item
        elif isinstance(item, Section):
            yield from _tables(item.items)
