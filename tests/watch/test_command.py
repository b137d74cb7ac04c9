"""`diagnose watch` as a user runs it: the hooks come in by the import path, into processes of the script's own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.watch.scripts import changed

pytestmark = pytest.mark.slow

DIAGNOSE = Path(sys.executable).with_name("diagnose")


def environment(**more):
    return os.environ | {"OMP_NUM_THREADS": "1"} | more


def diagnose(folder, *arguments, **more):
    command = [DIAGNOSE, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, encoding="utf-8", timeout=300, check=False
    )


def values(report):
    return {key: setting["value"] for key, setting in report["data"]["settings"].items()}


def test_a_script_with_arguments_its_output_and_its_recipe(tmp_path):
    text = changed(
        ("torch.manual_seed(3)", "import sys; torch.manual_seed(int(sys.argv[1]))"), text="print('hello')\n" + changed()
    )
    (tmp_path / "train.py").write_text(text)
    done = diagnose(
        tmp_path, "watch", "--format", "json", "--against", "paper", "--save", "o.toml", "--", "train.py", "7"
    )
    assert "hello" in done.stderr
    report = json.loads(done.stdout)
    assert (values(report)["seed"], values(report)["momentum"]) == (7, 0.9)
    differing = {row["field"] for row in report["data"]["against"]["fields"] if row["status"] == "differs"}
    assert (done.returncode, differing) == (1, {"schedule", "epochs", "batch_size"})
    again = diagnose(tmp_path, "recipe", "o.toml", "o.toml")
    assert again.returncode == 0, again.stderr


def test_nothing_differs_and_no_fault_ends_with_0_and_a_fault_with_1(tmp_path):
    (tmp_path / "right.py").write_text(changed())
    (tmp_path / "wrong.py").write_text(changed(("        optimizer.zero_grad()\n", "")))
    assert diagnose(tmp_path, "watch", "--epochs", "2", "--", "right.py").returncode == 0
    assert diagnose(tmp_path, "watch", "--epochs", "2", "--", "wrong.py").returncode == 1


def test_an_error_of_the_script(tmp_path):
    (tmp_path / "train.py").write_text(changed(("    evaluate()\n", "    raise ValueError('no such epoch')\n")))
    done = diagnose(tmp_path, "watch", "--format", "json", "--", "train.py")
    report = json.loads(done.stdout)["data"]
    assert "Traceback" in done.stderr
    assert (done.returncode, report["exit_code"], report["error"]["kind"]) == (3, 1, "ValueError")
    assert report["counts"]["steps"] == 8


def test_the_users_own_sitecustomize_runs_and_the_path_is_theirs(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("import builtins\nbuiltins.of_mine = 'it ran'\n")
    (tmp_path / "train.py").write_text(
        "import sys, torch\nours = [p for p in sys.path if 'watch' in p]\n"
        "print(of_mine, sys.modules['sitecustomize'].__file__, ours)\n"
    )
    done = diagnose(tmp_path, "watch", "--", "train.py", PYTHONPATH=str(tmp_path / "own"))
    assert f"it ran {tmp_path}/own/sitecustomize.py []" in done.stderr
    assert done.returncode == 3  # no training was seen


def test_a_python_that_takes_no_hooks_is_an_error(tmp_path):
    (tmp_path / "train.py").write_text("print('alone')\n")
    done = diagnose(tmp_path, "watch", "--", "python", "-I", "train.py")
    assert done.returncode == 3
    assert "imported torch" in done.stderr


ENDLESS = changed(
    ("range(4)", "range(10**6)"), ("    evaluate()\n", "    evaluate()\n    print('epoch', epoch, flush=True)\n")
)


def _begun(tmp_path, *arguments):
    """Start to watch a script that would run for very long, and wait for its third epoch."""
    (tmp_path / "train.py").write_text(ENDLESS)
    command = [DIAGNOSE, "watch", "--format", "json", *arguments, "--", "train.py"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        start_new_session=True,
    )  # fmt: skip
    while "epoch 2" not in process.stderr.readline():
        assert process.poll() is None
    return process


def test_ctrl_c_keeps_what_was_seen(tmp_path):
    process = _begun(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    report = json.loads(output)
    assert process.returncode == 130
    assert report["data"]["ending"] == "interrupted"
    assert report["data"]["counts"]["epochs"] >= 3
    assert values(report)["momentum"] == 0.9
    assert values(report)["epochs"] is None


def test_a_kill_of_all_leaves_the_observations(tmp_path):
    process = _begun(tmp_path, "--log", "seen")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    report = json.loads(diagnose(tmp_path, "watch", "--read", "seen", "--format", "json").stdout)
    assert report["data"]["ending"] == "unknown"
    assert values(report)["momentum"] == 0.9
    assert report["data"]["counts"]["steps"] >= 24


def test_a_termination_ends_the_script_too(tmp_path):
    process = _begun(tmp_path)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert json.loads(output)["data"]["counts"]["epochs"] >= 3
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_seconds_end_a_script(tmp_path):
    (tmp_path / "train.py").write_text(ENDLESS)
    start = time.monotonic()
    done = diagnose(tmp_path, "watch", "--seconds", "10", "--format", "json", "--", "train.py")
    assert json.loads(done.stdout)["data"]["ending"] == "after the seconds that were asked for"
    assert (done.returncode, time.monotonic() - start < 120) == (0, True)


RANKS = changed(
    ("torch.manual_seed(3)", "import torch.distributed as dist\ndist.init_process_group('gloo')\ntorch.manual_seed(3)"),
    (
        "train_loader = DataLoader(train, batch_size=8, shuffle=True)",
        "sampler = torch.utils.data.distributed.DistributedSampler(train)\n"
        "train_loader = DataLoader(train, batch_size=8, sampler=sampler)",
    ),
    ("optimizer = ", "model, net = net, nn.parallel.DistributedDataParallel(net)\noptimizer = "),
    ("    train_epoch()\n", "    sampler.set_epoch(epoch)\n    train_epoch()\n"),
)


def test_two_ranks_are_told_apart(tmp_path):
    (tmp_path / "train.py").write_text(RANKS + "dist.destroy_process_group()\n")
    command = ("torchrun", "--standalone", "--nproc-per-node", "2", "train.py")
    done = diagnose(tmp_path, "watch", "--format", "json", "--", *command)
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr[-3000:]
    assert values(report)["batch_size"] == 16
    assert values(report)["train_images"] == 80
    assert [fact["value"] for fact in report["data"]["facts"] if fact["kind"] == "ranks"] == ["2"]
    assert report["data"]["faults"] == []
