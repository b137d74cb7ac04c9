"""Where a result goes: stdout or a file, whole or not at all, and nothing else beside it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from diagnose.cli.common.output import _wants_color

TOYS = Path(__file__).parents[1] / "toys.py"
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


@pytest.mark.parametrize("name", [".", "", "held", "none/out.json", "dangling", "loop", "x" * 300, "a\0b"])
def test_what_cannot_be_written_is_said_before_anything_is_counted(diagnose, tmp_path, name):
    (tmp_path / "held").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.rglob("*"))
    done = diagnose("params", "no such model", "-o", f"{tmp_path}/{name}" if name not in ("", ".") else name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: The path of a file is empty" if name == "" else "error: cannot write")
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_stdout_is_told_in_one_sentence(script):
    command = f"'{script.path}' params '{SMALL}' > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == "error: cannot write to standard output: No space left on device"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_stdout_by_its_path_is_stdout_and_what_it_held_stays(script, tmp_path):
    path = tmp_path / "out.txt"
    command = f"(echo before; '{script.path}' params '{SMALL}' -q -o /dev/stdout --format json) > '{path}'"
    subprocess.run(["bash", "-c", command], check=True)
    before, _, result = path.read_text().partition("\n")
    assert before == "before"
    assert json.loads(result)["data"]["total"] == 15


def test_a_process_that_reads_is_written_to(script, tmp_path):
    command = f"'{script.path}' params '{SMALL}' --format json -o >(cat > '{tmp_path}/got')"
    subprocess.run(["bash", "-c", f"{command}; wait $!"], check=True)
    assert json.loads((tmp_path / "got").read_text())["data"]["total"] == 15


def test_a_report_through_a_link_keeps_the_link_and_the_mode(diagnose, tmp_path):
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to("real.json")
    assert diagnose("params", SMALL, "-o", link).returncode == 0
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads(target.read_text())["data"]["total"] == 15


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


@pytest.mark.parametrize("command", [(), ("models",), ("params",), ("diff",), ("recipe",), ("pipeline",)], ids=" ".join)
def test_help_works_and_loads_no_torch(command, script):
    done = script(*command, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "Usage" in done.stdout
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not loaded & {"torch", "torchvision", "mmpretrain", "timm", "numpy"}
    assert os.sep not in done.stderr.partition("import time")[0]
