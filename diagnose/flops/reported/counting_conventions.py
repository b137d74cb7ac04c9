"""The figures that conventions and other tools make of one counted pass: what a document may mean by its number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diagnose.values import FlopRow, FlopTable

TRAINING_RULE = 3
"""A backward pass is taken for two forward passes. Source: Kaplan et al. 2020 (arXiv 2001.08361), section 2.1."""

_ATTENTION = ("attention", "product of activations")


@dataclass(frozen=True, slots=True)
class CountingConvention:
    """A convention: what it counts, the `cost` of believing that a document counts so (0 is plain), and who does."""

    text: str
    cost: float
    of: Callable[[FlopTable], int]
    source: str = ""


def _macs(chosen: Callable[[FlopRow], bool]) -> Callable[[FlopTable], int]:
    return lambda table: sum(row.macs for row in table.rows if chosen(row))


_PLAIN = CountingConvention("MACs", 0.0, lambda table: table.macs)
_TWICE = CountingConvention("2 × MACs", 0.25, lambda table: 2 * table.macs)
FORWARD = (
    _PLAIN,
    _TWICE,
    CountingConvention("2 × MACs and every other operation", 0.5, lambda table: table.flops),
    CountingConvention(
        "MACs without attention and other products of activations", 0.75, _macs(lambda row: row.kind not in _ATTENTION)
    ),
    CountingConvention(
        "2 × MACs without attention and other products of activations",
        1.0,
        lambda table: 2 * _macs(lambda row: row.kind not in _ATTENTION)(table),
    ),
    CountingConvention("MACs of convolutions alone", 0.75, _macs(lambda row: row.kind == "convolution")),
    CountingConvention("MACs without the head", 0.75, _macs(lambda row: row.place.stage != "head")),
)
"""The conventions of a forward pass."""

_ALONE = CountingConvention("MACs of the forward pass alone", 0.5, _macs(lambda row: not row.backward))
_TWICE_ALONE = CountingConvention("2 × MACs of the forward pass alone", 0.75, lambda table: 2 * _ALONE.of(table))
TRAINING = (
    _PLAIN,
    _TWICE,
    CountingConvention("2 × MACs and every other operation", 0.5, lambda table: table.flops),
    _ALONE,
    _TWICE_ALONE,
    CountingConvention(
        "3 × the MACs of the forward pass",
        0.5,
        lambda table: TRAINING_RULE * _ALONE.of(table),
        "a rule of thumb, Kaplan et al. 2020 (arXiv 2001.08361)",
    ),
    CountingConvention(
        "6 × the MACs of the forward pass",
        0.5,
        lambda table: 2 * TRAINING_RULE * _ALONE.of(table),
        "a rule of thumb, Kaplan et al. 2020 (arXiv 2001.08361)",
    ),
)
"""The conventions of a training step."""


def conventions(table: FlopTable) -> tuple[CountingConvention, ...]:
    """Return the conventions of what a table holds, the plainest first."""
    return TRAINING if table.trained else FORWARD


def plain(table: FlopTable) -> tuple[CountingConvention, ...]:
    """Return the conventions that are tried with another input or an edited network, too, the plainest first."""
    return (_PLAIN, _TWICE, _ALONE, _TWICE_ALONE) if table.trained else (_PLAIN, _TWICE)
