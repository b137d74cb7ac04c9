"""The built-in cases, run whole: their verdicts, and the committed report made anew."""

import json
import math
from importlib.util import find_spec
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from diagnose.case import case
from diagnose.case.cache import NoCache
from diagnose.case.report import case_report
from diagnose.case.run import judge_case
from diagnose.render import render
from diagnose.render.as_json.schema import shipped

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "reports" / "pinets-table5"
ISSUE = 65_536
"""Most characters of a GitHub issue."""


def judged(name):
    read = case.load(name)
    judgements, _ = judge_case(read, NoCache())
    return case_report(read, judgements)


def alike(a, b):
    """Compare JSON values, floats within what another processor's order of summation changes."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == b


VERDICTS = {
    "parameters": "supported",
    "missing-parameters": "undetermined",
    "two-implementations": "refuted",
    "cause-of-88": "refuted",
    "norm3": "refuted",
    "second-order": "supported",
    "second-order-with-relu": "refuted",
    "degree-of-the-network": "supported",
    "recipe": "undetermined",
    "accuracy": "undetermined",
    "operations": "supported",
}


@pytest.mark.slow
def test_the_builtin_case_has_its_verdicts_and_is_the_committed_report():
    """One test, since the case is measured once: its verdicts, its formats' limits, and the committed JSON."""
    report = judged("pinets-table5")
    assert {claim["id"]: claim["verdict"] for claim in report.data["claims"]} == VERDICTS
    made = json.loads(render(report, "json"))
    Draft202012Validator(shipped()).validate(made)
    assert len(render(report, "html").encode()) <= 1_000_000
    assert len(render(report, "markdown")) <= ISSUE
    committed = json.loads((COMMITTED / "report.json").read_text("utf-8"))
    del made["environment"], committed["environment"]
    assert alike(committed, made), "run `diagnose report` in the repository's root, and commit reports/pinets-table5"


def test_the_committed_pages_are_those_of_the_committed_json():
    from diagnose.render.as_json import parse

    saved = parse((COMMITTED / "report.json").read_text("utf-8"))
    assert render(saved, "markdown") == (COMMITTED / "report.md").read_text("utf-8")
    assert render(saved, "html") == (COMMITTED / "index.html").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("timm") is None, reason="timm is an extra")
def test_the_example_of_another_pair():
    found = {claim["id"]: claim["verdict"] for claim in judged("resnet18-timm").data["claims"]}
    assert found == {"parameters": "supported", "functions": "refuted", "norm": "refuted", "operations": "refuted"}
