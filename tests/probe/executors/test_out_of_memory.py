"""What ended a process, and whether it was a lack of memory, by what Linux counts and libraries say."""

import pytest
import torch

from diagnose.probe.executors.out_of_memory import first_line, is_out_of_memory, kernel_kills
from diagnose.probe.plan.timing import smaller_micro_batch


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                "proc/self/cgroup": "0::/user/probe\n",
                "sys/fs/cgroup/user/probe/memory.events": "low 0\noom 3\noom_kill 2\n",
                "proc/vmstat": "nr_free_pages 5\noom_kill 9\n",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu,memory:/box\n0::/\n",
                "sys/fs/cgroup/memory/box/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
                "proc/vmstat": "oom_kill 9\n",
            },
            4,
        ),
        ({"proc/self/cgroup": "0::/\n", "proc/vmstat": "nr_free_pages 5\noom_kill 9\n"}, 9),
        ({"proc/self/cgroup": "nonsense\n", "proc/vmstat": "torn"}, None),
        ({}, None),
    ],
    ids=["version 2", "version 1", "the machine", "torn", "not Linux"],
)
def test_the_kernels_count_is_that_of_the_control_group_where_there_is_one(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert kernel_kills(tmp_path) == expected


def test_torchs_own_error_is_a_lack_of_memory():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 55, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), True),
        (RuntimeError("CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory lane"), False),
    ],
)
def test_what_libraries_say(error, expected):
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    ("present", "batches", "expected"),
    [
        (None, [128], 64),
        (64, [128], 32),
        (None, [128, 96], 32),
        (None, [256, 192], 64),
        (8, [128], None),
        (None, [97], None),
    ],
)
def test_a_micro_batch_divides_every_batch_and_is_at_most_half(present, batches, expected):
    assert smaller_micro_batch(present, batches) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            RuntimeError("CUDA error: device-side assert triggered\nCompile with `TORCH_USE_CUDA_DSA` to enable …"),
            "RuntimeError: CUDA error: device-side assert triggered",
        ),
        (ValueError("\n\ntoo few"), "ValueError: too few"),
        (KeyError(), "KeyError"),
    ],
)
def test_an_error_is_told_in_its_first_line(error, expected):
    assert first_line(error) == expected
