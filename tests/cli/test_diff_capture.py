"""`diagnose diff` on networks that are hard to capture, and the exact shape of its JSON form."""

import json

import pytest

NETWORKS = """
import random

import torch
from torch import nn


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(4, 4)

    def forward(self, x):
        return self.line(x)


class Coin(Line):
    def forward(self, x):
        y = self.line(x)
        for _ in range(random.randrange(40)):
            y = torch.tanh(y)
        return y


class Branch(Line):
    def forward(self, x):
        y = self.line(x)
        return torch.relu(y) if float(y.sum()) > 0 else y


class Broken(Line):
    def forward(self, x):
        raise ValueError("no\\x1b[31m way")


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(3, 4)

    def forward(self, x, y):
        return self.one(x) + self.two(y)


class Swapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.p, self.q = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x, y):
        return self.p(y) + self.q(x)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "nets.py"
    path.write_text(NETWORKS)
    return lambda name: f"{path}:{name}"


def report(done):
    return json.loads(done.stdout)


def test_a_network_against_itself_is_equivalent_and_its_json_has_the_promised_keys(diagnose, model) -> None:
    done = diagnose("diff", model("Line"), model("Line"), "--input", "2x4", "--format", "json")

    data = report(done)["data"]
    assert done.returncode == 0, done.stderr
    assert {"verdict", "a", "b", "matched", "weight_mapping", "proof", "findings"} <= data.keys()
    for side in (data["a"], data["b"]):
        assert {"nodes", "parameters", "capture"} <= side.keys()
        assert (side["parameters"], side["capture"]) == (20, "export")
    assert sorted(data["weight_mapping"]) == [["line.bias", "line.bias", ""], ["line.weight", "line.weight", ""]]
    proof = {key: data["proof"][key] for key in ("dtype", "inputs", "eval", "train", "gradients", "buffers")}
    assert proof == {"dtype": "float64", "inputs": 2, "eval": 0.0, "train": 0.0, "gradients": 0.0, "buffers": 0.0}
    assert data["findings"] == []


def test_a_graph_that_changes_between_captures_is_said_and_nothing_in_it_is_called_real(diagnose, model) -> None:
    done = diagnose("diff", model("Coin"), model("Coin"), "--input", "2x4", "--format", "json")

    found = report(done)["findings"]
    assert (done.returncode, report(done)["data"]["verdict"]) == (3, "undetermined")
    assert any("draws random numbers in Python" in finding["message"] for finding in found)
    assert not any(finding["verdict"] == "real" for finding in found)


def test_the_recorder_steps_in_where_export_fails_and_that_is_said(diagnose, model) -> None:
    done = diagnose("diff", model("Branch"), model("Branch"), "--input", "2x4", "--format", "json")

    assert report(done)["data"]["a"]["capture"] == report(done)["data"]["b"]["capture"] == "recorder"
    assert any(skip["what"] == "torch.export" for skip in report(done)["skipped"])
    assert "def forward" not in done.stderr


def test_what_cannot_be_captured_ends_with_3_a_reason_and_a_hint(diagnose, model) -> None:
    done = diagnose("diff", model("Line"), model("Broken"), "--input", "2x4")

    assert (done.returncode, done.stdout) == (3, "")
    assert "ValueError: no\\x1b[31m way (in B)" in done.stderr
    assert "hint: Name inputs that both accept" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_network_of_two_inputs_is_given_both(diagnose, model) -> None:
    both = diagnose("diff", model("Two"), model("Swapped"), "--input", "2x4", "--input", "2x3", "--format", "json")
    done = diagnose("diff", model("Two"), model("Swapped"), "--input", "2x4")

    assert (both.returncode, report(both)["data"]["proof"]["gradients"]) == (0, 0.0)
    assert (done.returncode, done.stdout) == (3, "")
    assert "one for each argument" in done.stderr


def test_a_mapping_is_written_whole_and_read_back(diagnose, model, tmp_path) -> None:
    path = tmp_path / "mapping.json"

    done = diagnose(
        "diff", model("Two"), model("Swapped"), "--input", "2x4", "--input", "2x3", "--save-mapping", path
    )  # fmt: skip

    saved = json.loads(path.read_text())
    assert done.returncode == 0, done.stderr
    assert saved["schema"] == "diagnose.mapping/1"
    assert ["one.weight", "q.weight", ""] in saved["pairs"]
    assert [child.name for child in tmp_path.iterdir()] == ["mapping.json"]


def test_a_mapping_is_not_written_where_there_is_no_folder(diagnose, model, tmp_path) -> None:
    done = diagnose("diff", model("Line"), model("Line"), "--save-mapping", tmp_path / "none" / "mapping.json")

    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no folder" in done.stderr


BY_NUMBERS = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self, activation=None):
        super().__init__(nn.Linear(4, 4), activation or nn.ReLU())


class Absolute(nn.Module):
    def forward(self, x):
        return (x + x.abs()) / 2


def by_absolute():
    return Net(Absolute())


def dropped():
    return Net(nn.Sequential(nn.ReLU(), nn.Dropout(0.2)))
"""


@pytest.mark.parametrize(
    ("other", "options", "code"),
    [
        ("by_absolute", (), 3),
        ("by_absolute", ("--accept", "numbers"), 0),
        ("dropped", (), 1),
        ("dropped", ("--accept", "numbers"), 1),
        ("dropped", ("--eval",), 0),
    ],
)
def test_what_is_taken_for_equal_is_asked_for(other, options, code, diagnose, tmp_path) -> None:
    path = tmp_path / "net.py"
    path.write_text(BY_NUMBERS)

    done = diagnose("diff", f"{path}:Net", f"{path}:{other}", "--input", "2x4", *options)

    assert done.returncode == code
