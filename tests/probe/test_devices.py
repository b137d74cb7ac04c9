"""What a trial asks of its machine."""

import ctypes
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from diagnose.probe.devices import freed_memory
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
