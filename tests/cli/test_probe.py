"""`diagnose probe` as a user runs it: really interrupted, resumed, and refused."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

NET = """
from torch import nn
def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))
"""
CODE = "from diagnose.cli import main; main()"


def command(tmp_path, *arguments):
    (tmp_path / "net.py").write_text(NET)
    common = ("--data", "synthetic:500", "--seeds", "2", "--epochs", "2", "--runs", str(tmp_path / "runs"))
    return [sys.executable, "-c", CODE, "probe", f"{tmp_path}/net.py:net", *common, *arguments]


@pytest.mark.slow
def test_ctrl_c_keeps_what_ended_and_the_same_command_goes_on(tmp_path):
    wanted = command(tmp_path, "--ablate", "weight_decay", "--workers", "1", "--format", "json", "--precision", "fp32")
    process = subprocess.Popen(wanted, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("2 of 8"):
            process.send_signal(signal.SIGINT)
            break
    partial, _ = process.communicate(timeout=300)
    assert process.returncode == 130
    data = json.loads(partial)["data"]
    assert data["interrupted"] is True
    first = {(t["arm"], t["seed"]): t["accuracy"] for t in data["trials"] if t["status"] == "done"}
    assert 2 <= len(first) < 8

    done = subprocess.run(wanted, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    data = report["data"]
    assert report["schema"] == "diagnose.probe/1"
    assert {trial["status"] for trial in data["trials"]} == {"done"}
    assert len(data["trials"]) == data["plan"]["trials"] == 8
    assert first.items() <= {(t["arm"], t["seed"]): t["accuracy"] for t in data["trials"]}.items()
    keys = {"model", "recipe", "changed", "seed", "epochs", "steps", "images", "data", "device", "precision"}
    assert keys | {"threads", "curve", "accuracy", "status"} <= data["trials"][0].keys()
    (effect,) = data["effects"]
    assert {"factor", "from", "to", "model", "steps", "difference", "low", "high", "n", "verdict"} <= effect.keys()
    assert effect["verdict"] == "undetermined"  # 6 steps tell nothing of a weight decay over 20,000
    assert data["images_per_second"] > 0
    strict = subprocess.run([*wanted, "--strict"], capture_output=True, text=True, timeout=300)
    assert strict.returncode == 1, strict.stderr
    assert json.loads(strict.stdout)["data"] == data


RECIPE = """
optimizer = "SGD"
learning_rate = {}
momentum = 0.9
batch_size = 16
epochs = 3
"""


def coloured(path):
    """Write images that a few steps learn: each class has a colour."""
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 256, (10, 1, 1, 3))
    arrays = {}
    for split, count in (("train", 500), ("test", 200)):
        labels = np.arange(count) % 10
        images = colours[labels] + generator.integers(-20, 21, (count, 16, 16, 3))
        arrays |= {f"{split}_images": images.clip(0, 255).astype(np.uint8), f"{split}_labels": labels}
    np.savez(path, **arrays)
    return str(path)


@pytest.mark.slow
def test_ends_that_lie_apart_satisfy_strict(tmp_path):
    for name, rate in (("idle", 1e-6), ("able", 0.02)):
        (tmp_path / f"{name}.toml").write_text(RECIPE.format(rate))
    recipes = ("--recipe", str(tmp_path / "idle.toml"), "--against", str(tmp_path / "able.toml"))
    options = ("--seeds", "3", "--epochs", "3", "--precision", "fp32", "--threads", "1", "--format", "json")
    wanted = command(tmp_path, *recipes, *options, "--data", coloured(tmp_path / "colours.npz"), "--strict")
    done = subprocess.run(wanted, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (effect,) = json.loads(done.stdout)["data"]["effects"]
    assert (effect["factor"], effect["verdict"]) == ("learning_rate", "effect")
    assert 0 < effect["low"] < effect["difference"] < effect["high"]


@pytest.mark.slow
def test_a_killed_command_leaves_nothing_running_and_goes_on_to_the_numbers_of_an_unbroken_one(tmp_path):
    options = ("--ablate", "weight_decay", "--workers", "2", "--precision", "fp32", "--layout", "contiguous")
    wanted = command(tmp_path, *options, "--format", "json")
    process = subprocess.Popen(wanted, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("2 of 8"):
            break
    group = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    end = time.monotonic() + 20
    while any(Path(f"/proc/{number}").exists() for number in group):
        assert time.monotonic() < end
        time.sleep(0.01)

    def trials(folder):
        done = subprocess.run([*wanted, "--runs", str(folder)], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        data = json.loads(done.stdout)["data"]
        return [
            (t["arm"], t["seed"], t["threads"], [(c["train_loss"], c["test_accuracy"]) for c in t["curve"]])
            for t in data["trials"]
        ]

    assert group
    assert trials(tmp_path / "runs") == trials(tmp_path / "other")


HUNGRY = """
import resource, torch
from torch import nn
class Hungry(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(512, 10))
        self.calls = 0
    def forward(self, x):
        self.calls += self.training
        if self.training and self.calls > CALLS:
            torch.empty(len(x) << 25)  # an eighth of a GiB an image, never touched
        return self.inner(x)
def net():
    resource.setrlimit(resource.RLIMIT_AS, (18 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
    return Hungry()
"""


@pytest.mark.slow
@pytest.mark.parametrize("calls", [0, 5], ids=["while it is timed", "in a trial"])
def test_a_batch_that_does_not_fit_the_memory_is_divided_in_all_arms(tmp_path, calls):
    # 128 images ask for 16 GiB of the 18 that the process may map, of which it has about 4 already; 64 ask for 8.
    options = ("--ablate", "weight_decay", "--precision", "fp32", "--layout", "contiguous", "--threads", "1")
    wanted = command(
        tmp_path, *options, "--workers", "2", "--images", "700", "--data", "synthetic:1000", "--format", "json"
    )
    (tmp_path / "net.py").write_text(HUNGRY.replace("CALLS", str(calls)))
    done = subprocess.run(wanted, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert {(trial["status"], trial["micro_batch"]) for trial in data["trials"]} == {("done", 64)}
    (note,) = [note for note in data["plan"]["notes"] if "batch norm" in note]
    assert note in done.stderr
    again = subprocess.run(wanted, capture_output=True, text=True, timeout=600)
    assert json.loads(again.stdout)["data"]["trials"] == data["trials"]


def asked(tmp_path, answer):
    """Ask on a terminal for CIFAR-10, which is missing; answer the question; return the exit code and the output."""
    (tmp_path / "net.py").write_text(NET)
    arguments = [sys.executable, "-c", CODE, "probe", f"{tmp_path}/net.py:net", "--data", "cifar10"]
    settings = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    number, terminal = pty.fork()
    if number == 0:
        os.execve(sys.executable, arguments, settings)
    said = b""
    with contextlib.suppress(OSError):  # the terminal ends with its process
        while read := os.read(terminal, 4096):
            said += read
            if said.rstrip().endswith(b"[y/N]:"):
                os.write(terminal, answer)
                answer = b""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), said.decode()


@pytest.mark.parametrize(("answer", "last"), [(b"n\n", "--download fetches it"), (b"y\n", "127.0.0.1")])
def test_on_a_terminal_it_asks_before_it_fetches(tmp_path, answer, last):
    code, said = asked(tmp_path, answer)
    assert "Fetch it (170 MB)?" in said
    assert code == 3
    assert "Traceback" not in said
    assert (last if answer == b"n\n" else "CIFAR-10 is not whole") in said
    assert not list(tmp_path.rglob("*.gz"))


def test_without_data_a_plan_takes_generated_images_says_so_first_and_trains_nothing(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    common = ("probe", "net.py:net", "--ablate", "momentum", "--runs", "runs", "--plan", "--format", "json")
    settings = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CODE, *common], capture_output=True, text=True, cwd=tmp_path,
                          env=settings, stdin=subprocess.DEVNULL, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    first, *_ = report["sections"][0]["items"]
    assert "generated images" in first["text"]
    assert "diagnose probe --download" in first["text"]
    assert report["data"]["trials"] == len(report["data"]["arms"]) * report["data"]["seeds"]
    assert report["data"]["seconds"] == report["data"]["seconds_left"] > 0
    files = [path.name.partition("-")[0] for path in (tmp_path / "runs").iterdir() if path.is_file()]
    assert sorted(files) == ["images", "plan"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--budget", "soon"), 2, "Write 90s, 20m, 2h or none"),
        (("--precision", "fp8"), 2, "fp32, bf16"),
        (("--engine", "warp"), 2, "eager, compile, cuda-graphs"),
        (("--threads", "0"), 2, "threads must be from 1 to"),
        (("--micro-batch", "0"), 2, "micro-batch"),
        (("--micro-batch", "50"), 2, "These do: 128, 64, 32"),
        (("--images", "0"), 2, "images must be from 1 to"),
        (("--images", "-5"), 2, "images must be from 1 to"),
        (("--width", "0"), 2, "width must be from 1 to"),
        (("--runs", "/dev/null"), 2, "by --runs"),
        (("--recipe", "reproduction", "--against", "mmpretrain"), 2, "has no init_weights()"),
        (("--ray", "127.0.0.1:9", "--threads", "1"), 3, "Ray cluster"),
        (("--horizons", "5,long"), 2, "Write lengths in epochs: 5,16"),
        (("--horizons", "0,5"), 2, "Write lengths in epochs: 5,16"),
        (("--recipe", "paper", "--against", "reproduction"), 2, "There is nothing to probe"),
        (("--recipe", ""), 2, "There is no recipe"),
        (("--against", ""), 2, "There is no recipe"),
        (("--budget", ""), 2, "cannot read the budget"),
        (("--ablate", "momentun"), 2, "momentum"),
        (("--seeds", "1"), 2, "seeds must be from 2 to"),
        (("--recipe", "papr"), 2, "paper"),
        (("--width", "16"), 2, "cannot be narrowed"),
        (("--engine", "cuda-graphs", "--micro-batch", "8"), 2, "--engine eager"),
        (("--engine", "cuda-graphs", "--device", "cpu"), 2, "CUDA graphs need a GPU"),
        (("--device", "abacus"), 2, "cpu, cuda and cuda:1"),
        (("--device", "meta"), 2, "cpu or cuda"),
        (("--device", "cuda:77"), 3, "There is no cuda:77 here"),
        (("--device", "cuda:1", "--ray", "local"), 2, "--device cuda takes any"),
        (("--data", "nothing-here"), 2, "synthetic"),
        (("--data", "cifar10:nowhere"), 3, "--download"),
    ],
)
def test_wrong_calls(tmp_path, arguments, code, said):
    done = subprocess.run(command(tmp_path, *arguments), capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("model", "said"), [("mmm", "Did you mean mm"), ("net.py:nett", "Did you mean net")])
def test_a_wrong_model_is_told_as_the_other_commands_tell_it(tmp_path, model, said):
    wanted = [model if part.endswith("net.py:net") else part for part in command(tmp_path)]
    done = subprocess.run(wanted, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "cannot be trained" not in done.stderr


@pytest.mark.slow
def test_a_model_that_was_edited_is_another_and_what_had_ended_is_said(tmp_path):
    options = ("--ablate", "weight_decay", "--precision", "fp32", "--layout", "contiguous", "--threads", "1")
    wanted = command(tmp_path, *options, "--format", "json")

    def losses(width):
        (tmp_path / "net.py").write_text(NET.replace("8", str(width)).replace("Linear(32", f"Linear({4 * width}"))
        done = subprocess.run(wanted, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        trials = json.loads(done.stdout)["data"]["trials"]
        return [trial["curve"][-1]["train_loss"] for trial in trials], done.stderr

    narrow, _ = losses(8)
    wide, said = losses(24)
    assert not set(narrow) & set(wide)
    assert "ended earlier" not in said
    again, said = losses(8)
    assert again == narrow
    assert "all of them ended earlier" in said
    assert "of 8 trials; " not in said


def test_a_model_with_too_few_classes_is_told_before_anything_is_trained(tmp_path):
    wanted = command(tmp_path)
    (tmp_path / "net.py").write_text(NET.replace("10)", "9)"))
    done = subprocess.run(wanted, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "cannot be trained on 500 synthetic images" in done.stderr
    assert not list((tmp_path / "runs").rglob("journal.jsonl"))
