"""Numbers of hundreds of digits, wherever a user or somebody else's file may write one."""

import json

import pytest

from diagnose.bounds import parse_json, parse_toml, unbounded, whole
from diagnose.case import case
from diagnose.errors import DiagnoseError, UsageError
from diagnose.networks.inputs import parse_input
from diagnose.networks.model_text import parse as parse_model
from diagnose.params.reported import other_precisions, parse_reported
from diagnose.probe.data.synthetic import synthetic
from diagnose.probe.plan.limits import check_counts
from diagnose.recipes.toml import parse as parse_recipe
from diagnose.render import as_json

LONG = ["9" * 400, "9" * 5_000, "-" + "9" * 400, "0x" + "f" * 4_000]


def refused(read, text):
    with pytest.raises(DiagnoseError) as caught:
        read(text)
    assert isinstance(caught.value, UsageError)
    assert len(caught.value.message) < 600
    assert "set_int_max_str_digits" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("number", [*LONG, str(2**63), "1e999", "-1e999", "1e999j"])
@pytest.mark.parametrize("form", ["torch(depth={})", "torch(a=[1, {{'b': ({},)}}])", "torch(a={{{}: 1}})"])
def test_a_model_takes_no_number_beyond_64_bits(form, number):
    refused(parse_model, form.format(number))


def test_a_model_takes_every_number_of_64_bits():
    text = f"torch(a={2**63 - 1}, b={-(2**63) + 1}, c=1e308)"
    assert dict(parse_model(text).kwargs) == {"a": 2**63 - 1, "b": -(2**63) + 1, "c": 1e308}


@pytest.mark.parametrize("number", [*LONG, "1e99", f"0.{'0' * 400}1", f"{'9' * 400}M", "9.3e18"])
def test_a_reported_number_is_bounded(number):
    refused(parse_reported, number)


def test_a_reported_number_as_long_as_may_be_has_other_precisions():
    reported = parse_reported("1." + "1" * 25 + "M")
    assert [len(reading.text) for reading in other_precisions(reported)] == [27, 29]


@pytest.mark.parametrize("shape", ["9" * 400, f"1x{'9' * 5_000}", "x".join(["1"] * 100), "x".join(["999999999"] * 3)])
def test_an_input_is_bounded(shape):
    refused(parse_input, shape)


@pytest.mark.parametrize("number", LONG)
@pytest.mark.parametrize(
    "form",
    ["epochs = {}", "seed = {}", "momentum = {}", "schedule = {{ kind = 'step', milestones = [1, {}] }}",
     "schedule = {{ kind = 'one-cycle', peak = {} }}", "normalisation = {{ mean = [{}], std = [1] }}", "title = {}"],
)  # fmt: skip
def test_a_recipe_holds_no_number_beyond_64_bits(form, number):
    assert "64 bits" in refused(lambda text: parse_recipe(text, "mine", "mine.toml"), form.format(number))


@pytest.mark.parametrize("number", LONG)
def test_a_case_holds_no_number_beyond_64_bits(number):
    text = f'title = "a"\nsummary = "b"\n[[claim]]\nkind = "degree"\nsays = "c"\ndegree = {number}\n'
    assert "64 bits" in refused(lambda text: case.parse(text, "mine", "mine.toml"), text)


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5_000, "1e999", "[" * 100_000])
def test_a_report_holds_no_endless_number(number):
    text = f'{{"schema": "diagnose.params/1", "title": "", "data": {{"total": {number}}}}}'
    with pytest.raises(DiagnoseError, match="not a report"):
        as_json.parse(text)


def test_json_keeps_whole_numbers_beyond_64_bits():
    assert parse_json(str(10**30)) == 10**30


def test_toml_keeps_its_own_infinities():
    assert parse_toml("a = inf\nb = 9223372036854775807\nc = true") == {"a": float("inf"), "b": 2**63 - 1, "c": True}


@pytest.mark.parametrize("text", ["", "0", "11", "9" * 5_000, "٣", "²", "1.0", "-1", " 1"])
def test_no_other_text_is_a_whole_number(text):
    assert whole(text, 1, 10) is None
    assert whole("10", 1, 10) == 10


@pytest.mark.parametrize("count", ["9" * 400, "9" * 5_000, "99", "1000001"])
def test_no_endless_number_of_images_is_generated(count):
    refused(synthetic, count)


def test_plain_data_without_large_numbers_is_bounded():
    assert unbounded({"a": [1, (2.0, {"b": True})], 3: {4, 5}, "c": "9" * 400}) == ""


@pytest.mark.parametrize(("cores", "most"), [(1, 16), (2, 16), (64, 512), (1_000, 1_024), (None, 1_024)])
def test_threads_are_bounded_by_the_cores(cores, most):
    check_counts({"threads": most}, cores=cores)
    with pytest.raises(DiagnoseError, match=f"threads must be from 1 to {most:,}"):
        check_counts({"threads": most + 1}, cores=cores)


def test_a_report_with_an_endless_indent_is_refused():
    row = {"depth": 10**12, "a": "x", "b": None}
    tree = {"item": "tree", "title": "", "a": "", "b": "", "rows": [row]}
    report = {"schema": "s", "title": "", "data": {}, "sections": [{"item": "section", "title": "", "items": [tree]}]}
    with pytest.raises(DiagnoseError, match="depth"):
        as_json.parse(json.dumps(report | {"environment": {}}))
