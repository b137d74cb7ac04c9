"""What stands in the working folder is imported by nothing of ours, only by a user's own model."""

import os
import subprocess
import sys

import pytest

HOSTILE = "import pathlib\npathlib.Path(__file__).with_name('marker').touch()\nraise SystemExit('hostile')\n"
NAMES = ("typer", "statistics", "random", "json", "torch", "tempfile", "tomllib", "numpy", "scipy")
NET = """from torch import nn
def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
"""
SMALL = (
    *("--data", "synthetic:100", "--seeds", "2", "--epochs", "1", "--images", "64", "--ablate", "weight_decay"),
    *("--precision", "fp32", "--layout", "contiguous", "--threads", "1", "--workers", "1", "--runs", "runs"),
)
CASE = """title = "t"
summary = "s"
[models]
tiny = "{}"
[[claim]]
kind = "accuracy"
says = "It falls short because of an error."
model = "tiny"
recipe = "reproduction"
against = "authors-2022"
reported = 94.0
reproduced = 92.0
"""


@pytest.fixture
def folder(tmp_path):
    """A folder whose files are named as libraries, and beside it one with a model."""
    (tmp_path / "hostile").mkdir()
    (tmp_path / "model").mkdir()
    for name in NAMES:
        (tmp_path / "hostile" / f"{name}.py").write_text(HOSTILE)
    (tmp_path / "model" / "net.py").write_text(NET)
    return tmp_path / "hostile"


def run(folder, *arguments):
    command = [sys.executable, "-m", "diagnose", *arguments]
    env = {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache")}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize("arguments", [("--help",), ("params", "torch"), ("recipe", "paper", "paper")])
def test_a_command_imports_nothing_from_there(folder, arguments):
    done = run(folder, *arguments)
    assert (done.returncode, "hostile" in done.stderr) == (0, False), done.stderr
    assert not (folder / "marker").exists()


@pytest.mark.slow
def test_the_processes_of_a_probe_import_nothing_from_there(folder):
    done = run(folder, "probe", "../model/net.py:net", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "8 of 8 trials" in done.stderr
    assert not (folder / "marker").exists()


@pytest.mark.slow
def test_the_processes_on_a_ray_cluster_import_nothing_from_there(folder):
    done = run(folder, "probe", "../model/net.py:net", *SMALL, "--ray", "local")
    assert done.returncode == 0, done.stderr
    assert "8 of 8 trials" in done.stderr
    assert not (folder / "marker").exists()


@pytest.mark.slow
def test_the_probe_of_a_report_imports_nothing_from_there(folder):
    (folder / "case.toml").write_text(CASE.format("../model/net.py:net"))
    options = ("--data", "synthetic:100", "--seeds", "2", "--budget", "none", "--runs", "runs")
    done = run(folder, "report", "case.toml", "--trust", "--probe", *options)
    assert done.returncode == 0, done.stderr
    assert ": done" in done.stderr
    assert not (folder / "marker").exists()


@pytest.mark.slow
@pytest.mark.parametrize("where", [(), ("--ray", "local")], ids=["here", "on Ray"])
def test_a_users_own_module_is_found_there(tmp_path, where):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").touch()
    (tmp_path / "own" / "net.py").write_text(NET)
    done = run(tmp_path, "probe", "own.net:net", *SMALL, *where)
    assert done.returncode == 0, done.stderr
    assert "8 of 8 trials" in done.stderr
