"""Where `diagnose report` writes: a folder with a page, Markdown and JSON, or one file."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from diagnose.cli.common.options import Format
from diagnose.cli.common.output import STDOUT, write_file
from diagnose.errors import UsageError
from diagnose.files import cannot_write, check_folder, check_writable
from diagnose.values import Report

PAGES = {Format.HTML: "index.html", Format.MARKDOWN: "report.md", Format.JSON: "report.json"}
ONE_FILE = (".html", ".htm", ".md", ".json")

_LIKE_A_FILE = re.compile(r"\.[A-Za-z]\w{0,4}")


def write_pages(report: Report, folder: Path) -> None:
    """Write the page, the Markdown and the JSON, each all at once or not at all."""
    from diagnose.render import render

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    for form, name in PAGES.items():
        write_file(folder / name, render(report, form.value))


def is_one_file(output: Path) -> bool:
    """Say whether --output is one file and not a folder for the pages.

    Raises:
        DiagnoseError: it looks like a file, but of no format that a report has (exit code 2).
    """
    kind = _kind(output)
    if kind == stat.S_IFDIR:
        return False
    if str(output) in STDOUT or output.suffix.lower() in ONE_FILE or kind not in (0, stat.S_IFREG):
        return True  # a device and a pipe are written to as well
    if kind == stat.S_IFREG or _LIKE_A_FILE.fullmatch(output.suffix):
        raise UsageError(
            f"A report is written into a folder, or into one file that ends with {', '.join(ONE_FILE)}; {output} is "
            "neither.",
            hint=f"Write {output.with_suffix('.md')}, or make a folder of that name first.",
        )
    return False


def _kind(path: Path) -> int:
    """Return what kind of file a path is, as `stat` numbers them; 0 where there is nothing."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:  # ValueError of a name with a NUL
        raise cannot_write(path, error) from error


def check_pages(folder: Path) -> None:
    """Refuse a folder, before anything is measured, into which the pages cannot be written."""
    check_folder(folder)
    if folder.is_dir():
        for name in PAGES.values():
            check_writable(folder / name)
