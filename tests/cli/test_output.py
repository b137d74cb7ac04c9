"""Where a result goes: stdout or a file, whole or not at all, and nothing else beside it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from diagnose.cli.output import _wants_color

TOYS = Path(__file__).parents[1] / "count" / "toys.py"
SMALL = f"{TOYS}:single"


@pytest.fixture(scope="module")
def loud(script):
    return script("params", f"{TOYS}:Loud", "--format", "json")


def test_what_a_model_prints_never_reaches_stdout(loud):
    assert loud.returncode == 0
    assert "LOUD" not in loud.stdout
    assert json.loads(loud.stdout)["data"]["total"] == 32 * 3 + 3


def test_quiet_leaves_stderr_empty_for_a_model_that_prints_nothing(diagnose):
    done = diagnose("params", SMALL, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("suffix", ["json", "md", "html", "txt"])
def test_the_suffix_chooses_the_format(diagnose, tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    done = diagnose("params", SMALL, "-o", path)
    assert (done.returncode, done.stdout) == (0, "")
    text = path.read_text()
    starts = {"json": "{", "md": "#", "html": "<!doctype html>", "txt": "Parameters of"}
    assert text.lower().startswith(starts[suffix].lower())
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_format_given_wins_over_the_suffix_and_a_dash_is_stdout(diagnose, tmp_path):
    path = tmp_path / "out.json"
    diagnose("params", SMALL, "-o", path, "--format", "markdown")
    assert path.read_text().startswith("#")
    done = diagnose("params", SMALL, "-o", "-", "--format", "json")
    assert json.loads(done.stdout)["data"]["total"] == 15


def test_what_cannot_be_written_is_said_without_a_traceback(diagnose, tmp_path):
    held = tmp_path / "held"
    held.mkdir()
    for path in (tmp_path / "none" / "out.json", held):
        done = diagnose("params", SMALL, "-o", path)
        assert done.returncode == 3
        assert "cannot write" in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(held.iterdir())


def test_a_pipe_is_never_cut_to_a_terminals_width(diagnose):
    done = diagnose("params", "torchvision:resnet50", "--by", "block", COLUMNS="40")
    assert "layer4.2" in done.stdout
    assert "…" not in done.stdout.replace("key=value, …", "")
    assert "\x1b" not in done.stdout


def test_a_reader_that_leaves_early_is_no_error(script):
    command = f"'{script.path}' params '{SMALL}' --by layer | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == f"Parameters of {SMALL}"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("environment", "on_terminal", "color"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_follows_the_environment(monkeypatch, environment, on_terminal, color):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _wants_color(on_terminal) is color


@pytest.mark.parametrize("command", [(), ("models",), ("params",), ("diff",), ("recipe",)], ids=" ".join)
def test_help_works_and_loads_no_torch(command, script):
    done = script(*command, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "Usage" in done.stdout
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not loaded & {"torch", "torchvision", "mmpretrain", "timm", "numpy"}
    assert os.sep not in done.stderr.partition("import time")[0]
