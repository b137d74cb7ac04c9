"""`diagnose recipe` as a user runs it."""

import json
import subprocess
import sys

import pytest


def diagnose(*arguments, cwd=None):
    code = "import sys; from diagnose.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("paper", "paper"), 0),
        (("reproduction", "authors-2022"), 1),
        (("paper", "reproduction"), 1),
        (("--show", "paper"), 0),
        (("papr", "paper"), 2),
        (("paper",), 2),
        ((), 2),
        (("paper", "paper", "--show", "paper"), 2),
    ],
)
def test_exit_codes(arguments, code):
    done = diagnose("recipe", *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) == (code < 2)


def test_json_and_a_recipe_of_ones_own(tmp_path):
    (tmp_path / "mine.toml").write_text("momentum = 0.9\n")
    done = diagnose("recipe", "mine.toml", "reproduction", "--format", "json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert report["schema"] == "diagnose.recipe/1"
    momentum = next(row for row in report["data"]["fields"] if row["field"] == "momentum")
    assert (momentum["a"], momentum["b"], momentum["status"]) == (0.9, 0.0, "differs")


def test_the_probe_that_is_proposed_can_be_typed(tmp_path):
    for folder, momentum in (("a b", 0.0), ("c", 0.9)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.toml").write_text(f"momentum = {momentum}\nschedule = 'constant'\n")
    said = diagnose("recipe", "a b/mine.toml", "c/mine.toml", "--format", "markdown", cwd=tmp_path).stdout
    assert "diagnose probe --recipe 'a b/mine.toml' --against c/mine.toml --ablate momentum" in said
    (tmp_path / "c" / "mine.toml").write_text("momentum = 0.9\nschedule = {kind = 'other', text = 'warm'}\n")
    assert "diagnose probe" not in diagnose("recipe", "a b/mine.toml", "c/mine.toml", cwd=tmp_path).stdout


def test_a_bad_file_ends_with_line_and_hint(tmp_path):
    (tmp_path / "mine.toml").write_text("epochs = 3\nmomentun = 0.9\n")
    done = diagnose("recipe", "mine.toml", "paper", cwd=tmp_path)
    assert done.returncode == 2
    assert "mine.toml, line 2: there is no field 'momentun'" in done.stderr
    assert "momentum" in done.stderr


def test_torch_is_not_loaded():
    code = (
        "import sys; sys.argv = ['diagnose', 'recipe', 'paper', 'lightning']\n"
        "from diagnose.cli import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
