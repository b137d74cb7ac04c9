"""Trials in processes of their own, really killed, and the numbers of an uninterrupted run."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from diagnose.errors import USAGE, DiagnoseError
from diagnose.networks import digest_of_code
from diagnose.probe.data.image_cache import placed
from diagnose.probe.data.load_images import load_images
from diagnose.probe.executors.executor import OutOfMemoryError, finished, run, unfinished
from diagnose.probe.executors.local import Local
from diagnose.probe.executors.ray_tasks import RayTasks
from diagnose.probe.trial.hyperparameters import hyperparameters_of
from diagnose.probe.trial.initial_weights import narrowed
from diagnose.probe.trial.journal import Journal
from diagnose.probe.trial.spec import TrialLength, TrialSpec, from_json, to_json
from diagnose.values import Augmentation, EpochResult, Numerics, Recipe, Schedule, Setting, TrialOutcome

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
    return found, placed(found, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "net.py"
    path.write_text(NET)
    return f"{path}:net"


def spec_of(images, net, *, seed=1, **values):
    values = {"batch_size": 20, "momentum": 0.9, "augmentation": Augmentation(4, 32, 0.5)} | values
    values.setdefault("schedule", Schedule("step", (3.0,), 0.1))
    recipe = Recipe("r", "r", tuple(Setting(key, value, "") for key, value in values.items()))
    length = TrialLength(EPOCHS, 800, EPOCHS)
    return TrialSpec(net, "a", "r", (("momentum", "0.9"),), seed, hyperparameters_of(recipe)[0], length, images[0].name,
                     images[0].key, Numerics())  # fmt: skip


def numbers(trial):
    return [(result.epoch, result.train_loss, result.test_accuracy) for result in trial.curve]


def run_here(specs, folder, images, slots=1):
    return list(run(specs, folder, Local(folder, images[1], slots=slots)))


@pytest.fixture(scope="module")
def whole(images, net, tmp_path_factory):
    (trial,) = run_here([spec_of(images, net)], tmp_path_factory.mktemp("whole"), images)
    assert trial.status == "done"
    assert len(trial.curve) == EPOCHS
    assert trial.accuracy == trial.curve[-1].test_accuracy
    return trial


def wait_for_epochs(folder, count, seconds=200):
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


RUN = """
import sys
from pathlib import Path
from diagnose.probe.executors.executor import run
from diagnose.probe.executors.local import Local
from diagnose.probe.trial.spec import from_json
root = Path(sys.argv[1])
spec = from_json((root / "spec.json").read_text())
list(run([spec], root, Local(root, Path(sys.argv[2]))))
"""

ON_RAY = """
import sys, warnings
from dataclasses import replace
from pathlib import Path
warnings.simplefilter("error")
from diagnose.cli.output import Result
result = Result(None, None, quiet=True)  # as in a command, stdout is the result's alone
from diagnose.probe.executors.executor import run
from diagnose.probe.executors.ray_tasks import RayTasks
from diagnose.probe.data.load_images import load_images
from diagnose.probe.trial.spec import from_json
root = Path(sys.argv[1])
spec = from_json((root / "spec.json").read_text())
executor = RayTasks(root, load_images("synthetic:1000"), address=sys.argv[3], gpu=False)
executor.slots = 2
list(run([spec, replace(spec, seed=2)], root, executor))
"""


def started(spec, folder, images, code=RUN, address="", **options):
    """Start a process that runs one trial."""
    (folder / "spec.json").write_text(to_json(spec))
    return subprocess.Popen([sys.executable, "-c", code, str(folder), str(images[1]), address], **options)


def processes_below(parent):
    """Return the processes that descend from one, itself left out."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [parent]
    for above in found:
        found += [child for child, its_parent in parents.items() if its_parent == above]
    return found[1:]


def runs(number):
    """Say whether a process still runs; one that has ended may wait for its parent to take note of it."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(numbers, seconds=20):
    end = time.monotonic() + seconds
    while any(map(runs, numbers)):
        assert time.monotonic() < end, f"still there: {numbers}"
        time.sleep(0.01)


def test_a_model_that_is_edited_while_the_probe_runs_is_not_trained_as_the_old_one(images, tmp_path):
    (tmp_path / "net.py").write_text(NET)
    net = f"{tmp_path}/net.py:net"
    spec = replace(spec_of(images, net), code=digest_of_code(net))
    (trial,) = run([spec], tmp_path / "before", Local(tmp_path / "before", images[1]))
    assert trial.status == "done"
    (tmp_path / "net.py").write_text(f"{NET}# edited")
    (trial,) = run([spec], tmp_path / "after", Local(tmp_path / "after", images[1]))
    assert "not here as it was when the probe began" in trial.status


@pytest.mark.slow
def test_a_model_of_mmpretrain_can_use_a_gpu_after_the_fork(images, tmp_path):
    # mmengine looks for GPUs when it is imported, after which torch lets no fork use CUDA.
    model = narrowed("mm", 8)
    spec = replace(spec_of(images, model), length=TrialLength(1, 100, 1), numerics=Numerics(device="cuda"))
    (trial,) = run([spec], tmp_path, Local(tmp_path, images[1], models=[model]))
    if torch.cuda.is_available():
        assert trial.status == "done"
    else:
        assert "NVIDIA driver" in trial.status  # it came as far as looking for one


@pytest.mark.slow
def test_a_killed_parent_leaves_no_process_behind_and_loses_nothing(images, net, whole, tmp_path):
    spec = spec_of(images, net)
    parent = started(spec, tmp_path, images)
    wait_for_epochs(tmp_path / spec.key, 1)
    below = processes_below(parent.pid)
    assert len(below) == 2  # the nursery and the trial
    parent.kill()
    parent.wait()
    wait_until_gone(below)
    left = Journal(tmp_path / spec.key)
    assert 1 <= len(left.curve()) < EPOCHS
    (trial,) = run_here([spec], tmp_path, images)
    assert numbers(trial) == numbers(whole)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1], ids=["nursery", "trial"])
def test_a_killed_process_is_taken_up_again_from_its_last_epoch(images, net, whole, tmp_path, victim):
    spec = spec_of(images, net)
    parent = started(spec, tmp_path, images)
    wait_for_epochs(tmp_path / spec.key, 2)
    os.kill(processes_below(parent.pid)[victim], signal.SIGKILL)
    assert finished(spec, tmp_path) is None
    assert 2 <= len(unfinished(spec, tmp_path).curve) < EPOCHS
    assert unfinished(spec, tmp_path).accuracy is None
    assert parent.wait(timeout=280) == 0
    assert numbers(finished(spec, tmp_path)) == numbers(whole)


@pytest.mark.slow
def test_two_processes_never_write_one_journal(images, net, whole, tmp_path):
    spec = spec_of(images, net)
    first, second = (started(spec, tmp_path, images) for _ in range(2))
    assert (first.wait(timeout=280), second.wait(timeout=280)) == (0, 0)
    lines = Journal(tmp_path / spec.key).lines.read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, EPOCHS + 1))
    assert numbers(finished(spec, tmp_path)) == numbers(whole)


@pytest.mark.slow
def test_leaving_early_ends_the_processes(images, net, tmp_path):
    specs = [spec_of(images, net, seed=seed) for seed in (1, 2)]
    of_other_tests = processes_below(os.getpid())  # a browser, for example
    trials = run(specs, tmp_path, Local(tmp_path, images[1]))
    assert next(trials).status == "done"
    below = set(processes_below(os.getpid())).difference(of_other_tests)
    assert below
    trials.close()
    wait_until_gone(below)
    assert finished(specs[1], tmp_path) is None


@pytest.mark.slow
def test_divergence_and_failure_are_results(images, net, tmp_path):
    wild, missing = spec_of(images, net, learning_rate=1e30), spec_of(images, net.replace(":net", ":nothing"))
    found = {trial.model: trial for trial in run_here([wild, missing], tmp_path, images, slots=2)}
    assert found[net].status.startswith("diverged in step ")
    assert found[net].accuracy is None
    assert found[missing.model].status.startswith("failed: ")
    assert "nothing" in found[missing.model].status


HUNGRY = """
import resource, torch
from torch import nn
LIMIT = {limit}
class Hungry(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(512, 10))
        self.calls = 0
    def forward(self, x):
        self.calls += self.training
        if self.training and self.calls > 8:
            torch.empty(len(x) << 28)  # a GiB an image, never touched
        return self.inner(x)
def net():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, resource.getrlimit(resource.RLIMIT_AS)[1]))
    return Hungry()
"""


@pytest.mark.slow
def test_what_does_not_fit_the_memory_alone_says_so_and_keeps_its_epochs(images, tmp_path):
    # 20 images a batch ask for 20 GiB; the rest of the process needs less than 15.
    (tmp_path / "hungry.py").write_text(HUNGRY.format(limit=20 << 30))
    hungry = f"{tmp_path}/hungry.py:net"
    fine, first, second = (
        spec_of(images, hungry, seed=seed, batch_size=size, learning_rate=1e-4)
        for seed, size in ((1, 2), (2, 20), (3, 20))
    )
    trials = run([fine, first, second], tmp_path, Local(tmp_path, images[1], slots=3))
    assert next(trials).status == "done"
    with pytest.raises(OutOfMemoryError) as caught:
        next(trials)
    assert caught.value.spec.settings.batch_size == 20
    assert Journal(tmp_path / caught.value.spec.key).end().outcome is TrialOutcome.OUT_OF_MEMORY
    smaller = replace(first, numerics=replace(first.numerics, micro_batch=5))
    (trial,) = run_here([smaller], tmp_path, images)
    assert trial.status == "done"
    assert trial.numerics.micro_batch == 5


SHORT_FOR_A_WHILE = """
import resource, torch
from pathlib import Path
from torch import nn
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(64 << 20, dtype=torch.uint8).fill_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.calls = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), 0
    def forward(self, x):
        self.calls += self.training
        if self.training and self.calls == 30:
            said = Path(__file__).with_name("faults.txt")
            first = not said.exists()
            with said.open("a") as file:
                print(min(faults() for _ in range(10)), file=file)
            if first:
                raise MemoryError
        return self.inner(x)
def net():
    return Net()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="it is glibc that is asked")
@pytest.mark.parametrize("on_ray", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["here", "on Ray"])
def test_where_memory_is_short_none_is_kept_before_a_batch_is_divided(images, tmp_path, on_ray):
    (tmp_path / "net.py").write_text(SHORT_FOR_A_WHILE)
    spec = spec_of(images, f"{tmp_path}/net.py:net", learning_rate=1e-4)
    if on_ray:
        pytest.importorskip("ray")
        executor = RayTasks(tmp_path, images[0], address="local", gpu=False)
    else:
        executor = Local(tmp_path, images[1])
    (trial,) = run([spec], tmp_path, executor)
    assert (trial.status, trial.numerics.micro_batch) == ("done", None)
    assert executor.returns_memory
    kept, given_back = map(int, (tmp_path / "faults.txt").read_text().split())
    assert 20 * kept < given_back


def trials_among(numbers):
    """Return those of the processes that run a trial as a task of Ray."""
    return [number for number in numbers if Path(f"/proc/{number}/cmdline").read_bytes().startswith(b"ray::train_here")]


@pytest.mark.slow
def test_a_killed_ray_worker_goes_on_to_the_numbers_of_home(images, net, whole, tmp_path):
    pytest.importorskip("ray")
    spec = spec_of(images, net)
    process = started(spec, tmp_path, images, ON_RAY, "local", stdout=subprocess.PIPE, text=True)
    wait_for_epochs(tmp_path / spec.key, 1, seconds=400)
    below = processes_below(process.pid)
    workers = trials_among(below)
    assert workers  # the second one may still be starting
    before = len(Journal(tmp_path / spec.key).curve())
    for number in workers:
        os.kill(number, signal.SIGKILL)
    stdout, _ = process.communicate(timeout=280)
    assert process.returncode == 0
    assert stdout == ""
    assert before < EPOCHS
    assert numbers(finished(spec, tmp_path)) == numbers(whole)
    assert finished(replace(spec, seed=2), tmp_path).status == "done"
    wait_until_gone(below)


WITH_TOKEN = {"RAY_AUTH_TOKEN": "0123456789abcdef" * 4}


@contextlib.contextmanager
def machine_of_a_cluster(*options):
    """Yield the process of `ray start`, of a cluster that asks for a token; all below it is killed in the end."""
    command = [Path(sys.executable).with_name("ray"), "start", *options, "--num-cpus=1", "--disable-usage-stats"]
    settings = os.environ | WITH_TOKEN | {"RAY_AUTH_MODE": "token"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*command, "--block"], env=settings, **pipes) as process:
        try:
            said = ""
            for line in process.stdout:
                said += line
                if "Ray runtime started" in line:
                    break
            assert process.poll() is None, said
            yield process
        finally:
            kill_with_all_below(process.pid)


def kill_with_all_below(number):
    for process_id in (*processes_below(number), number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


@pytest.mark.slow
def test_a_lost_machine_of_a_ray_cluster_changes_no_number(images, net, whole, tmp_path):
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    head = ("--head", "--node-ip-address=127.0.0.1", f"--port={address[10:]}", "--include-dashboard=false")
    with (
        machine_of_a_cluster(*head),
        machine_of_a_cluster(f"--address={address}", "--node-ip-address=127.0.0.2") as second_machine,
    ):
        spec = spec_of(images, net)
        settings = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_MODE"} | WITH_TOKEN
        process = started(spec, tmp_path, images, ON_RAY, address, env=settings)
        try:
            end = time.monotonic() + 200
            while not trials_among(processes_below(second_machine.pid)):
                assert time.monotonic() < end
                time.sleep(0.01)
            kill_with_all_below(second_machine.pid)
            assert process.wait(200) == 0
        finally:
            process.kill()
    assert numbers(finished(spec, tmp_path)) == numbers(whole)
    assert finished(replace(spec, seed=2), tmp_path).status == "done"


def test_without_ray_the_error_says_what_to_install(images, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DiagnoseError, match="not installed") as caught:
        RayTasks(tmp_path, images[0], address="local", gpu=False)
    assert "pip install 'ray" in caught.value.hint
    assert caught.value.exit_code == USAGE


def test_a_torn_line_is_no_epoch(tmp_path):
    journal = Journal(tmp_path)
    for epoch in (1, 2):
        journal.append(EpochResult(epoch, 1.0, 0.5, 0.1))
    with journal.lines.open("a") as file:
        file.write(json.dumps({"epoch": 3, "train_loss": 0.1})[:-4])
    assert [result.epoch for result in journal.curve()] == [1, 2]
