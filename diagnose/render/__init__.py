"""The output formats: each is one module with a pure function from a `Report` to text."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from diagnose.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from diagnose.values import Report

FORMATS: dict[str, str] = {
    "terminal": "diagnose.render.terminal",
    "json": "diagnose.render.as_json",
    "markdown": "diagnose.render.markdown",
    "html": "diagnose.render.html",
}
"""Each format and the module that draws it, imported when the format is asked for. A new one is one line here."""


def render(report: Report, form: str = "terminal", *, width: int | None = None, color: bool = False) -> str:
    """Draw a report in one of `FORMATS`.

    `width` is the terminal's number of columns, None where the output is a pipe or a file; only the terminal
    format reads it and `color`. Raises `DiagnoseError` where no format has that name.
    """
    if form not in FORMATS:
        raise UsageError(
            f"There is no format {form!r}; there are {', '.join(FORMATS)}.",
            hint=nearest(form, tuple(FORMATS)),
        )
    draw = cast("Callable[..., str]", import_module(FORMATS[form]).render)
    return draw(report, width=width, color=color) if form == "terminal" else draw(report)
