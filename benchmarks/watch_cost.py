"""What `diagnose watch` costs: the CPU time of a training step with the hooks, divided by that without them.

ResNet-18 at 32×32 and batch 128 on one core. Processes with and without hooks take turns; the first steps, in which the
hooks look more closely and torch warms up, are left out. On a busy machine the shortest steps say more.

Usage: python benchmarks/watch_cost.py [ROUNDS [STEPS]]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from diagnose.watch.launch import STARTUP

BUDGET = 1.05
"""The most that a step may cost, as a multiple of the step without hooks."""

WARM_UP = 3

SCRIPT = """
import sys, time
import torch
from torch.utils.data import DataLoader, TensorDataset
from torchvision.models import resnet18

torch.set_num_threads(1)
steps = int(sys.argv[1])
data = TensorDataset(torch.randn(128, 3, 32, 32), torch.arange(128) % 10)
net = resnet18(num_classes=10)
optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=5e-4)
criterion = torch.nn.CrossEntropyLoss()
times = []
for epoch in range(steps):
    for x, y in DataLoader(data, 128, shuffle=True):
        start = time.process_time()
        optimizer.zero_grad()
        criterion(net(x), y).backward()
        optimizer.step()
        times.append(time.process_time() - start)
print(times)
"""


def step_seconds(steps: int, *, hooks: bool) -> list[float]:
    """Return the CPU seconds of each step after the warm-up."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "train.py"
        script.write_text(SCRIPT)
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        if hooks:
            options = {"folder": folder, "batches": None, "epochs": None, "seconds": None}
            environment |= {"DIAGNOSE_WATCH": json.dumps(options), "PYTHONPATH": str(STARTUP)}
        command = [sys.executable, str(script), str(WARM_UP + steps)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert bool(list(Path(folder).glob("*.jsonl"))) == hooks
        return [float(second) for second in json.loads(done.stdout)[WARM_UP:]]


def main(rounds: int = 2, steps: int = 6) -> int:
    """Print the median and the shortest step of both; return 1 where the latter's ratio is above the budget."""
    plain: list[float] = []
    watched: list[float] = []
    for i in range(rounds):
        for hooks in (False, True) if i % 2 else (True, False):
            (watched if hooks else plain).extend(step_seconds(steps, hooks=hooks))
    for word, of in (("median", statistics.median), ("shortest", min)):
        without, with_hooks = of(plain), of(watched)
        times = f"without hooks {without:.4f} s, with hooks {with_hooks:.4f} s"
        print(f"{word} step {times}: {with_hooks / without:.3f} times")
    return int(min(watched) / min(plain) > BUDGET)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
