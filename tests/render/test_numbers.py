import math

import pytest

from diagnose.render.numbers import cell_text, column_texts, number


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        (5_274_954, "5,274,954"),
        (5_274_954.0, "5,274,954"),
        (-3, "−3"),
        (0.0417, "0.0417"),
        (12345.678, "12,345.7"),
        (1e-7, "1e-07"),
        (-0.0, "0"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "nan"),
        (True, "yes"),
        (10**20, "100,000,000,000,000,000,000"),
    ],
)
def test_a_number_is_drawn_for_people(value: float, drawn: str) -> None:
    assert number(value) == drawn


def test_a_change_has_its_sign() -> None:
    assert [number(value, signed=True) for value in (368_640, -0.5, 0)] == ["+368,640", "−0.5", "0"]


def test_the_decimal_points_of_a_column_align() -> None:
    assert column_texts([1.5, 92.25, 100.0, 3, None, "n/a"]) == ["1.50", "92.25", "100.00", "3", "", "n/a"]


def test_a_text_cell_is_made_visible() -> None:
    assert cell_text("a\x1b") == r"a\x1b"
