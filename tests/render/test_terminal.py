import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from diagnose.render.terminal import render
from diagnose.render.terminal.terminal_table import breaks, elided, table_lines, wrapped
from diagnose.values import Column, Prose, Report, Section, Table

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def test_the_verdict_stands_first(params_report: Report) -> None:
    title, _, verdict, *_ = render(params_report, width=None, color=False).splitlines()
    assert title == "Parameters of prodpoly"
    assert verdict.startswith("prodpoly has 5,274,954 parameters")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(params_report: Report, width: int) -> None:
    lines = render(params_report, width=width, color=False).splitlines()
    assert [line for line in lines if cell_len(line) > width] == []


def test_nothing_is_left_out_at_120_columns(params_report: Report) -> None:
    assert "Left out" not in render(params_report, width=120, color=False)


def test_what_is_left_out_at_80_columns_is_named(params_report: Report) -> None:
    text = " ".join(render(params_report, width=80, color=False).split())
    assert "Left out at this width: verified, source; a wider terminal or --format json has them" in text
    assert "excluded by" not in text


def test_a_pipe_cuts_nothing() -> None:
    path = "backbone." * 60 + "weight"
    table = Table("", (Column("tensor"), Column("count", numeric=True)), ((path, 9_408),))
    text = render(report_with(table), width=None, color=False)
    assert f"{path}   9,408" in text or f"{path}  9,408" in text
    assert "…" not in text


def test_a_long_path_is_elided_in_the_middle_on_a_terminal() -> None:
    path = "backbone." * 60 + "weight"
    table = Table("", (Column("tensor"), Column("parameters", numeric=True)), ((path, 9_408),))
    line = next(line for line in render(report_with(table), width=80, color=False).splitlines() if "…" in line)
    assert line.startswith("  backbone.")
    assert line.endswith(".weight       9,408")
    assert cell_len(line) == 80


def test_a_name_cannot_look_like_a_marked_row() -> None:
    table = Table("", (Column("tensor"),), (("▸ plain",), ("marked",)), marked=(1,))
    assert [line.plain for line in table_lines(table, 80)][2:] == ["  ▸ plain", "▸ marked"]


def test_columns_that_fit_nowhere_are_named() -> None:
    columns = tuple(Column(f"n{i}", numeric=True) for i in range(9))
    table = Table("", columns, (tuple(10**8 + i for i in range(9)),))
    text = "\n".join(line.plain for line in table_lines(table, 60))
    shown, left_out = text.split("Left out at this width: ")
    assert all(column.title in shown or column.title in left_out for column in columns)
    assert "100,000,000" in shown


def test_marks_and_words_carry_what_colours_do(params_report: Report) -> None:
    plain = render(params_report, width=120, color=False)
    for said in (
        "≠",
        "real: a convolution",
        "? undetermined ×6",
        "! A matching count",
        "→ `diagnose diff",
        "▸ two 1×1",
    ):
        assert said in plain
    coloured = render(params_report, width=120, color=True)
    assert coloured != plain
    assert ANSI.sub("", coloured) == plain


def test_only_colours_that_can_be_read_on_light_and_dark(params_report: Report) -> None:
    codes = {
        code for found in ANSI.findall(render(params_report, width=80, color=True)) for code in found[2:-1].split(";")
    }
    # Reset, bold, dim, underline, red, green, magenta, cyan.
    assert codes <= {"0", "1", "2", "4", "31", "32", "35", "36"}


def test_a_folded_section_is_named_and_says_where_it_is(params_report: Report) -> None:
    text = render(params_report, width=None, color=False)
    assert "▸ Every tensor (a table of 8 rows, 1 paragraph): folded, --format html, markdown or json shows it" in text
    assert "layer4.0.conv1.weight" not in text


def test_hostile_text_is_inert_and_visible(hostile_report: Report) -> None:
    text = render(hostile_report, width=None, color=False)
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2028\u2029]", text) is None
    if "\x1b" in hostile_report.title:
        assert r"\x1b[31mred" in text
    if "[bold" in hostile_report.title:
        assert "[bold red]loud[/] [link=https://example.org]link[/link] :smile:" in text


@given(data=st.data(), width=st.none() | st.integers(80, 130))
def test_any_report_is_drawn(data: st.DataObject, reports: st.SearchStrategy[Report], width: int | None) -> None:
    report = data.draw(reports)
    text = render(report, width=width, color=False)
    text.encode()
    assert [line for line in text.splitlines() if width is not None and cell_len(line) > width] == []
    assert ANSI.sub("", render(report, width=width, color=True)) == text


def report_with(item: Table | Prose) -> Report:
    return Report("diagnose.test/1", "t", {}, (Section("s", (item,)),))


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a bc def", 4, ["a bc", "def"]),
        ("layer1.0.conv1", 9, ["laye…onv1"]),
        ("漢字漢字", 5, ["漢…字"]),
        ("", 5, [""]),
    ],
)
def test_a_cell_breaks_between_words_and_elides_within(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width) == lines


@given(st.text(), st.integers(1, 30))
def test_an_elided_text_fits(text: str, width: int) -> None:
    assert cell_len(elided(text, width)) <= width


def test_prose_breaks_between_words_and_hangs() -> None:
    assert breaks("aa bb cc dd", 5, hang=2, fold=True) == [6, 9]
    assert breaks("abcdefgh", 4, hang=0, fold=True) == [4]
    assert breaks("abcdefgh", 4, hang=0, fold=False) == []
