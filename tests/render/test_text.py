import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.render.text import Span, spans, visible


@pytest.mark.parametrize(
    ("hidden", "spelled"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("\u202e\u2066\u200b\ufeff", r"\u202e\u2066\u200b\ufeff"),
        ("\ud800", r"\ud800"),
        ("\u2028", r"\u2028"),
        ("\U000e0041", r"\U000e0041"),
        ("\u3164\ufe0f\u2800", r"\u3164\ufe0f\u2800"),
    ],
)
def test_what_hides_is_spelled_out(hidden: str, spelled: str) -> None:
    assert visible(hidden) == spelled


@pytest.mark.parametrize("text", ["layer1.0.conv1", "1×1 → “6.0M”, naïve", "漢字", "שלום", "e\u0301", "12.1 %"])
def test_what_shows_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(st.text(st.characters(categories=None, exclude_categories=())))
def test_nothing_hidden_is_left_and_the_result_can_be_encoded(text: str) -> None:
    shown = visible(text)
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in shown}
    assert visible(shown) == shown
    shown.encode()


def test_pairs_of_backticks_are_code() -> None:
    assert spans("run `a b` now") == (Span("run "), Span("a b", code=True), Span(" now"))
    assert spans("a ` b") == (Span("a ` b"),)
    assert spans("") == ()
