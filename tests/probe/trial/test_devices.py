"""What a trial asks of its machine."""

import ctypes
import subprocess
import sys

import pytest
import torch

from diagnose.probe.trial.devices import visible_gpus
from diagnose.probe.trial.journal import Journal

FAULTS = """
import resource, torch
from diagnose.probe.trial.devices import freed_memory
torch.set_num_threads(1)
for kept in KEPT:
    freed_memory(kept=kept)
def use():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(64 << 20, dtype=torch.uint8).fill_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
for _ in range(10):  # small values that come to lie between the large ones delay it
    use()
print(sum(use() for _ in range(10)))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="it is glibc that is asked")
def test_freed_memory_is_not_handed_out_page_by_page_again():
    def faults(*kept):
        code = FAULTS.replace("KEPT", str(kept))
        return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)

    few = faults(True)
    assert 20 * few < faults()
    assert 20 * few < faults(True, False)


@pytest.mark.parametrize(
    ("named", "seen", "expected"),
    [
        (None, 2, ("0", "1")),
        ("3,1", 2, ("3", "1")),
        ("1,-1,0", 1, ("1",)),
        ("", 0, ()),
        ("GPU-8f2,GPU-1a0", 1, ("GPU-8f2",)),
    ],
)
def test_the_gpus_are_those_that_torch_sees(monkeypatch, named, seen, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: seen)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == expected


def test_a_checkpoint_of_a_gpu_can_be_read_where_there_is_none(monkeypatch, tmp_path):
    journal, weight = Journal(tmp_path), torch.arange(3.0)
    with monkeypatch.context() as patched:
        patched.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        journal.keep({"model": {"weight": weight}, "optimizer": {}, "epoch": 0, "curve": []})
    state = journal.resume()
    assert state is not None
    assert torch.equal(state["model"]["weight"], weight)
