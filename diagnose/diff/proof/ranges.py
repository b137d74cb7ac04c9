"""The range of whole-number inputs: below the rows of the tables that they are looked up in, or what is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from diagnose.diff.capture.results import run
from diagnose.diff.ir.graph import Graph, Node
from diagnose.diff.ir.operation_table import base
from diagnose.diff.proof.random_weights import samples
from diagnose.networks.process_state import attributes_kept, in_mode
from diagnose.values import InputSpec

BOUNDS = (8, 4, 3, 2, 1)
"""The bounds tried where a network refuses larger numbers."""

_PASSED = frozenset({"rearrange", "slice", "expand", "_to_copy", "to", "clone", "contiguous", "shift"})
"""Operations through which an index stays an index."""


_LOOKUPS: dict[str, Callable[[Node], int | None]] = {
    "embedding": lambda node: 0,
    "embedding_bag": lambda node: 0,
    "index_select": lambda node: node.get("dim"),
    "gather": lambda node: node.get("dim"),
    "index": lambda node: _indexed_axis(node),
}
"""The operations that look indices up in a table, and which of its axes they count along."""


def _indexed_axis(node: Node) -> int | None:
    """Return the axis of a table that its one index counts along; None where there are several."""
    marks = dict(node.get("slots") or ()).get("indices", "").strip("[]")
    return marks.index("t") if marks.count("t") == 1 else None


def in_range(inputs: Sequence[InputSpec], graphs: Iterable[Graph]) -> tuple[InputSpec, ...]:
    """Return the inputs with the bound below which both networks accept their numbers, where they are looked up."""
    bounds: dict[int, int] = {}
    for graph in graphs:
        order = {node.id: index for index, node in enumerate(node for node in graph.nodes if node.op == "input")}
        for node in graph.nodes:
            found = _looked_up(graph, node)
            if found is not None and found[0] in order:
                index = order[found[0]]
                bounds[index] = min(bounds.get(index, found[1]), found[1])
    return tuple(
        replace(spec, below=max(1, bounds[index])) if index in bounds else spec for index, spec in enumerate(inputs)
    )


def _looked_up(graph: Graph, node: Node) -> tuple[int, int] | None:
    """Return the leaf that a lookup reads its indices from, and the bound of what stands there."""
    if base(node.op) not in _LOOKUPS or len(node.inputs) < 2:
        return None
    axis = _LOOKUPS[base(node.op)](node)
    if axis is None:
        return None
    names = [name for name, _ in node.get("slots") or ()]
    places = (names.index("weight"), names.index("indices")) if {"weight", "indices"} <= set(names) else (0, 1)
    shape = graph.nodes[node.inputs[places[0]]].shape
    if not shape:
        return None
    bound = shape[axis]
    current = graph.nodes[node.inputs[places[1]]]
    while current.inputs and base(current.op) in _PASSED:
        bound -= int(current.get("amount") or 0) if current.op == "shift" else 0
        current = graph.nodes[current.inputs[0]]
    return current.id, bound


def accepted(inputs: tuple[InputSpec, ...], modules: Sequence[nn.Module]) -> tuple[InputSpec, ...]:
    """Return the inputs with smaller bounds of their whole numbers, if a network refuses larger ones.

    Each network is run in eval mode, and left as it was. Where no bound helps, the inputs stay as they are.
    """
    whole = [index for index, spec in enumerate(inputs) if not spec.dtype.startswith(("float", "bfloat", "bool"))]
    if not whole or _runs(modules, inputs):
        return inputs
    for bound in BOUNDS:
        smaller = tuple(replace(spec, below=min(spec.below, bound)) if index in whole else spec
                        for index, spec in enumerate(inputs))  # fmt: skip
        if smaller != inputs and _runs(modules, smaller):
            return _widest(smaller, inputs, modules)
    return inputs


def _widest(
    smaller: tuple[InputSpec, ...], inputs: tuple[InputSpec, ...], modules: Sequence[nn.Module]
) -> tuple[InputSpec, ...]:
    """Return `smaller` with the largest bound of each input by itself that the networks accept."""
    for index, spec in enumerate(inputs):
        for bound in (spec.below, *BOUNDS):
            trial = (*smaller[:index], replace(spec, below=min(spec.below, bound)), *smaller[index + 1 :])
            if trial == smaller or _runs(modules, trial):
                smaller = trial
                break
    return smaller


def _runs(modules: Sequence[nn.Module], inputs: Sequence[InputSpec]) -> bool:
    for module in modules:
        tensors = samples(inputs, torch.Generator().manual_seed(31), torch.float32)
        try:
            with torch.no_grad(), in_mode(module, training=False), _buffers_kept(module), attributes_kept(module):
                run(module, tensors)
        except Exception:  # any network may refuse any input, in any way
            return False
    return True


@contextmanager
def _buffers_kept(module: nn.Module) -> Iterator[None]:
    buffers = {name: buffer.detach().clone() for name, buffer in module.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in module.named_buffers():
            buffer.copy_(buffers[name])
