"""Two networks captured in one mode, in canonical form and aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from diagnose.diff.align.align import Alignment, align
from diagnose.diff.canonical.canonical import POINTWISE, canonical
from diagnose.diff.capture.capture import Captured, capture
from diagnose.diff.capture.tape import CannotCapture
from diagnose.diff.ir.digest import digest
from diagnose.diff.proof.random_weights import samples
from diagnose.values import InputSpec


@dataclass(frozen=True, slots=True)
class Compared:
    """Both networks captured and aligned in one mode."""

    a: Captured
    b: Captured
    alignment: Alignment


def compared(a: nn.Module, b: nn.Module, inputs: Sequence[InputSpec], training: bool) -> Compared:
    """Capture both networks in one mode in the same way, and align them in the canonical form that brings them nearer.

    Raises:
        CannotCapture: one of them can be captured in no way; it is named A or B.
    """
    generator = torch.Generator().manual_seed(0)
    drawn = samples(inputs, generator, torch.float32)
    one, other = (_captured(name, module, drawn, training) for name, module in (("A", a), ("B", b)))
    ways = one.form.graph.capture, other.form.graph.capture
    if ways[0] != ways[1]:  # only one way of capturing gives comparable graphs
        one = one if ways[0] == "recorder" else capture(a, drawn, training=training, recorder=True)
        other = other if ways[1] == "recorder" else capture(b, drawn, training=training, recorder=True)
    first = align(one.form.graph, other.form.graph)
    if first.equal:
        return Compared(one, other, first)
    # A 1×1 convolution is looked at as a linear layer only where that brings the two nearer to each other.
    second = [replace(each, form=canonical(each.form.graph, POINTWISE)) for each in (one, other)]
    if [digest(each.form.graph) for each in second] == [digest(each.form.graph) for each in (one, other)]:
        return Compared(one, other, first)
    linear = align(second[0].form.graph, second[1].form.graph)
    if linear.cost < first.cost:
        applied = [(*one.form.applied, *second[0].form.applied), (*other.form.applied, *second[1].form.applied)]
        one, other = (
            replace(each, form=replace(each.form, applied=tuple(dict.fromkeys(rules))))
            for each, rules in zip(second, applied, strict=True)
        )
        return Compared(one, other, linear)
    return Compared(one, other, first)


def _captured(name: str, module: nn.Module, drawn: tuple[Tensor, ...], training: bool) -> Captured:
    try:
        return capture(module, drawn, training=training)
    except CannotCapture as error:
        raise CannotCapture(f"{error} (in {name})") from error
