"""Trials in processes of their own, really killed, and the numbers of an uninterrupted run."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from diagnose.probe.image_cache import write
from diagnose.probe.images import load_images
from diagnose.probe.journal import Journal
from diagnose.probe.local import finished, run, unfinished
from diagnose.probe.settings import settings_of
from diagnose.probe.train import Length, Numerics
from diagnose.probe.trials import TrialSpec, from_json, to_json
from diagnose.values import Augmentation, EpochResult, Recipe, Schedule, Setting

NET = """
from torch import nn
def net(wide=8):
    return nn.Sequential(nn.Conv2d(3, wide, 3, stride=2), nn.BatchNorm2d(wide), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * wide, 10))
"""
EPOCHS = 6


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    found = load_images("synthetic:1000")
    path = tmp_path_factory.mktemp("images") / "images.npz"
    write(path, (found.train_images, found.train_labels, found.test_images, found.test_labels))
    return found, path


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "net.py"
    path.write_text(NET)
    return f"{path}:net"


def spec_of(images, net, *, seed=1, **values):
    values = {"batch_size": 20, "momentum": 0.9, "augmentation": Augmentation(4, 32, 0.5)} | values
    values.setdefault("schedule", Schedule("step", (3.0,), 0.1))
    recipe = Recipe("r", "r", tuple(Setting(key, value, "") for key, value in values.items()))
    length = Length(EPOCHS, 800, EPOCHS)
    return TrialSpec(net, "a", "r", (("momentum", "0.9"),), seed, settings_of(recipe)[0], length, images[0].name,
                     images[0].key, Numerics())  # fmt: skip


def numbers(trial):
    return [(result.epoch, result.train_loss, result.test_accuracy) for result in trial.curve]


@pytest.fixture(scope="module")
def whole(images, net, tmp_path_factory):
    (trial,) = run([spec_of(images, net)], tmp_path_factory.mktemp("whole"), images[1], workers=1)
    assert trial.status == "done"
    assert len(trial.curve) == EPOCHS
    assert trial.accuracy == trial.curve[-1].test_accuracy
    return trial


def wait_for_epochs(folder, count, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if len(Journal(folder).curve()) >= count:
            return
        time.sleep(0.005)
    pytest.fail(f"no {count} epochs in {seconds} s")


def test_a_trial_is_the_same_after_json(images, net):
    spec = spec_of(images, net)
    assert from_json(to_json(spec)) == spec
    assert from_json(to_json(spec)).key == spec.key
    assert len({spec.key, spec_of(images, net, seed=2).key, spec_of(images, net, momentum=0.5).key}) == 3


@pytest.mark.slow
def test_a_killed_worker_goes_on_to_the_same_numbers(images, net, whole, tmp_path):
    spec = spec_of(images, net)
    folder = tmp_path / spec.key
    Journal(folder).open(to_json(spec))
    process = subprocess.Popen([sys.executable, "-m", "diagnose.probe.worker", str(folder), str(images[1])])
    wait_for_epochs(folder, 2)
    process.kill()
    process.wait()
    assert finished(spec, tmp_path) is None
    assert 2 <= len(unfinished(spec, tmp_path).curve) < EPOCHS
    assert unfinished(spec, tmp_path).accuracy is None
    (trial,) = run([spec], tmp_path, images[1], workers=1)
    assert numbers(trial) == numbers(whole)


@pytest.mark.slow
def test_a_killed_parent_leaves_no_worker_behind_and_loses_nothing(images, net, whole, tmp_path):
    spec = spec_of(images, net)
    (tmp_path / "spec.json").write_text(to_json(spec))
    code = (
        "import sys; from pathlib import Path\n"
        "from diagnose.probe.local import run; from diagnose.probe.trials import from_json\n"
        "spec = from_json(Path(sys.argv[1], 'spec.json').read_text())\n"
        "list(run([spec], Path(sys.argv[1]), Path(sys.argv[2]), workers=1))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(images[1])])
    wait_for_epochs(tmp_path / spec.key, 1)
    parent.kill()
    parent.wait()
    (trial,) = run([spec], tmp_path, images[1], workers=1)  # waits for the orphan's lock, then goes on
    assert numbers(trial) == numbers(whole)


@pytest.mark.slow
def test_leaving_early_ends_the_workers(images, net, tmp_path):
    specs = [spec_of(images, net, seed=seed) for seed in (1, 2)]
    trials = run(specs, tmp_path, images[1], workers=1)
    assert next(trials).status == "done"
    trials.close()
    assert finished(specs[1], tmp_path) is None


@pytest.mark.slow
def test_divergence_and_failure_are_results(images, net, tmp_path):
    wild, missing = spec_of(images, net, learning_rate=1e30), spec_of(images, net.replace(":net", ":nothing"))
    found = {trial.model: trial for trial in run([wild, missing], tmp_path, images[1], workers=1)}
    assert found[net].status.startswith("diverged in step ")
    assert found[net].accuracy is None
    assert found[missing.model].status.startswith("failed: ")


@pytest.mark.slow
def test_a_worker_killed_while_it_runs_is_taken_up_again(images, net, whole, tmp_path):
    spec = spec_of(images, net)
    code = (
        "import os, signal, subprocess, sys, threading, time; from pathlib import Path\n"
        "import diagnose.probe.local as local; from diagnose.probe.journal import Journal\n"
        "from diagnose.probe.trials import from_json\n"
        "root = Path(sys.argv[1]); spec = from_json((root / 'spec.json').read_text())\n"
        "start = local._start; done = []\n"
        "def killed_once(*a):\n"
        "    process = start(*a)\n"
        "    def kill():\n"
        "        while len(Journal(root / spec.key).curve()) < 1: time.sleep(0.005)\n"
        "        process.kill()\n"
        "    if not done: done.append(1); threading.Thread(target=kill, daemon=True).start()\n"
        "    return process\n"
        "local._start = killed_once\n"
        "(trial,) = local.run([spec], root, Path(sys.argv[2]), workers=1)\n"
        "print(trial.status)\n"
    )
    (tmp_path / "spec.json").write_text(to_json(spec))
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(images[1])], capture_output=True, text=True)
    assert done.stdout.strip() == "done", done.stderr
    assert numbers(finished(spec, tmp_path)) == numbers(whole)


def test_a_torn_line_is_no_epoch(tmp_path):
    journal = Journal(tmp_path)
    for epoch in (1, 2):
        journal.append(EpochResult(epoch, 1.0, 0.5, 0.1))
    with journal.lines.open("a") as file:
        file.write(json.dumps({"epoch": 3, "train_loss": 0.1})[:-4])
    assert [result.epoch for result in journal.curve()] == [1, 2]


def test_nothing_is_left_running():
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc")
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
    assert not [command for command in commands if b"diagnose.probe.worker" in command]
