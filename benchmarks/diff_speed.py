"""How long aligning takes: equal chains of growing length, and a chain of 10,000 operations against an edited copy.

Usage: python benchmarks/diff_speed.py
"""

from __future__ import annotations

import random
import time

from diagnose.graph.align import align
from diagnose.values import Graph, Node


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
    """Return the CPU time of one alignment."""
    start = time.process_time()
    align(a, b)
    return time.process_time() - start


def main() -> None:
    """Print a row per length, then the edited copies."""
    print("operations  equal graphs, s  per operation, µs")
    for length in (1_000, 2_000, 5_000, 10_000, 20_000, 50_000):
        taken = seconds(chain(length), chain(length))
        print(f"{length:>10,}  {taken:>15.2f}  {1e6 * taken / length:>17.1f}")
    for edits in (1, 10, 100, 500):
        print(f"10,000 operations, {edits} left out: {seconds(chain(10_000), chain(10_000, edits=edits)):.2f} s")


if __name__ == "__main__":
    main()
