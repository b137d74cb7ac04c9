"""Two networks captured in one mode, in canonical form and aligned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from diagnose.diff.align.align import Alignment, align
from diagnose.diff.align.outputs import ResultPairs, in_order, pair_results
from diagnose.diff.canonical.canonical import POINTWISE, canonical
from diagnose.diff.capture.capture import Capture, capture
from diagnose.diff.capture.tape import CannotCapture
from diagnose.diff.ir.digest import digest
from diagnose.diff.proof.distance import same_constants
from diagnose.diff.proof.random_weights import samples
from diagnose.values import InputSpec


@dataclass(frozen=True, slots=True)
class AlignedCaptures:
    """Both networks captured and aligned in one mode; `results` says which output of A is which of B."""

    a: Capture
    b: Capture
    alignment: Alignment
    results: ResultPairs


def align_captures(a: nn.Module, b: nn.Module, inputs: Sequence[InputSpec], training: bool) -> AlignedCaptures:
    """Capture both networks in one mode in the same way, and align them in the canonical form that brings them nearer.

    Raises:
        CannotCapture: one of them can be captured in no way; it is named A or B.
    """
    generator = torch.Generator().manual_seed(0)
    drawn = samples(inputs, generator, torch.float32)
    capture_a, capture_b = (_captured(name, module, drawn, training) for name, module in (("A", a), ("B", b)))
    ways = capture_a.form.graph.capture, capture_b.form.graph.capture
    if ways[0] != ways[1]:  # only one way of capturing gives comparable graphs
        capture_a = capture_a if ways[0] == "recorder" else capture(a, drawn, training=training, recorder=True)
        capture_b = capture_b if ways[1] == "recorder" else capture(b, drawn, training=training, recorder=True)
    if capture_a.truths and capture_b.truths and capture_a.truths != capture_b.truths:
        # Weights decide which way a branch goes: both are looked at on A's path.
        capture_b = _captured("B", b, drawn, training, forced=capture_a.truths)
    capture_b = with_shared_constants(capture_a, capture_b)
    results = pair_results(capture_a, capture_b)
    capture_a, capture_b = in_order(capture_a, results.a), in_order(capture_b, results.b)
    first = align(capture_a.form.graph, capture_b.form.graph)
    if first.equal:
        return AlignedCaptures(capture_a, capture_b, first, results)
    # A 1×1 convolution is looked at as a linear layer only where that brings the two nearer to each other.
    second = [_second(side) for side in (capture_a, capture_b)]
    if [digest(side.form.graph) for side in second] == [digest(side.form.graph) for side in (capture_a, capture_b)]:
        return AlignedCaptures(capture_a, capture_b, first, results)
    linear = align(second[0].form.graph, second[1].form.graph)
    if linear.cost < first.cost:
        applied = [
            (*capture_a.form.applied, *second[0].form.applied),
            (*capture_b.form.applied, *second[1].form.applied),
        ]
        capture_a, capture_b = (
            replace(side, form=replace(side.form, applied=tuple(dict.fromkeys(rules))))
            for side, rules in zip(second, applied, strict=True)
        )
        return AlignedCaptures(capture_a, capture_b, linear, results)
    return AlignedCaptures(capture_a, capture_b, first, results)


def _second(side: Capture) -> Capture:
    constants = dict(side.constants)
    return replace(side, form=canonical(side.form.graph, POINTWISE, constants), constants=constants)


def with_shared_constants(a: Capture, b: Capture) -> Capture:
    """Return B's capture with A's digest for each constant that A holds, too, but for rounding."""
    alike = _alike(a, b)
    if not alike:
        return b
    graph = b.form.graph
    nodes = tuple(
        replace(node, attributes=alike[str(node.get("digest"))])
        if node.op == "constant" and str(node.get("digest")) in alike
        else node
        for node in graph.nodes
    )
    added = {str(dict(attributes)["digest"]): b.constants[digest] for digest, attributes in alike.items()}
    form = replace(b.form, graph=replace(graph, nodes=nodes))
    return replace(b, form=form, constants={**b.constants, **added})


def _alike(a: Capture, b: Capture) -> dict[str, tuple[tuple[str, Any], ...]]:
    """Return for the digests of B's constants the attributes of those of A that are the same but for rounding."""
    leaves_a, leaves_b = (
        {str(node.get("digest")): node for node in side.form.graph.nodes if node.op == "constant"} for side in (a, b)
    )
    found = {}
    for digest_b, node_b in leaves_b.items():
        for digest_a, node_a in leaves_a.items() if digest_b not in leaves_a else ():
            if (node_a.shape, node_a.dtype) == (node_b.shape, node_b.dtype) and digest_a not in leaves_b:
                known, tensor = a.constants.get(digest_a), b.constants.get(digest_b)
                if known is not None and tensor is not None and same_constants(known, tensor):
                    found[digest_b] = node_a.attributes
    return found


def _captured(
    name: str,
    module: nn.Module,
    drawn: tuple[Tensor, ...],
    training: bool,
    *,
    forced: Mapping[int, bool] | None = None,
) -> Capture:
    try:
        return capture(module, drawn, training=training, recorder=forced is not None, forced=forced)
    except CannotCapture as error:
        raise CannotCapture(f"{error} (in {name})") from error
