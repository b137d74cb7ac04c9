"""Somebody else's file is data: no code, no connection, no overwritten file, no endless read, no traceback.

The inputs are run by `fuzz.py` in a process of their own, whose audit hook nothing could take away again.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("fuzz.py")
SILENCE = 40
"""Seconds without work or result after which a process is ended: it waits in a library, where no signal helps."""

AT_LEAST = 1_000


def _run(results, *options):
    """Run the inputs, one process after the other where an input ends one; return what is known of each."""
    ended, start = [], 0
    while True:
        errors = results.with_suffix(f".{start}.stderr")
        code = _process(results, errors, "--start", str(start), *options)
        lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
        ended = [line for line in lines if "end" in line]
        if code == 0:
            return ended, lines[0]["inputs"]
        begun = [line for line in lines if "begin" in line]
        assert len(begun) > len(ended), f"the process could not begin:\n{errors.read_text()[-3000:]}"
        died = {"index": begun[-1]["index"], "end": begun[-1]["begin"], "faults": [f"the process ended with {code}"]}
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(died) + "\n")
        start = died["index"] + 1


def _process(results, errors, *options):
    """Run one process to its end, or end it where it is silent; return its exit code."""
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, str(FUZZ), "--results", str(results), *options], stdout=file, stderr=file
        )
        known, since = None, time.monotonic()
        while process.poll() is None:
            time.sleep(0.5)
            written = results.stat().st_size if results.exists() else 0
            now = written, round(_busy(process.pid))
            if now != known:
                known, since = now, time.monotonic()
            elif time.monotonic() - since > SILENCE:
                process.kill()
        return process.wait()


def _busy(process):
    """Return the seconds that a process ran, or would have run had the machine had a core for it."""
    try:
        ran, waited, *_ = map(int, Path(f"/proc/{process}/schedstat").read_text().split())
    except (OSError, ValueError):
        return time.monotonic()
    return (ran + waited) / 1e9


def _row(line):
    return line["end"].rpartition(" [")[0]


def _told(line):
    """Say of one input what it did wrong and what reproduces it."""
    row = _row(line)
    command = " ".join(line.get("command", []))
    content = f"\n    its file: {line['content']!r}" if line.get("content") else ""
    wrong = "\n    ".join(line["faults"])
    again = f"./run python tests/safety/fuzz.py --only={row!r}"
    return f"{line['end']}\n    {wrong}\n    {command}{content}\n    again: {again}"


@pytest.mark.slow
def test_no_hostile_input_runs_code_connects_changes_files_hangs_or_ends_in_a_traceback(tmp_path):
    ended, planned = _run(tmp_path / "results.jsonl")
    failed = [line for line in ended if line.get("faults")]
    seconds = sum(line.get("seconds", 0) for line in ended)
    assert not failed, f"{len(failed)} of {len(ended)} inputs, {seconds:.0f} s of CPU:\n\n" + "\n\n".join(
        map(_told, failed)
    )
    assert len(ended) == planned >= AT_LEAST
    reaching = {_row(line) for line in ended if line.get("reaches")}
    assert reaching == {_row(line) for line in ended if line.get("reaches") and line["code"] == 0}


@pytest.mark.slow
def test_the_guard_notices_every_kind_of_harm(tmp_path):
    ended, planned = _run(tmp_path / "results.jsonl", "--controls")
    assert [line["end"] for line in ended if not line["faults"]] == []
    assert len(ended) == planned
