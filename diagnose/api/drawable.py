"""What every result can do: be printed, shown in a notebook, written, and read as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from diagnose.errors import UsageError
from diagnose.values import Prose, Report, Skipped

SUFFIXES = {".html": "html", ".htm": "html", ".json": "json", ".md": "markdown", ".txt": "terminal"}

FRAME = "width: 100%; height: 36em; border: 1px solid #8884; border-radius: 4px"


@dataclass(frozen=True, repr=False, eq=False)
class Drawable:
    """A result with its report.

    `str(result)` is what the terminal shows, without colour. A notebook shows the page in a frame of its own, so that
    its style stays there and no script can run.
    """

    report: Report

    def __str__(self) -> str:
        return self._drawn("terminal").rstrip("\n")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary}>"

    def _repr_html_(self) -> str:
        return f'<iframe sandbox srcdoc="{escape(self.to_html())}" style="{FRAME}"></iframe>'

    @property
    def summary(self) -> str:
        """Return the answer in a sentence."""
        items = (item for section in self.report.sections for item in section.items if isinstance(item, Prose))
        first = next((item.text for item in items if item.tone == "verdict"), None)
        return self.report.title if first is None else first

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Return what was not measured or tried, each with its reason."""
        return self.report.skipped

    @property
    def data(self) -> Mapping[str, Any]:
        """Return the raw numbers, as they stand in the JSON; keys are only ever added."""
        return self.report.data

    def rows(self) -> list[dict[str, Any]]:
        """Return the main table, one dictionary per row, as `pandas.DataFrame` takes it."""
        raise NotImplementedError

    def to_html(self) -> str:
        """Return a page that needs nothing else."""
        return self._drawn("html")

    def to_json(self) -> str:
        """Return the report as JSON, with whole integers."""
        return self._drawn("json")

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        return self._drawn("markdown")

    def save(self, path: str | Path) -> None:
        """Write the report, all at once or not at all, in the format of the suffix: .html, .json, .md or .txt.

        Raises:
            UsageError: the suffix names no format.
            OSError: the file cannot be written.
        """
        from diagnose.files import replacing

        target = Path(path)
        form = SUFFIXES.get(target.suffix.lower())
        if form is None:
            raise UsageError(f"{target.name} has no suffix of a format.", hint=f"Known are {', '.join(SUFFIXES)}.")
        with replacing(target) as file:
            file.write(self._drawn(form).encode("utf-8", errors="backslashreplace"))

    def _drawn(self, form: str) -> str:
        from diagnose.render import render

        return render(self.report, form)
