"""Pairs of networks whose truth is known by construction, and what counts as the right answer."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from diagnose.values import GraphDiff, Significance
from tests.diff.architectures import ARCHITECTURES, INPUT

Edit = Callable[[nn.Module], list[str]]
"""What changes a network in place and returns the paths it touched."""

PER_KIND = 3
"""Architectures on which each kind runs in CI; the scoreboard runs them all."""


@dataclass(frozen=True)
class Twins:
    """An architecture, its edited copy, and the places of the edit."""

    architecture: str
    original: nn.Module
    edited: nn.Module
    places: list[str]


def twins(architecture: str, edit: Edit) -> Twins | None:
    """Return an architecture beside its edited copy; None where the edit does not apply, or the copy does not run."""
    torch.manual_seed(0)
    original = ARCHITECTURES[architecture]()
    edited = copy.deepcopy(original)
    try:
        places = edit(edited)
        with torch.no_grad():
            edited(torch.randn(INPUT))
    except (RuntimeError, ValueError):
        return None
    return Twins(architecture, original, edited, places) if places else None


def pairs(edit: Edit, most: int | None = PER_KIND) -> Iterator[Twins]:
    """Yield the edit on the first architectures that it applies to."""
    fitting = (pair for name in ARCHITECTURES if (pair := twins(name, edit)))
    return islice(fitting, most)


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
