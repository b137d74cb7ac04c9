"""`diagnose probe` as a user runs it: really interrupted, resumed, and refused."""

import json
import signal
import subprocess
import sys

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
    partial, _ = process.communicate(timeout=120)
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


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--budget", "soon"), 2, "Write 90s, 20m, 2h or none"),
        (("--precision", "fp8"), 2, "fp32 and bf16"),
        (("--ablate", "momentun"), 2, "momentum"),
        (("--seeds", "1"), 2, "at least 2 seeds"),
        (("--recipe", "papr"), 2, "paper"),
        (("--width", "16"), 2, "cannot be narrowed"),
        (("--device", "cuda:77"), 3, "cannot be trained"),
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


def test_a_model_with_too_few_classes_is_told_before_anything_is_trained(tmp_path):
    wanted = command(tmp_path)
    (tmp_path / "net.py").write_text(NET.replace("10)", "9)"))
    done = subprocess.run(wanted, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "cannot be trained on 32×32 images of 10 classes" in done.stderr
    assert not (tmp_path / "runs").exists()
