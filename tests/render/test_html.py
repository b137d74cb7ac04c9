import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.render.html import render
from diagnose.render.text import visible
from diagnose.values import Report

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Reads a page and checks that its elements nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_loads_nothing_and_runs_nothing(params_report: Report) -> None:
    html = render(params_report)
    css = html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" in html
    assert "url(" not in css
    assert "@import" not in css
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.elements}
    assert not [
        name for _, attributes in page.elements for name in attributes if name.startswith("on") or name == "style"
    ]
    assert {a["href"] for tag, a in page.elements if tag == "a"} == {"#report", *(f"#section-{i}" for i in range(1, 5))}


def test_tables_are_tables_and_figures_have_text(params_report: Report) -> None:
    page = Page(render(params_report))
    assert all(attributes.get("scope") for tag, attributes in page.elements if tag == "th")
    drawings = [attributes for tag, attributes in page.elements if tag == "svg" and "role" in attributes]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(drawings) == 3 * 2 + 1
    assert len(ids) == len(set(ids))
    assert all({d["aria-labelledby"], d["aria-describedby"]} <= set(ids) for d in drawings)
    assert "first 1×1 convolution, ×6 blocks: +368,640, 5,643,594" in "".join(page.words)


def test_hostile_text_is_inert_and_visible(hostile_report: Report) -> None:
    html = render(hostile_report)
    html.encode()
    page = Page(html)
    own = Page(render(Report("s", "t", {}, ())))
    assert not {"script", "img", "b", "textarea"} & {tag for tag, _ in page.elements}
    assert sum(tag == "style" for tag, _ in page.elements) == sum(tag == "style" for tag, _ in own.elements) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert visible(hostile_report.title) in "".join(page.words)
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2028]", html) is None


@settings(deadline=None)
@given(data=st.data())
def test_any_report_is_drawn(data: st.DataObject, reports: st.SearchStrategy[Report]) -> None:
    html = render(data.draw(reports))
    html.encode()
    Page(html)


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_words_have_enough_contrast_in_every_scheme(params_report: Report) -> None:
    """WCAG 2.2, 1.4.3: 4.5 : 1 for text."""
    schemes = re.findall(r":root \{(.*?)\}", render(params_report), re.DOTALL)
    assert len(schemes) == 3  # light, dark, print
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", scheme))
        for ink in ("ink", "quiet", "accent", "mark", "good", "bad", "caution"):
            for ground in ("page", "raised"):
                light, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr"
)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH to open the page with")
def test_a_browser_runs_nothing_of_a_hostile_report(everything_hostile: Report, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    # The frame is as wide as a phone, which a headless window cannot be, and tells how far its content reaches.
    page.write_text(render(everything_hostile), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(
        "<!doctype html><iframe id=f src=report.html style='width:390px;height:800px;border:0'></iframe><output></output>"
        "<script>f.onload = () => { const root = f.contentDocument.documentElement;"
        "document.querySelector('output').textContent = "
        "`inner ${root.clientWidth} content ${root.scrollWidth} ran ${f.contentWindow.ran}`"
        " + ` loads ${f.contentWindow.performance.getEntriesByType('resource').length}` }</script>"
    )
    command = [
        CHROMIUM or "",
        *FLAGS.split(),
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--allow-file-access-from-files",
        "--dump-dom",
    ]
    done = subprocess.run(
        [*command, f"--user-data-dir={tmp_path / 'profile'}", frame.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "<output>inner 390 content 390 ran undefined loads 0</output>" in done.stdout
    assert "CONSOLE" not in done.stderr
