"""`diagnose diff` end to end: exit codes, the JSON form, and what the built-in case's pairs come out as."""

import json
from functools import cache

import pytest

from diagnose.diff.report import diff_report
from diagnose.diff.run import compare, save_mapping
from diagnose.render import render
from diagnose.values import GraphDiff, InputSpec, Significance

SHAPE = (InputSpec((2, 3, 32, 32)),)


@cache
def answer(a: str, b: str) -> GraphDiff:
    return compare(a, b, asked=SHAPE)


def real(found: GraphDiff) -> list[tuple[str, int]]:
    return [(finding.kind, finding.count) for finding in found.findings if finding.verdict is Significance.REAL]


def test_torchvision_and_mmpretrain_are_the_same_function() -> None:
    found = answer("torch", "mm")

    assert (found.verdict, found.same_form) == ("equivalent", True)
    assert (found.proof.eval, found.proof.train, found.proof.gradients, found.proof.buffers) == (0.0, 0.0, 0.0, 0.0)
    assert len(found.mapping.pairs) == 102  # 122 entries less 20 counters of batches
    kinds = {finding.kind: finding for finding in found.findings}
    assert kinds["initial weights"].verdict is Significance.REAL
    # Kaiming-uniform with a = √5 has 1/√(3·fan_in), Kaiming-normal √(2/fan_out): 1/√6, and 1/√3 at half the width.
    assert "0.41" in kinds["initial weights"].message
    assert "0.58" in kinds["initial weights"].message
    assert "linear weights" in kinds["initial weights"].message
    assert "called 2× in both" in kinds["registration order"].message
    assert any("drop_path = Identity in B" in finding.message and finding.count == 8 for finding in found.findings)
    assert "data_preprocessor" in kinds["preprocessing"].message
    assert all(finding.verdict is Significance.COSMETIC for kind, finding in kinds.items() if kind != "initial weights")


def test_the_polynomial_network_has_two_blocks_less_and_six_hadamard_terms() -> None:
    found = answer("mm", "prodpoly")

    assert found.verdict == "different"
    assert sorted(real(found)) == [("block removed", 2), ("second-order term added", 6)]
    term = next(finding for finding in found.findings if finding.kind == "second-order term added")
    assert term.message == "the Hadamard term batch_norm(a ⊙ b) added"


@pytest.mark.parametrize(
    ("variant", "edits"),
    [
        ("pinet_1x1_relu", [("operation added", 8)]),
        ("pinet_norelu", [("operation removed", 17)]),
        ("pinet_1x1_norelu", [("operation added", 8), ("operation removed", 17)]),
        ("resnet_norelu", [("operation removed", 17), ("second-order term removed", 8)]),
    ],
)
def test_each_variant_of_the_authors_is_the_edit_that_it_is(variant, edits) -> None:
    found = answer("pinet_relu", variant)

    assert found.verdict == "different"
    assert sorted(real(found)) == edits


def test_the_report_is_complete_in_every_format() -> None:
    report = diff_report(answer("mm", "prodpoly"))

    data = json.loads(render(report, "json"))["data"]
    assert data["verdict"] == "different"
    assert {"nodes", "parameters", "capture"} <= data["a"].keys()
    assert {"dtype", "inputs", "eval", "train", "gradients", "buffers"} <= data["proof"].keys()
    assert data["b"]["parameters"] == 5_274_954
    assert all(len(row) == 3 for row in data["weight_mapping"])
    assert all({"kind", "verdict", "where", "count", "message"} <= finding.keys() for finding in data["findings"])
    for format in ("terminal", "markdown", "html"):
        assert "Hadamard" in render(report, format)


def test_a_mapping_is_saved(tmp_path) -> None:
    save_mapping(answer("torch", "mm"), tmp_path / "mapping.json")

    pairs = json.loads((tmp_path / "mapping.json").read_text())["pairs"]
    assert ["conv1.weight", "backbone.conv1.weight", ""] in pairs


def write(path, body: str) -> str:
    path.write_text(f"import torch\nfrom torch import nn\n\n\ndef make():\n    return {body}\n")
    return f"{path}:make()"


@pytest.mark.parametrize(
    ("body_a", "body_b", "code"),
    [
        ("nn.Linear(4, 4)", "nn.Linear(4, 4)", 0),
        ("nn.Linear(4, 4)", "nn.Sequential(nn.Linear(4, 4), nn.Tanh())", 1),
    ],
)
def test_the_exit_code_is_the_verdict(diagnose, tmp_path, body_a, body_b, code) -> None:
    texts = [write(tmp_path / f"{name}.py", body) for name, body in (("one", body_a), ("other", body_b))]

    done = diagnose("diff", *texts, "--input", "2x4", "--format", "json")

    assert done.returncode == code, done.stderr
    assert json.loads(done.stdout)["schema"] == "diagnose.diff/1"
