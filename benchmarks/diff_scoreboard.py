"""The diff engine's scoreboard: every rewrite and every planted difference on every architecture it applies to.

Usage: python benchmarks/diff_scoreboard.py [--ci] [PART OF A KIND …]
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from diagnose.diff.compare import Model, diff
from diagnose.values import InputSpec
from tests.diff.architectures import ARCHITECTURES, INPUT
from tests.diff.harness import PER_KIND, names_place, pairs, real
from tests.diff.plants import PLANTS
from tests.diff.rewrites import REWRITES


def main(arguments: list[str]) -> None:
    """Print every wrong answer, then the score of each half."""
    most = PER_KIND if "--ci" in arguments else None
    wanted = [word for word in arguments if word != "--ci"]
    for title, edits in (("equivalent rewrites", REWRITES), ("planted differences", PLANTS)):
        chosen = {kind: edit for kind, edit in edits.items() if not wanted or any(word in kind for word in wanted)}
        score: Counter[bool] = Counter()
        kinds = set()
        for kind, pair in ((kind, pair) for kind, edit in chosen.items() for pair in pairs(edit, most)):
            answer = diff(Model("a", pair.original), Model("b", pair.edited), [InputSpec(INPUT)], initial=False)
            if edits is REWRITES:
                right = answer.verdict == "equivalent" and not real(answer)
            else:
                right = answer.verdict == "different" and names_place(answer, pair.places)
            score[right] += 1
            kinds.add(kind)
            if not right:
                place = f"{pair.architecture} at {pair.places[:2]}"
                print(f"WRONG  {kind} on {place}: {answer.verdict}; {real(answer)[:3]}", flush=True)
        print(
            f"{title}: {score[True]} of {score.total()} right, {len(kinds)} kinds, {len(ARCHITECTURES)} architectures",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
