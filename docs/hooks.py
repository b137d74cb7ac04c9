"""The site mirrors the repository: the pages at its root, those in docs/, and the files that they link to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)\s:#]+)(?:#[^)]*)?\)")
"""A relative link of Markdown, without its fragment."""


def on_files(files: Files, *, config: Any) -> Files:
    """Put every file where the repository has it, so that one relative link is right in both."""
    pages = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")})
    linked = {path for page in pages for path in _linked(page) if path.suffix != ".md"}
    kept = [
        file for file in files if not file.abs_src_path or not Path(file.abs_src_path).is_relative_to(ROOT / "docs")
    ]
    for path in (*pages, *sorted(linked)):
        kept.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return Files(kept)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Link to a report's own page, where GitHub shows its Markdown."""
    return _with_page(markdown)


def _linked(page: Path) -> list[Path]:
    found = [(page.parent / target).resolve() for target in LINK.findall(_with_page(page.read_text("utf-8")))]
    return [path for path in found if path.is_file() and path.is_relative_to(ROOT)]


def _with_page(markdown: str) -> str:
    return re.sub(r"(reports/[\w-]+/)report\.md\)", r"\1index.html)", markdown)
