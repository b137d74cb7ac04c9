"""What `diagnose report` costs: CPU seconds of the built-in case measured anew, and of drawing its report again.

./run python benchmarks/report_cost.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

MOST = {"the built-in case": 60.0, "--from, to HTML": 1.0}


def cpu_seconds(*arguments: str) -> float:
    """Return the user and system time of one run of `diagnose report`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "from diagnose.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, "report", *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print each cost beside its limit."""
    with tempfile.TemporaryDirectory() as folder:
        saved = str(Path(folder) / "report.json")
        measured = {
            "the built-in case": cpu_seconds("--fresh", "--runs", folder, "-o", saved),
            "--from, to HTML": min(cpu_seconds("--from", saved, "-o", f"{folder}/again.html") for _ in range(3)),
        }
    for name, seconds in measured.items():
        print(f"{name:20} {seconds:6.2f} s of CPU time, at most {MOST[name]:g}")


if __name__ == "__main__":
    main()
