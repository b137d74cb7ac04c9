"""The JSON Schema that ships: it is that of the values, accepts every report, and refuses what is none."""

import copy
import json

import pytest
from jsonschema import Draft202012Validator

from diagnose.render import render
from diagnose.render.as_json.schema import report_schema, shipped
from diagnose.values import Bar, Bars, Prose, Report, Section

VALIDATOR = Draft202012Validator(shipped())


def test_it_is_a_schema_and_that_of_the_values():
    Draft202012Validator.check_schema(shipped())
    assert shipped() == report_schema(), (
        "run `python -m diagnose.render.as_json.schema > diagnose/render/report.schema.json`"
    )


def test_a_report_fits(params_report):
    VALIDATOR.validate(json.loads(render(params_report, "json")))


def test_numbers_that_json_lacks_fit():
    figure = Bars("a", "b", (Bar("c", float("nan")), Bar("d", float("-inf"))))
    report = Report("diagnose.params/1", "t", {}, (Section("", (Prose("a"), figure)),), data={"x": float("inf")})
    VALIDATOR.validate(json.loads(render(report, "json")))


def _without_title(report):
    del report["title"]


def _wrong_tone(report):
    report["sections"][0]["items"][0]["tone"] = "loud"


def _unknown_item(report):
    report["sections"][0]["items"][0]["item"] = "picture"


def _wrong_verdict(report):
    report["findings"][0]["verdict"] = "bug"


@pytest.mark.parametrize("spoil", [_without_title, _wrong_tone, _unknown_item, _wrong_verdict])
def test_what_is_no_report_does_not_fit(params_report, spoil):
    report = json.loads(render(params_report, "json"))
    spoiled = copy.deepcopy(report)
    spoil(spoiled)
    assert VALIDATOR.is_valid(report)
    assert not VALIDATOR.is_valid(spoiled)
