import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.render.html import render
from diagnose.render.text import visible
from diagnose.values import Report

VOID = {"meta", "link", "br", "hr", "img", "input", "col"}


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


PROBE = """<!doctype html>
<iframe id=f src=report.html style="width:390px;height:800px;border:0"></iframe><output></output>
<script>
f.onload = () => {
  const page = f.contentWindow, root = page.document.documentElement
  const loads = page.performance.getEntriesByType("resource").length
  document.querySelector("output").textContent =
    `${root.clientWidth} wide, ${root.scrollWidth} with content, ran ${page.ran}, ${loads} loads`
}
</script>
"""
"""A frame as wide as a phone, which a window without a head cannot be, and what its page did."""

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars "
    "--enable-logging=stderr --dump-dom"
)
CHROMIUM = shutil.which("chromium")
Opened = Callable[[str], tuple[str, list[str], set[str]]]
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH to open the page with")


class Folder(SimpleHTTPRequestHandler):
    """Serves the page and its probe, and remembers what else was asked for."""

    asked: ClassVar[list[str]] = []

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.asked.append(self.path)

    def log_error(self, *_: object) -> None:
        pass


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Open a page in a browser: what the probe saw, the lines of the console, and what was loaded."""
    Folder.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Folder, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()

    def opened(html: str) -> tuple[str, list[str], set[str]]:
        (tmp_path / "report.html").write_text(html, encoding="utf-8")
        (tmp_path / "probe.html").write_text(PROBE, encoding="utf-8")
        command = [CHROMIUM or "", *FLAGS.split(), "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        done = subprocess.run(
            [*command, f"--user-data-dir={tmp_path / 'profile'}", f"http://127.0.0.1:{server.server_port}/probe.html"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        seen = re.search("<output>(.*?)</output>", done.stdout, re.DOTALL)
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return seen[1] if seen else "", console, set(Folder.asked) - {"/probe.html", "/report.html", "/favicon.ico"}

    yield opened
    server.shutdown()
    server.server_close()
    thread.join()


@in_a_browser
def test_a_browser_runs_and_loads_nothing_of_a_hostile_report(everything_hostile: Report, opened: Opened) -> None:
    seen, console, asked = opened(render(everything_hostile))
    assert seen == "390 wide, 390 with content, ran undefined, 0 loads"
    assert console == []
    assert asked == set()


@in_a_browser
def test_the_probe_would_see_a_script_a_load_and_an_overflow(opened: Opened) -> None:
    html = "<p style='width:800px'><img src=missing.png><script>window.ran = 1; console.error('ran')</script>"
    seen, console, asked = opened(html)
    assert seen.endswith("ran 1, 1 loads")
    assert int(seen.split()[2]) > 390
    assert any("ran" in line for line in console)
    assert asked == {"/missing.png"}
