import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.errors import DiagnoseError
from diagnose.render import as_json
from diagnose.values import Report


def test_the_envelope_has_its_keys_and_raw_numbers(params_report: Report) -> None:
    envelope = json.loads(as_json.render(params_report))
    assert list(envelope) == ["schema", "title", "environment", "sections", "findings", "skipped", "data"]
    assert envelope["data"]["total"] == 5_274_954
    assert envelope["sections"][1]["items"][1]["item"] == "waterfall"
    assert envelope["sections"][1]["items"][1]["band"] == [5_950_000, 6_050_000]


def test_a_report_comes_back_as_it_was(params_report: Report) -> None:
    assert as_json.parse(as_json.render(params_report)) == params_report


def same(a: Any, b: Any) -> bool:
    """Compare as `==` does, with nan equal to nan, 1 not to 1.0 and 0.0 not to -0.0."""
    return repr(a) == repr(b)


@given(data=st.data())
def test_any_report_comes_back_as_it_was(data: st.DataObject, reports: st.SearchStrategy[Report]) -> None:
    report = data.draw(reports)
    text = as_json.render(report)
    text.encode()
    json.loads(text, parse_constant=lambda token: pytest.fail(f"{token} is not JSON"))
    assert same(as_json.parse(text), report)


def test_hidden_characters_are_escaped_and_others_are_not(params_report: Report) -> None:
    text = as_json.render(replace(params_report, title="1×1\u202e\x1b\x9b\ud800\U000e0041"))
    assert r'"title": "1×1\u202e\u001b\u009b\ud800\udb40\udc41"' in text


def test_what_json_cannot_hold_is_tagged(params_report: Report) -> None:
    data = {"$float": "nan", "loss": math.inf, "rows": [{"$$": -math.inf}]}
    text = as_json.render(replace(params_report, data=data))
    assert '"loss": {"$float": "inf"}' in text
    assert as_json.parse(text).data == data


def test_a_key_that_a_later_version_added_is_left_alone(params_report: Report) -> None:
    envelope = json.loads(as_json.render(params_report)) | {"added": 1}
    assert as_json.parse(json.dumps(envelope)) == params_report


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"schema"', '"scheme"', "it has no 'schema'"),
        ('"tone": "hint"', '"tone": "loud"', "sections[0].items[2].tone should be 'plain' or"),
        ('"item": "waterfall"', '"item": "pie"', "sections[1].items[1].item should be"),
        (
            '"item": "section", "title": "Every',
            '"item": "table", "title": "Every',
            "sections[4].item should be 'section'",
        ),
        ('"band": [5950000, 6050000]', '"band": [5950000]', "sections[1].items[1].band should have 2 entries"),
        ('"start": 5274954', '"start": "5M"', "sections[1].items[1].start should be a number and is '5M'"),
        ('"start": 5274954', '"start": true', "sections[1].items[1].start should be a number and is True"),
        ('"start": 5274954', '"start": NaN', "NaN is not JSON"),
        ('"verdict": "undetermined", "where"', '"verdict": "maybe", "where"', "findings[0].verdict should be"),
        ('"count": 6', '"count": 6,,', "Expecting property name"),
    ],
)
def test_bad_input_says_where(old: str, new: str, said: str, params_report: Report) -> None:
    text = " ".join(as_json.render(params_report).split())
    broken = text.replace("{ ", "{").replace("[ ", "[").replace(" ]", "]").replace(old, new, 1)
    with pytest.raises(DiagnoseError, match="not a report of diagnose") as error:
        as_json.parse(broken)
    assert said in error.value.message


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, '{"$float": "nan"}', "1" * 5_000])
def test_what_is_no_report_at_all_is_an_error_too(text: str) -> None:
    with pytest.raises(DiagnoseError, match="not a report of diagnose"):
        as_json.parse(text)


def test_data_that_is_not_json_is_our_own_mistake(params_report: Report) -> None:
    with pytest.raises(TypeError, match="set"):
        as_json.render(replace(params_report, data={"rows": {1, 2}}))
    with pytest.raises(TypeError, match="not a string"):
        as_json.render(replace(params_report, data={"rows": {1: 2}}))
