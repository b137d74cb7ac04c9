"""How many random numbers get a ✓, for edits or as a known network's: at most 1 in 20, on ten networks.

./run python benchmarks/params_chance.py [NUMBERS]
"""

from __future__ import annotations

import random
import sys

from diagnose.networks import build
from diagnose.params.gap.chance import Chance
from diagnose.params.gap.explain import known_answer, what_stands_out
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.parameter_conventions import applicable
from diagnose.params.gap.search import search
from diagnose.params.gap.search_space import SearchSpace
from diagnose.params.index.lookup import KnownCounts
from diagnose.params.reported import parse_reported
from diagnose.params.table import count_parameters

NETWORKS = (
    "prodpoly",
    "torch",
    "torchvision:resnet50",
    "torchvision:densenet121",
    "torchvision:mobilenet_v2",
    "torchvision:vgg16",
    "torchvision:vit_b_16",
    "torchvision:swin_t",
    "torchvision:convnext_tiny",
    "torchvision:efficientnet_b0",
)
PRECISIONS = {"one decimal": "{:.1f}M", "two decimals": "{:.2f}M", "exact": None}
FARTHEST = 1.5
LISTED = 8


def main() -> None:
    """Measure and print the table."""
    numbers = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    generator = random.Random(0)
    print(f"{numbers} random numbers each, within a factor of {FARTHEST}: met, and with a ✓\n")
    print(f"{'':28}" + "".join(f"{name:>22}" for name in PRECISIONS))
    sums = dict.fromkeys(PRECISIONS, 0)
    for model in NETWORKS:
        built = build(model)
        table = count_parameters(built.module)
        layout = layout_of(table)
        space = SearchSpace(layout, applicable(table, layout.counts()))
        chance = Chance(space, known=KnownCounts(built.ref))
        cells = []
        for name, form in PRECISIONS.items():
            met = stood_out = 0
            for _ in range(numbers):
                value = table.total * FARTHEST ** generator.uniform(-1, 1)
                reported = parse_reported(form.format(value / 1e6) if form else str(int(value)))
                if reported.readings(table.total):
                    continue
                solutions = search(space, reported)
                listed = [(solution, chance.of(solution, reported)) for solution in solutions[:LISTED]]
                marked, answer = what_stands_out(listed, known_answer(reported, chance), chance)
                met += bool(solutions or (answer and answer.matches))
                stood_out += marked or bool(answer and answer.stands_out)
            sums[name] += stood_out
            cells.append(f"{met / numbers:12.0%} {stood_out / numbers:9.1%}")
        print(f"{model:28}" + "".join(cells), flush=True)
    shares = "".join(f"{'':12} {count / numbers / len(NETWORKS):9.1%}" for count in sums.values())
    print(f"{'all':28}" + shares)


if __name__ == "__main__":
    main()
