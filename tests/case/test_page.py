"""The page of a case in a browser whose network is off: for eye, keyboard, screen reader and printer."""

from itertools import pairwise
from pathlib import Path

import pytest

from diagnose.case.case import parse
from diagnose.case.report import case_report
from diagnose.render import render
from diagnose.values import Column, JudgedClaim, Prose, Ruling, Table

PAGE = Path(__file__).parents[2] / "reports" / "pinets-table5" / "index.html"
CLAIMS = 11

HOSTILE = (
    "<script>window.ran = 1; console.error('ran')</script>",
    "<img src=x onerror=\"window.ran = 1; console.error('ran')\">",
    "</style></title><svg onload='window.ran = 1'>",
    "[bold red]loud[/] [link=https://example.org]link[/link]",
    "a|b `code` **bold** [x](javascript:alert(1))",
    "\x1b[31mred\x07 \x00",
    "abc\u202edcba\u2066x\u200f",
    "word" * 60,
)


def spelled(text):
    """Return a text as TOML's escapes, so that any character can stand in a case file."""
    return "".join(f"\\U{ord(char):08x}" for char in text)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A case whose every word is hostile, judged with hostile evidence, as a page."""
    claim = '[[claim]]\nkind = "recipe"\nsays = "{0}"\nsource = "{0}"\na = "{0}"\nb = "{0}"\nbelief = "same"\n'
    whole = spelled(" ".join(HOSTILE))
    claims = "".join(claim.format(spelled(text)) for text in HOSTILE if text.strip())
    case = parse(f'title = "{whole}"\nsummary = "{whole}"\n{claims}', "hostile", "hostile.toml")
    judged = []
    for number, claim in enumerate(case.claims):
        text = HOSTILE[number]
        table = Table(text, (Column(text, verdict=True), Column(text)), ((text, text),), links=(text,), note=text)
        judged.append(JudgedClaim(claim, list(Ruling)[number % 3], text, (Prose(text, "hint"), table)))
    path = tmp_path_factory.mktemp("page") / "hostile.html"
    path.write_text(render(case_report(case, judged), "html"), "utf-8")
    return path


@pytest.mark.parametrize("width", [1280, 390])
def test_a_hostile_case_runs_nothing_loads_nothing_and_says_nothing(browser, hostile, width):
    browser.open(hostile, width=width)
    assert browser.value("window.ran") is None
    assert browser.said() == []
    assert browser.asked_for() == [hostile.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") == width
    assert browser.value("document.querySelectorAll('main script, main img, main link, main [onload]').length") == 0
    assert "<script>window.ran" in browser.value("document.body.innerText")
    assert "\\u202edcba" in browser.value("document.body.innerText")


def test_this_browser_would_notice(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<img src='https://example.org/x.png'><script>window.ran = 1; console.error('ran')</script>")
    browser.open(path)
    assert browser.value("window.ran") == 1
    assert browser.said() != []
    assert "https://example.org/x.png" in browser.asked_for()


def test_the_keyboard_reaches_every_claim_and_opens_what_is_folded(browser):
    browser.open(PAGE, width=390)
    browser.press("Tab")
    assert browser.value("document.activeElement.textContent") == "Skip to the report"
    browser.press("Enter")
    assert browser.value("document.activeElement.id") == "report"
    browser.value("document.querySelector('.judgements a').focus()")
    browser.press("Enter")
    assert browser.value("location.hash") == "#claim-parameters"
    hidden = "[...document.querySelectorAll('[tabindex=\"-1\"]')].map(each => each.className || each.id)"
    assert set(browser.value(hidden)) == {"report", "anchor"}  # of the latter, each has another link in the contents
    browser.value("document.querySelector('main summary').focus()")
    assert browser.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert browser.value("document.activeElement.parentElement.open") is False
    browser.press("Enter")
    assert browser.value("document.activeElement.parentElement.open") is True


def test_every_link_of_the_page_leads_somewhere(browser):
    browser.open(PAGE)
    links = "[...document.querySelectorAll('a')].map(each => each.getAttribute('href'))"
    targets = browser.value(links)
    assert len([target for target in targets if target.startswith("#claim-")]) >= 2 * CLAIMS
    for target in targets:
        assert browser.value(f"document.querySelectorAll({target!r}).length") == 1, target


@pytest.mark.parametrize("width", [1280, 390])
def test_a_screen_reader_hears_tables_figures_and_their_order(browser, width):
    browser.open(PAGE, width=width)
    nodes = browser.accessible()
    roles = [node["role"] for node in nodes]
    assert [roles.count(role) for role in ("main", "banner", "contentinfo")] == [1, 1, 1]
    headings = [node for node in nodes if node["role"] == "heading"]
    assert [headings[0]["level"], len([h for h in headings if h["level"] == 2])] == [1, CLAIMS]
    steps = [after["level"] - before["level"] for before, after in pairwise(headings)]
    assert max(steps) <= 1  # no level is left out
    claims = [heading["name"].strip() for heading in headings if heading["level"] == 2]
    assert all(claim.startswith(("supported", "refuted", "undetermined")) for claim in claims)
    first = roles.index("table")
    rows = [node for node in nodes[first:] if node["role"] == "row"]
    assert len(rows) > CLAIMS
    claims = [node["name"] for node in nodes if node["role"] == "rowheader"][:CLAIMS]
    assert [claim.partition(".")[0] for claim in claims] == [str(number) for number in range(1, CLAIMS + 1)]
    figures = [node for node in nodes if node["role"] == "image" or node["role"] == "img"]
    assert figures
    assert all(node["name"] and node["description"] for node in figures)


def test_paper_shows_what_is_folded_and_nothing_beyond_its_edge(browser):
    browser.open(PAGE, width=794, media="print")  # A4 at 96 pixels to the inch
    assert browser.value("document.documentElement.scrollWidth") == 794
    hidden = "['nav', '.skip', '.anchor'].every(each => !document.querySelector(each)?.getClientRects().length)"
    assert browser.value(hidden)
    folded = "[...document.querySelectorAll('details.section > :not(summary)')]"
    assert browser.value(f"{folded}.length") > 0
    assert browser.value(f"{folded}.every(each => each.getBoundingClientRect().height > 0)")
    edges = "[...document.querySelectorAll('table')].map(each => each.getBoundingClientRect().right)"
    assert max(browser.value(edges)) <= 794


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_page_is_never_wider_than_its_window(browser, width):
    browser.open(PAGE, width=width)
    assert browser.value("document.documentElement.scrollWidth") == width
    assert browser.said() == []
    assert browser.asked_for() == [PAGE.as_uri()]
