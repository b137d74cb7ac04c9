"""Where the CPU time of `diagnose diff` goes: each stage's own seconds, what it calls left out.

Usage: python benchmarks/diff_cost.py [A B [SHAPE]]
"""

from __future__ import annotations

import sys
import time

START = time.process_time()

from collections.abc import Callable  # noqa: E402
from functools import wraps  # noqa: E402
from importlib import import_module  # noqa: E402
from typing import Any  # noqa: E402

STAGES = (
    ("build", "diagnose.diff.run", "networks.build"),
    ("export", "diagnose.diff.capture.export", "torch.export.export"),
    ("capture beyond export", "diagnose.diff.align.captures", "capture"),
    ("canonicalise", "diagnose.diff.capture.capture", "_form"),
    ("align", "diagnose.diff.align.captures", "align"),
    ("transplant", "diagnose.diff.compare", "set_up_transplant"),
    ("proof", "diagnose.diff.compare", "prove"),
    ("the rules' own proof", "diagnose.diff.compare", "canonical_form_reproduces"),
    ("stress", "diagnose.diff.compare", "stress"),
    ("pair free weights", "diagnose.diff.compare", "set_up_experiment"),
    ("localise", "diagnose.diff.compare", "all_changes"),
    ("initial weights", "diagnose.diff.compare", "initial_weights"),
    ("explain", "diagnose.diff.compare", "cosmetic_findings"),
    ("module tree", "diagnose.diff.compare", "module_tree"),
    ("the rest of diff", "diagnose.diff.run", "compare_networks"),
    ("the rest of compare", "diagnose.diff.run", "examine"),
    ("report", "diagnose.diff.report", "diff_report"),
    ("render", "diagnose.render", "render"),
)
"""Each stage with the name under which its function is called; one that is not there any more is an error."""

NEEDED = ("export", "proof")
"""What the budget leaves out beside importing and building: the exports and the proof by numbers."""

BUDGET = 3.0


class Clock:
    """Adds up each stage's own CPU time and the number of its calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self._running: list[tuple[str, float]] = []

    def watch(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a clock around it."""

        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            self._running.append((stage, 0.0))
            try:
                return function(*args, **kwargs)
            finally:
                taken = time.process_time() - start
                _, below = self._running.pop()
                self.seconds[stage] = self.seconds.get(stage, 0.0) + taken - below
                self.calls[stage] = self.calls.get(stage, 0) + 1
                if self._running:
                    name, inner = self._running[-1]
                    self._running[-1] = (name, inner + taken)

        return watched


def watched(clock: Clock) -> None:
    """Put the clock around every stage."""
    for stage, module, path in STAGES:
        *owners, name = path.split(".")
        owner: Any = import_module(module)
        for attribute in owners:
            owner = getattr(owner, attribute)
        setattr(owner, name, clock.watch(stage, getattr(owner, name)))


def main(arguments: list[str]) -> None:
    """Run one diff under the clock and print a row per stage."""
    a, b, *shape = arguments or ["torch", "mm"]
    import torch._dynamo
    import torch.export
    import torchvision

    if any(text in ("mm", "prodpoly") or text.startswith(("mmpretrain:", "pinet", "resnet_norelu")) for text in (a, b)):
        from diagnose.networks.origins.from_mmpretrain import load

        load()
    import diagnose.diff.report
    import diagnose.diff.run
    import diagnose.render
    from diagnose.networks.inputs import parse_input

    clock = Clock()
    watched(clock)
    imported = time.process_time() - START
    compared = diagnose.diff.run.compare(a, b, asked=tuple(map(parse_input, shape)))
    diagnose.render.render(diagnose.diff.report.diff_report(compared), "terminal")
    print(f"diff {a} {b}: {compared.verdict}; torch {torch.__version__}, torchvision {torchvision.__version__}")
    print(f"{'import':26} {imported:7.2f} s of CPU time")
    for stage, _, _ in STAGES:
        if stage in clock.seconds:
            print(f"{stage:26} {clock.seconds[stage]:7.2f}   in {clock.calls[stage]} calls")
    own = sum(seconds for stage, seconds in clock.seconds.items() if stage not in (*NEEDED, "build"))
    print(f"{'all but import and build':26} {sum(clock.seconds.values()) - clock.seconds['build']:7.2f}")
    print(f"{'beyond ' + ' and '.join(NEEDED):26} {own:7.2f}   at most {BUDGET:g}")


if __name__ == "__main__":
    main(sys.argv[1:])
