"""How long aligning takes: equal chains of growing length, and a chain of 10,000 operations against an edited copy.

Writes reports/diff-speed.svg. Usage: python benchmarks/diff_speed.py
"""

from __future__ import annotations

import random
import time
from math import log
from pathlib import Path

import numpy as np

from diagnose.diff.align.align import align
from diagnose.diff.ir.graph import Graph, Node

PICTURE = Path(__file__).parent.parent / "reports" / "diff-speed.svg"
LENGTHS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
EDITED, EDITS, LIMIT = 10_000, (1, 10, 100, 500), 10.0
RUNS = 3


def chain(length: int, seed: int = 0, edits: int = 0) -> Graph:
    """Return a chain of convolutions, norms and activations, of which `edits` random operations are left out."""
    generator = random.Random(seed)
    kinds = [generator.choice(("conv2d", "batch_norm", "relu", "gelu")) for _ in range(length)]
    for _ in range(edits):
        del kinds[generator.randrange(len(kinds))]
    nodes = [Node(0, "input", "", (), (), (2, 8, 8, 8), name="x")]
    last = 0
    for index, kind in enumerate(kinds):
        inputs = [last]
        if kind == "conv2d":
            nodes.append(Node(len(nodes), "parameter", "", (("trainable", True),), (), (8, 8, 3, 3), name=f"w{index}"))
            inputs.append(len(nodes) - 1)
        nodes.append(Node(len(nodes), kind, f"m{index}", (), tuple(inputs), (2, 8, 8, 8)))
        last = len(nodes) - 1
    return Graph(tuple(nodes), (last,), (), True, "export")


def seconds(a: Graph, b: Graph) -> float:
    """Return the CPU time of an alignment, the least of a few runs."""
    taken = []
    for _ in range(RUNS):
        start = time.process_time()
        align(a, b)
        taken.append(time.process_time() - start)
    return min(taken)


def exponent(lengths: tuple[int, ...], taken: list[float]) -> float:
    """Return p of the power law t ∝ n^p that fits best, by least squares on logarithms."""
    return float(np.polyfit(np.log(lengths), np.log(taken), 1)[0])


def draw(taken: list[float], power: float) -> None:
    """Plot the times on double-logarithmic axes beside n and n log n through the first point."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "diagnose", "svg.fonttype": "none", "font.family": "sans-serif"}
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    n0, t0 = LENGTHS[0], taken[0]
    axes.plot(LENGTHS, [t0 * n / n0 for n in LENGTHS], ":", color="0.45", label="n")
    axes.plot(LENGTHS, [t0 * n * log(n) / (n0 * log(n0)) for n in LENGTHS], "--", color="0.45", label="n log n")
    axes.plot(LENGTHS, taken, "o-", color="#0b6485", label=f"measured, n^{power:.2f}")
    axes.set(xscale="log", yscale="log", xlabel="operations in each graph", ylabel="CPU time, s",
             title="Aligning two equal graphs")  # fmt: skip
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    """Print a row per length, the fitted exponent and the edited copies; draw the plot."""
    taken = []
    print("operations  equal graphs, s  per operation, µs  over n log n from the first")
    for length in LENGTHS:
        taken.append(seconds(chain(length), chain(length)))
        growth = taken[-1] / (taken[0] * length * log(length) / (LENGTHS[0] * log(LENGTHS[0])))
        print(f"{length:>10,}  {taken[-1]:>15.2f}  {1e6 * taken[-1] / length:>17.1f}  {growth:>27.2f}")
    power = exponent(LENGTHS, taken)
    law = exponent(LENGTHS, [n * log(n) for n in LENGTHS])
    print(f"fitted exponent {power:.3f}; n log n over the same lengths has {law:.3f}")
    for edits in EDITS:
        edited = seconds(chain(EDITED), chain(EDITED, edits=edits))
        print(f"{EDITED:,} operations, {edits} left out: {edited:.2f} s, {edited / LIMIT:.2f} of the limit")
    draw(taken, power)


if __name__ == "__main__":
    main()
