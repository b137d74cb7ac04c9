import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from diagnose.render.markdown import escaped, render
from diagnose.render.text import visible
from diagnose.values import Column, Report, Section, Table

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
COMMENT = "<!-- -->"
OURS = set(
    "h2 h3 h4 p strong em pre code ul li blockquote table thead tbody tr th td details summary sub".split()  # noqa: SIM905
)


def cell_in_html(text: str) -> str:
    table = Table("", (Column("name"), Column("after")), ((text, "after"),))
    html = GITHUB.render(render(Report("s", "t", {}, (Section("", (table,)),))))
    body = html.split("<tbody>")[1]
    return body.split("<td>")[1].split("</td>")[0].replace(COMMENT, "")


def test_a_report_fits_an_issue(params_report: Report) -> None:
    text = render(params_report)
    assert text.startswith("## Parameters of prodpoly\n\n**prodpoly has 5,274,954 parameters")
    assert "| **two 1×1 convolutions per block on the second-order path** | **2** | **6,012,234** |" in text
    assert "<details>\n<summary>Every tensor</summary>\n\n| tensor |" in text
    assert len(text) < 65_536


def test_every_row_of_a_table_has_every_cell(everything_hostile: Report) -> None:
    html = GITHUB.render(render(everything_hostile))
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert {len(re.findall(r"<t[dh]", row)) for row in rows} == {2, 4}


def test_hostile_text_is_inert_and_visible(hostile_report: Report) -> None:
    text = render(hostile_report)
    text.encode()
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]", text) is None
    html = GITHUB.render(text)
    assert set(re.findall(r"</?([a-z][a-z0-9]*)", html)) <= OURS
    assert "<a " not in html
    assert "<em>" not in html


def test_nothing_mentions_or_links() -> None:
    text = escaped("@someone org/repo#1 GH-2 https://example.org www.example.org mailto:a@example.org")
    assert "@someone" not in text
    assert "#1" not in text
    assert "GH-2" not in text
    assert not re.search(r"https?://|www\.|mailto:a", text)


@pytest.mark.parametrize("text", ["layer1.0.conv_1.weight", "5.95–6.05M (rounded)", "a-b + c", "1. x"])
def test_plain_names_stay_readable(text: str) -> None:
    assert escaped(text) == text


@given(
    st.text(st.characters(categories=None, exclude_categories=()), max_size=30)
    | st.text("|`*_\\<>&~[]()!#@:$- a1", max_size=20)
)
def test_a_cell_shows_exactly_its_text(text: str) -> None:
    html = cell_in_html(text)
    assert "<" not in html
    assert unescape(html).split() == visible(text).split()


@given(data=st.data())
def test_any_report_is_drawn(data: st.DataObject, reports: st.SearchStrategy[Report]) -> None:
    render(data.draw(reports)).encode()
