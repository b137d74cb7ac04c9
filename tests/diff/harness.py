"""Pairs of networks whose truth is known by construction, and what counts as the right answer."""

import copy
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import nn

from diagnose.values import GraphDiff, Significance
from tests.diff.architectures import ARCHITECTURES, INPUT

PER_KIND = 3
"""Architectures on which each kind runs in CI; the scoreboard runs them all."""


def twins(name: str, edit: Callable[[nn.Module], list[str]]) -> tuple[nn.Module, nn.Module, list[str]]:
    """Return an architecture, its edited copy, and the places of the edit: none where it does not apply or not run."""
    torch.manual_seed(0)
    original = ARCHITECTURES[name]()
    edited = copy.deepcopy(original)
    try:
        places = edit(edited)
        with torch.no_grad():
            edited(torch.randn(INPUT))
    except (RuntimeError, ValueError):
        places = []
    return original, edited, places


def cases(
    edits: Mapping[str, Callable[[nn.Module], list[str]]], most: int | None = PER_KIND
) -> Iterator[tuple[str, str]]:
    """Yield (kind, architecture) for each edit and the first architectures that it applies to."""
    for kind, edit in edits.items():
        fitting = (name for name in ARCHITECTURES if twins(name, edit)[2])
        yield from ((kind, name) for _, name in zip(range(most or len(ARCHITECTURES)), fitting, strict=False))


def real(answer: GraphDiff) -> list[str]:
    """Return the real findings in words."""
    return [f"{place.kind}: {place.message}" for place in answer.findings if place.verdict is Significance.REAL]


def names_place(answer: GraphDiff, places: list[str]) -> bool:
    """Say whether a real finding stands at, in or around a place, or says "one of several equal ones"."""
    for finding in answer.findings:
        if finding.verdict is not Significance.REAL:
            continue
        if "equal ones" in finding.message:
            return True
        paths = [path for place in finding.where for part in place.split(" ↔ ") for path in part.split(", ")]
        if any(_related(path, place) for path in paths for place in places):
            return True
    return False


def _related(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}.") or place.startswith(f"{path}.")
