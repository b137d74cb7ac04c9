"""A reported number: which convention, input or small edit of the network gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import nn

from diagnose.count.flops.count import count_operations
from diagnose.count.flops.edits import EDITS
from diagnose.count.flops.peers import fvcore_causes
from diagnose.count.reported import parse_reported
from diagnose.values import FlopTable, InputSpec, Reported

SIDES = (32, 64, 96, 112, 128, 160, 176, 192, 224, 240, 256, 288, 299, 300, 320, 331, 384, 448, 480, 512)
"""Heights and widths that image classification networks are published at."""

_UNIT = re.compile(r"(?P<number>.*?)\s*(?:flops?|macs?|mult-?adds?|madds?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FlopCandidate:
    """A way to the reported number: a convention, an input, and the edits of the network that it takes.

    `value` was counted on the network so edited; `fits` names the readings it satisfies, "rounded" or "truncated".
    """

    value: int
    convention: str
    input: str
    edits: tuple[str, ...]
    source: str
    fits: tuple[str, ...]


Convention = tuple[str, str, Callable[[nn.Module, FlopTable], int]]
"""What is counted, who counts so, and the figure."""


def parse_reported_work(text: str) -> Reported:
    """Parse "0.56G", "4.09 GFLOPs" or "1.8e9 MACs"; raise DiagnoseError for anything else.

    The word behind the number is not believed: papers write FLOPs for MACs.
    """
    match = _UNIT.fullmatch(text.strip())
    return parse_reported(match["number"] if match else text)


def _without(kinds: tuple[str, ...]) -> Callable[[nn.Module, FlopTable], int]:
    return lambda model, table: sum(row.macs for row in table.rows if row.kind not in kinds)


_ATTENTION = ("attention", "product of activations")
CONVENTIONS: tuple[Convention, ...] = (
    ("MACs", "", lambda model, table: table.macs),
    ("2 × MACs", "FlopCounterMode of torch", lambda model, table: 2 * table.macs),
    ("2 × MACs and every other operation", "", lambda model, table: table.flops),
    (
        "MACs with norms and pooling, without fused attention",
        "fvcore",
        lambda model, table: table.macs + sum(fvcore_causes(model, table).values()),
    ),
    ("MACs without attention and other products of activations", "", _without(_ATTENTION)),
    ("2 × MACs without attention and other products of activations", "", lambda m, t: 2 * _without(_ATTENTION)(m, t)),
    ("MACs of convolutions alone", "", lambda m, t: sum(row.macs for row in t.rows if row.kind == "convolution")),
    ("MACs without the head", "", lambda m, t: sum(row.macs for row in t.rows if row.place.stage != "head")),
)
PLAIN = CONVENTIONS[:2]
"""The conventions that are tried with another input or an edited network."""


def find_candidates(
    reported: Reported, model: nn.Module, table: FlopTable, rebuilt: Callable[[], nn.Module]
) -> tuple[FlopCandidate, ...]:
    """Return the ways to a reported number, the plainest first: as it is, at another input, with an edit.

    `table` holds the forward pass of `model`; `rebuilt` builds the model anew on the meta device, to be edited. A
    convention that gives the same number as a plainer one is left out.
    """
    found: list[FlopCandidate] = []
    found += _fitting(reported, model, table, CONVENTIONS, edits=(), source="")
    for inputs in _other_inputs(table.inputs):
        other = count_operations(model, (inputs,))
        if isinstance(other, FlopTable):  # some networks take one size alone
            found += _fitting(reported, model, other, PLAIN, edits=(), source="")
    for edit in EDITS:
        edited = rebuilt()
        if not edit.apply(edited):
            continue
        other = count_operations(edited, (table.inputs,))
        if isinstance(other, FlopTable):
            found += _fitting(reported, edited, other, PLAIN, edits=(edit.text,), source=edit.source)
    unlike: dict[tuple[int, str, tuple[str, ...]], FlopCandidate] = {}
    for candidate in found:
        unlike.setdefault((candidate.value, candidate.input, candidate.edits), candidate)
    return tuple(unlike.values())


def met(candidates: tuple[FlopCandidate, ...], table: FlopTable) -> bool:
    """Return whether some convention gives the number on the network as it is, at its own input."""
    own = ", ".join(map(str, table.inputs))
    return any(not candidate.edits and candidate.input == own for candidate in candidates)


def _fitting(
    reported: Reported,
    model: nn.Module,
    table: FlopTable,
    conventions: tuple[Convention, ...],
    *,
    edits: tuple[str, ...],
    source: str,
) -> Iterator[FlopCandidate]:
    for text, counted_by, figure in conventions:
        value = figure(model, table)
        fits = reported.readings(value)
        if fits:
            inputs = ", ".join(map(str, table.inputs))
            yield FlopCandidate(value, text, inputs, edits, source or counted_by, fits)


def _other_inputs(inputs: tuple[InputSpec, ...]) -> Iterator[tuple[InputSpec, ...]]:
    """Yield the usual sizes of an image, where the model takes one square image."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[2] != inputs[0].shape[3]:
        return
    shape = inputs[0].shape
    for side in SIDES:
        if side != shape[2]:
            yield (InputSpec((*shape[:2], side, side), inputs[0].dtype),)
