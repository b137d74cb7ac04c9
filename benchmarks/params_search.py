"""How long the gap search takes up to cost 3, and how many sets of edits it visits: under a second each.

./run python benchmarks/params_search.py
"""

from __future__ import annotations

import statistics
import time

from diagnose.networks import build
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.parameter_conventions import applicable
from diagnose.params.gap.search import search
from diagnose.params.gap.search_space import SearchSpace
from diagnose.params.reported import parse_reported
from diagnose.params.table import count_parameters

NETWORKS = {
    "prodpoly": "6.0M",
    "torch": "11.7M",
    "torchvision:resnet50": "28.1M",
    "torchvision:densenet121": "7.2M",
    "torchvision:vit_b_16": "88M",
    "torchvision:swin_t": "29M",
    "torchvision:convnext_tiny": "28.6M",
}
RUNS = 5


def main() -> None:
    """Measure and print the table."""
    print(f"{'':28} reported   edit sets   fits  CPU s  limit")
    for model, text in NETWORKS.items():
        table = count_parameters(build(model).module)
        layout = layout_of(table)
        conventions = applicable(table, layout.counts())
        seconds = []
        for _ in range(RUNS):
            start = time.process_time()
            space = SearchSpace(layout, conventions)
            found = search(space, parse_reported(text))
            seconds.append(time.process_time() - start)
        print(f"{model:28} {text:>8} {len(space.sets):11,} {len(found):6,} {statistics.median(seconds):6.2f}  1.00")


if __name__ == "__main__":
    main()
