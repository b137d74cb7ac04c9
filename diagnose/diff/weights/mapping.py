"""Which weights of A are which of B: read off the alignment, applied to state dicts and to gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diagnose.diff.align.align import Alignment
from diagnose.diff.ir.digest import weight_root
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.interpreter import run_operation
from diagnose.diff.ir.skeleton import Skeleton
from diagnose.values import WeightMapping, WeightPair


@dataclass(frozen=True, slots=True)
class WeightView:
    """A weight, or the part of it that the chain of views `views` reads."""

    name: str
    views: tuple[Node, ...] = ()

    def read(self, tensor: Tensor) -> Tensor:
        """Return the part of the tensor `name`."""
        for view in self.views:
            tensor = run_operation(view, (tensor,))
        return tensor


@dataclass(frozen=True, slots=True)
class WeightMatch:
    """The part `a` of A's weights holds what the part `b` of B's holds."""

    a: WeightView
    b: WeightView


def weight_matches(alignments: Iterable[Alignment]) -> tuple[WeightMatch, ...]:
    """Return the weights that matched operations read, once each; the first alignment that knows a weight decides."""
    found: dict[WeightView, WeightView] = {}
    for alignment in alignments:
        for node_a, node_b in alignment.weights:
            a, b = part_of(alignment.a, node_a), part_of(alignment.b, node_b)
            if alignment.a.graph.nodes[node_a].shape == alignment.b.graph.nodes[node_b].shape:
                found.setdefault(b, a)
    return tuple(WeightMatch(a, b) for b, a in found.items())


def backwards(matches: Iterable[WeightMatch]) -> tuple[WeightMatch, ...]:
    """Return which weights of B are which of A; one of A that several of B hold is written from the first."""
    found: dict[WeightView, WeightView] = {}
    for match in matches:
        found.setdefault(match.a, match.b)
    return tuple(WeightMatch(b, a) for a, b in found.items())


def part_of(skeleton: Skeleton, node_id: int) -> WeightView:
    """Return the weight that a graph reads at a node, with the views through which it does."""
    node = skeleton.graph.nodes[node_id]
    views: list[Node] = []
    root = weight_root(skeleton.graph, node)
    while node.inputs:
        # Without its place in a graph, a view is the same in train and in eval mode.
        views.append(replace(node, id=-1, inputs=(), module_path="", source=""))
        node = skeleton.graph.nodes[node.inputs[0]]
    return WeightView(root.name, tuple(reversed(views)))


def write(tensor: Tensor, part: WeightView, value: Tensor) -> int:
    """Write `value` into a part of a tensor, in place; return how many elements were written."""
    with torch.no_grad():
        if not part.views:
            tensor.copy_(value.reshape(tensor.shape))
        else:
            places = part.read(torch.arange(tensor.numel(), device=tensor.device).reshape(tensor.shape))
            flat = tensor.reshape(-1).clone()
            flat[places.reshape(-1)] = value.reshape(-1).to(flat.dtype)
            tensor.copy_(flat.reshape(tensor.shape))
    return value.numel()


def transplant(
    matches: Iterable[WeightMatch], source: Mapping[str, Tensor], target: Mapping[str, Tensor]
) -> dict[str, int]:
    """Write A's weights into B's tensors, in place; return how many elements of each were written."""
    written: dict[str, int] = {}
    for match in matches:
        value = match.a.read(source[match.a.name].detach())
        written[match.b.name] = written.get(match.b.name, 0) + write(target[match.b.name], match.b, value)
    return written


def as_mapping(
    matches: Iterable[WeightMatch], state_a: Mapping[str, Tensor], state_b: Mapping[str, Tensor]
) -> WeightMapping:
    """Return the mapping as a value; a weight that no match holds stands under `only_a` or `only_b`."""
    matches = tuple(matches)
    pairs = tuple(WeightPair(match.a.name, match.b.name, _transform(match)) for match in matches)
    return WeightMapping(
        pairs,
        _unmoved(state_a, {match.a.name for match in matches}),
        _unmoved(state_b, {match.b.name for match in matches}),
    )


def _unmoved(state: Mapping[str, Tensor], used: set[str]) -> tuple[str, ...]:
    """Return the names of the tensors that no match holds; a tied weight is matched under one of its names."""
    matches = {id(state[name]) for name in used}
    return tuple(name for name, tensor in state.items() if id(tensor) not in matches and not _is_counter(tensor))


def _is_counter(tensor: Tensor) -> bool:
    return not tensor.is_floating_point()


def _transform(match: WeightMatch) -> str:
    """Say how A's tensor becomes B's, in the order of the views."""
    taken = [_described(view) for view in match.a.views]
    put = [_described(view) for view in match.b.views]
    return "; ".join(filter(None, (" then ".join(taken), f"into {' then '.join(put)}" if put else "")))


def _described(view: Node) -> str:
    if view.op == "slice":
        return f"[{view.get('start')}:{view.get('stop')}] of dim {view.get('dim')}"
    if view.get("order") == (1, 0) and len(view.shape) == 2:
        return "transposed"
    return f"arranged as {'×'.join(map(str, view.shape))}"
