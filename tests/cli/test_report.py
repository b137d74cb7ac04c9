"""`diagnose report` as a user runs it, on a case of recipes alone, which needs no network to be built."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from jsonschema import Draft202012Validator

from diagnose.render.as_json.schema import shipped

CASE = """
title = "Two recipes"
summary = "A case of recipes."
[[claim]]
kind = "recipe"
says = "The script's recipe is the tutorial's."
a = "reproduction"
b = "lightning"
belief = "same"
[[claim]]
kind = "recipe"
says = "A recipe is itself."
a = "paper"
b = "paper"
belief = "same"
"""


@pytest.fixture
def diagnose(tmp_path):
    def run(*arguments, **options):
        code = "import sys; from diagnose.cli import main; main()"
        command = [sys.executable, "-c", code, "report", *arguments]
        env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, env=env, **options)

    (tmp_path / "mine.toml").write_text(CASE)
    return run


def test_the_pages_are_written_and_the_verdicts_shown(diagnose, tmp_path):
    done = diagnose("mine.toml")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    folder = tmp_path / "reports" / "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "report.json", "report.md"]
    assert "1 supported, 1 refuted" in done.stdout
    assert "reports/mine/index.html" in done.stdout
    assert done.stderr.splitlines() == ["1/2 The script's recipe is the tutorial's.", "2/2 A recipe is itself."]
    report = json.loads((folder / "report.json").read_text())
    Draft202012Validator(shipped()).validate(report)
    assert [claim["verdict"] for claim in report["data"]["claims"]] == ["refuted", "supported"]
    assert report["schema"] == "diagnose.report/1"


def test_turning_the_belief_round_turns_the_verdict_round(diagnose, tmp_path):
    (tmp_path / "mine.toml").write_text(CASE.replace('"same"', '"different"'))
    done = diagnose("mine.toml", "--format", "json", "-o", "-", "--quiet")
    assert [claim["verdict"] for claim in json.loads(done.stdout)["data"]["claims"]] == ["supported", "refuted"]
    assert done.stderr == ""
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("mine.toml", "--strict"), 1),
        (("nowhere.toml",), 2),
        (("pinets-tabel5",), 2),
        (("--from", "nowhere.json"), 2),
        (("--from", "mine.toml"), 3),
        (("--init", "mine.toml"), 2),
        (("mine.toml", "--runs", "nowhere"), 2),
    ],
)
def test_exit_codes(diagnose, arguments, code):
    done = diagnose(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("output", ["notes.txt", "taken", "a" * 300, "dangling", "loop", "", "mine.toml/below"])
def test_what_is_neither_a_folder_nor_a_page_is_refused_before_anything_is_judged(diagnose, tmp_path, output):
    (tmp_path / "taken").write_text("kept")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    done = diagnose("mine.toml", "-o", output)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert "1/2" not in done.stderr
    assert (tmp_path / "taken").read_text() == "kept"
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_with_a_dot_in_its_name_is_a_folder(diagnose, tmp_path):
    (tmp_path / "my.pages").mkdir()
    for name in ("my.pages", "v1.2"):
        assert diagnose("mine.toml", "-o", name).returncode == 0
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["index.html", "report.json", "report.md"]


def test_a_page_that_cannot_be_replaced_is_told_before_anything_is_judged(diagnose, tmp_path):
    (tmp_path / "out" / "report.md").mkdir(parents=True)
    done = diagnose("mine.toml", "-o", "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert "report.md: it is a folder" in done.stderr
    assert "1/2" not in done.stderr


def test_trials_are_not_kept_where_nothing_can_be_written(diagnose):
    done = diagnose("mine.toml", "--keep-trials", "none/trials.json")
    assert done.returncode == 2
    assert "there is no folder none" in done.stderr
    assert "1/2" not in done.stderr


@pytest.mark.parametrize("name", ["pipe", "zero", "large"])
def test_a_report_is_drawn_from_a_regular_file_of_a_sane_size(diagnose, tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)
    done = diagnose("--from", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "large is longer than" in done.stderr if name == "large" else "it is a" in done.stderr


def test_a_template_is_written_once_and_is_judged(diagnose, tmp_path):
    assert diagnose("--init", "new.toml").returncode == 0
    text = (tmp_path / "new.toml").read_text()
    assert diagnose("--init", "new.toml").returncode == 2
    assert (tmp_path / "new.toml").read_text() == text


def test_a_bad_file_ends_with_line_key_and_hint(diagnose, tmp_path):
    (tmp_path / "mine.toml").write_text(CASE.replace('b = "paper"', 'd = "paper"'))
    done = diagnose("mine.toml")
    assert done.returncode == 2
    assert "mine.toml, line 14: a claim of the kind 'recipe' has no key 'd'" in done.stderr


def test_a_report_is_drawn_again_in_every_format_without_torch(diagnose, tmp_path):
    diagnose("mine.toml")
    saved = tmp_path / "reports" / "mine" / "report.json"
    for form, name in (("html", "index.html"), ("markdown", "report.md"), ("json", "report.json")):
        done = diagnose("--from", str(saved), "--format", form)
        assert done.stdout == saved.with_name(name).read_text()
    done = diagnose("--from", str(saved), "-o", "again.html")
    assert (tmp_path / "again.html").read_text() == saved.with_name("index.html").read_text()
    code = (
        f"import sys; sys.argv = ['diagnose', 'report', '--from', {str(saved)!r}]\n"
        "from diagnose.cli import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_second_run_reuses_the_first_and_fresh_does_not(diagnose, tmp_path):
    diagnose("mine.toml")
    kept = sorted((tmp_path / "cache" / "diagnose" / "claims").iterdir())
    assert len(kept) == 2
    saved = tmp_path / "reports" / "mine" / "report.json"
    before = saved.read_text()
    kept[0].write_text(kept[0].read_text().replace('"$$answer": "', '"$$answer": "KEPT '))
    kept[1].write_text(kept[1].read_text().replace('"$$answer": "', '"$$answer": "KEPT '))
    diagnose("mine.toml")
    assert saved.read_text().count("KEPT") >= 2
    diagnose("mine.toml", "--fresh")
    assert saved.read_text() == before


def test_ctrl_c_writes_what_is_done_and_ends_with_130(diagnose, tmp_path):
    (tmp_path / "slow.py").write_text(
        "import pathlib, time\nfrom torch import nn\n\n"
        "def slow():\n    pathlib.Path('begun').touch()\n    time.sleep(120)\n    return nn.Linear(1, 1)\n"
    )
    claim = '[[claim]]\nkind = "parameter count"\nsays = "slow"\nmodel = "slow"\nnumber = "2"\n'
    (tmp_path / "mine.toml").write_text(f'{CASE}{claim}[models]\nslow = "slow.py:slow"\n')
    code = "import sys; from diagnose.cli import main; main()"
    command = [sys.executable, "-c", code, "report", "mine.toml", "--trust"]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=env, **pipes) as run:
        while run.poll() is None and not (tmp_path / "begun").exists():
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "Traceback" not in err
    claims = json.loads((tmp_path / "reports" / "mine" / "report.json").read_text())["data"]["claims"]
    assert [claim["verdict"] for claim in claims] == ["refuted", "supported", "undetermined"]
    assert "interrupted" in claims[2]["answer"]
    assert "interrupted" in out


TINY = """from torch import nn


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
"""
RECIPE = """title = "{0}"
optimizer = "SGD"
learning_rate = 0.05
momentum = {1}
schedule = {{ kind = "constant" }}
epochs = 5
batch_size = 10
train_images = 1000
held_out = 0
"""
FALLS_SHORT = """title = "t"
summary = "s"
[models]
tiny = "tiny.py:net"
[[claim]]
kind = "accuracy"
says = "It falls short because of an error."
model = "tiny"
recipe = "mine.recipe.toml"
against = "theirs.recipe.toml"
reported = 94.0
reproduced = 92.0
"""


@pytest.fixture
def falls_short(tmp_path):
    (tmp_path / "tiny.py").write_text(TINY)
    (tmp_path / "mine.recipe.toml").write_text(RECIPE.format("mine", 0.0))
    (tmp_path / "theirs.recipe.toml").write_text(RECIPE.format("theirs", 0.9))
    (tmp_path / "case.toml").write_text(FALLS_SHORT)


@pytest.mark.slow
def test_a_probe_that_cannot_run_leaves_the_page_of_what_there_is(diagnose, falls_short, tmp_path):
    options = ["--trust", "--probe", "--data", "synthetic:1000", "--budget", "1s", "--runs", "runs"]
    done = diagnose("case.toml", *options)
    assert done.returncode == 3
    assert "budget" in done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert "The probe of tiny.py:net could not run" in error
    assert hint.startswith("hint: Give --budget")
    assert "undetermined" in done.stdout
    (claim,) = json.loads((tmp_path / "reports" / "case" / "report.json").read_text())["data"]["claims"]
    assert claim["verdict"] == "undetermined"


@pytest.mark.slow
def test_a_probe_that_is_interrupted_keeps_its_trials_and_claims_are_judged_by_them(diagnose, falls_short, tmp_path):
    options = ["--trust", "--probe", "--data", "synthetic:1000", "--budget", "none", "--seeds", "3", "--runs", "runs"]
    command = [sys.executable, "-m", "diagnose", "report", "case.toml", *options, "--keep-trials", "kept.json"]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=env, start_new_session=True, **pipes) as run:
        said = ""
        for line in run.stderr:
            said += line
            if ": done" in line:
                break
        os.killpg(run.pid, signal.SIGINT)  # as a terminal's Ctrl-C: the whole group
        _, err = run.communicate(timeout=300)
    assert run.returncode == 130, said + err
    assert "Traceback" not in said + err
    assert "15 trials: 5 arms × 3 seeds" in said  # the plan stands before the first trial
    (claim,) = json.loads((tmp_path / "reports" / "case" / "report.json").read_text())["data"]["claims"]
    assert claim["verdict"] == "undetermined"
    assert claim["evidence"]["other_trials"] >= 1
    assert json.loads((tmp_path / "kept.json").read_text())["schema"] == "diagnose.trials/1"
    (tmp_path / "case.toml").write_text('trials = "kept.json"\n' + FALLS_SHORT)
    done = diagnose("case.toml", "--trust", "--format", "json", "-o", "-", "--runs", "cache")
    (again,) = json.loads(done.stdout)["data"]["claims"]
    assert again["evidence"]["other_trials"] == claim["evidence"]["other_trials"]


def test_a_case_without_a_claim_about_trials_has_none_to_run(diagnose):
    done = diagnose("mine.toml", "--probe")
    assert done.returncode == 2
    assert "asks for trials" in done.stderr


def test_code_is_not_trained_without_trust(diagnose, tmp_path):
    (tmp_path / "case.toml").write_text(FALLS_SHORT)
    done = diagnose("case.toml", "--probe", "--data", "synthetic:1000")
    assert done.returncode == 2
    assert "--trust" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("text", ["-o", "--afresh"])
def test_a_models_text_is_never_read_as_an_option(diagnose, tmp_path, text):
    (tmp_path / "victim.md").write_text("kept")
    claim = FALLS_SHORT.replace('"tiny.py:net"', f'{json.dumps(text)}\nother = "victim.md"')
    claim = claim.replace("mine.recipe.toml", "reproduction").replace("theirs.recipe.toml", "authors-2022")
    (tmp_path / "case.toml").write_text(f'{claim}reference = "other"\n')
    done = diagnose("case.toml", "--probe", "--data", "synthetic:100")
    assert done.returncode == 2, done.stderr
    assert f"error: The probe of {text}, victim.md could not run" in done.stderr
    assert (tmp_path / "victim.md").read_text() == "kept"
