"""CPU time and memory of counting MACs, as ratios to FlopCounterMode and fvcore, both above what the imports take.

Every measurement is a process of its own, measured from the end of its imports on. Runs are interleaved and medians
compared. fvcore traces a real forward pass, so its model has weights. Run it on a quiet machine:
    ./run python benchmarks/flops_cost.py [RUNS]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

IMPORTS = """
import json, resource, sys, warnings
warnings.simplefilter("ignore")
import torch, torchvision
from torch.utils.flop_counter import FlopCounterMode
from fvcore.nn import FlopCountAnalysis
from diagnose.flops.count import count_operations
from diagnose.networks import build
from diagnose.values import InputSpec

sys.path.insert(0, {here!r})

def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024

begun = spent()
"""
END = "ended = spent()\nprint(json.dumps([ended[0] - begun[0], ended[1] - begun[1], value]))\n"
"""Seconds of CPU, and megabytes of peak memory, from the imports on; and the figure."""

IMAGE = "x = (InputSpec((1, 3, 224, 224)),)\n"
OURS = "value = count_operations(model, (x,)).macs\n"
MODE = """
with torch.no_grad(), FlopCounterMode(display=False) as counter:
    model(torch.empty(1, 3, 224, 224, device="meta"))
value = counter.get_total_flops() // 2
"""
FVCORE = """
model = torchvision.models.vit_h_14().eval()
begun = spent()[0], begun[1]
analysis = FlopCountAnalysis(model, torch.empty(1, 3, 224, 224))
value = int(analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total())
"""
BUILT = "begun = spent()[0], begun[1]\n"
"""Building the model takes no part in the time, but what it allocates is in the memory."""
RESNET = 'model = build("torchvision:resnet50").module\n' + BUILT + IMAGE
VIT = 'model = build("torchvision:vit_h_14").module\n' + BUILT + IMAGE
DECODER = 'model = build("decoder_7b:Decoder").module\nx = (InputSpec((1, 2048), "int64"),)\n'

SOURCES = {
    "resnet50, ours": RESNET + OURS,
    "resnet50, FlopCounterMode": RESNET + MODE,
    "vit_h_14, ours": VIT + OURS,
    "vit_h_14, fvcore": FVCORE,
    "decoder of 7 billion, ours, with building": DECODER + OURS,
}


def measured(source: str) -> list[float]:
    """Run one measurement and return seconds of CPU, megabytes and the figure."""
    code = IMPORTS.format(here=str(HERE)) + source + END
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    figures: list[float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Print the medians and the ratios that the README quotes."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seen: dict[str, list[list[float]]] = {name: [] for name in SOURCES}
    for _ in range(runs):
        for name, source in SOURCES.items():
            seen[name].append(measured(source))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in seen.items()}
    for name, (seconds, megabytes, macs) in medians.items():
        print(f"{name:45} {seconds:8.3f} s CPU  {megabytes:9.1f} MB  {int(macs):,} MACs")
    ours, mode = medians["resnet50, ours"], medians["resnet50, FlopCounterMode"]
    print(f"resnet50: {ours[0] / mode[0]:.2f} × FlopCounterMode's CPU time (at most 1)")
    ours, fvcore = medians["vit_h_14, ours"], medians["vit_h_14, fvcore"]
    print(f"vit_h_14: {fvcore[0] / ours[0]:.1f} × faster than fvcore (at least 5)")
    print(f"vit_h_14: {ours[1] / fvcore[1]:.3f} of fvcore's peak memory (at most 0.2)")
    seconds = medians["decoder of 7 billion, ours, with building"][0]
    print(f"decoder of 7 billion parameters: {seconds:.2f} s CPU (under 2)")


if __name__ == "__main__":
    main()
