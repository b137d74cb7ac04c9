"""What a diff says of the paths through two networks: branches on values, and what random numbers choose."""

from __future__ import annotations

from collections.abc import Mapping

from diagnose.diff.align.captures import AlignedCaptures
from diagnose.diff.capture.paths import RandomPaths
from diagnose.values import DifferenceKind, Finding, Significance


def path_findings(pairs: Mapping[bool, AlignedCaptures], apart: tuple[str, float] | None) -> list[Finding]:
    """Return what is known of paths that the compared graphs do not show; `apart` are inputs that take another one."""
    found: list[Finding] = []
    for training, pair in pairs.items():
        found += _random(pair, training=training)
        found += _branches(pair, apart)
    return list({finding.message: finding for finding in found}.values())


def open_branches(pair: AlignedCaptures) -> bool:
    """Say whether a branch of either network was followed one way alone, or leads to other graphs."""
    return bool(pair.a.branches or pair.b.branches) and not both_ways(pair)


def both_ways(pair: AlignedCaptures) -> int:
    """Return how many branches were followed both ways and lead to equal graphs in A and B; 0 where any does not."""
    ways = [[branch.other for branch in side.branches] for side in (pair.a, pair.b)]
    return len(ways[0]) if ways[0] == ways[1] and None not in ways[0] else 0


def _branches(pair: AlignedCaptures, apart: tuple[str, float] | None) -> list[Finding]:
    if not open_branches(pair):
        return []
    lines = {name: tuple(dict.fromkeys(branch.source for branch in side.branches))
             for name, side in (("A", pair.a), ("B", pair.b))}  # fmt: skip
    where = tuple(f"{line} ({name})" for name, own in lines.items() for line in own)
    if apart is not None:
        message = (
            f"what is computed depends on values that are read into Python, and on other inputs it differs: {apart[0]}"
        )
        evidence = (f"max |Δ| {apart[1]:.3g} in eval mode, with A's weights in B",)
        return [Finding(DifferenceKind.PATH, Significance.REAL, where, len(where), message, evidence)]
    message = "what is computed depends on values that are read into Python; only the path that was taken is compared"
    return [Finding(DifferenceKind.PATH, Significance.UNDETERMINED, where, len(where), message)]


def _random(pair: AlignedCaptures, *, training: bool) -> list[Finding]:
    a, b = pair.a.random, pair.b.random
    mode = f"in {'train' if training else 'eval'} mode"
    if not a.alike(b):
        message = f"{mode} a random number chooses what is computed: {_rates(a)} in A and {_rates(b)} in B"
        evidence = ("each network was captured at several quantiles of its draws, until the rate was found",)
        return [Finding(DifferenceKind.RANDOM_PATH, Significance.REAL, (), 1, message, evidence)]
    if pair.alignment.equal and a.rates and a.digests != b.digests:
        message = f"{mode} a random number chooses what is computed, at equal rates, and the paths differ"
        return [Finding(DifferenceKind.RANDOM_PATH, Significance.UNDETERMINED, (), 1, message)]
    return []


def _rates(paths: RandomPaths) -> str:
    """Say where the quantile of a draw changes the path, to three digits."""
    return f"at {', '.join(f'{rate:.3g}' for rate in paths.rates)}" if paths.rates else "nowhere"
