"""A network as the gap search sees it: groups of equal blocks, each a tuple of layers with their shapes.

An edit changes a group or the number of times it stands; a count is then a sum over groups, in integers. Nothing here
holds a tensor, so that thousands of edited networks can be counted in a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import numpy as np
import numpy.typing as npt

from diagnose.networks.anatomy import NORMS, PARAMETRIZED
from diagnose.values import BufferRow, ParamRow, ParamTable

Shape = tuple[int, ...]
Counts = npt.NDArray[np.int64]
"""Elements per cell: what every counting convention is a weighted sum of."""

PARTS = ("classifier", "norm", "embedding", "other")
CELLS = (
    *((part, trainable, used) for part in PARTS for trainable in (True, False) for used in (True, False)),
    ("running statistics", False, True),
    ("other buffers", False, True),
    ("tied again", True, True),
)
_INDEX = {cell: i for i, cell in enumerate(CELLS)}


@dataclass(frozen=True)
class Layer:
    """One module that owns tensors: `parameters` and `statistics` are (local name, shape) in order.

    `tied` are the elements of parameters counted elsewhere; `path` is empty for the model itself, and for a layer that
    an edit has `added`.
    """

    path: str
    kind: str
    branch: str
    parameters: tuple[tuple[str, Shape], ...]
    statistics: tuple[tuple[str, Shape], ...] = ()
    other_buffers: int = 0
    tied: int = 0
    trainable: bool = True
    used: bool = True
    classifier: bool = False
    added: bool = False

    @property
    def weight(self) -> Shape:
        """Return the shape of the first tensor of two or more dimensions, or ()."""
        return next((shape for _, shape in self.parameters if len(shape) >= 2), ())

    @property
    def biased(self) -> bool:
        """Return whether the layer has a bias besides its weight."""
        return any("bias" in name for name, _ in self.parameters)

    @property
    def is_convolution(self) -> bool:
        """Return whether the layer is a convolution of any kernel and grouping."""
        return self.kind.endswith("convolution")

    @property
    def is_bare(self) -> bool:
        """Return whether no layer's own rule tells what the shapes mean: bare parameters, and parts of a weight."""
        return self.kind == "bare parameter" or self.kind.endswith(PARAMETRIZED)

    @property
    def is_norm(self) -> bool:
        """Return whether the layer is a normalisation layer."""
        return self.kind in NORMS

    @cached_property
    def counts(self) -> tuple[tuple[int, int], ...]:
        """Return (cell index, elements) of every cell that is not empty."""
        kinds = {self.classifier: "classifier", self.is_norm: "norm", self.kind == "embedding": "embedding"}
        by_cell = (
            ((kinds.get(True, "other"), self.trainable, self.used), _elements(self.parameters)),
            (("running statistics", False, True), _elements(self.statistics)),
            (("other buffers", False, True), self.other_buffers),
            (("tied again", True, True), self.tied),
        )
        return tuple((_INDEX[cell], elements) for cell, elements in by_cell if elements)


def _elements(tensors: tuple[tuple[str, Shape], ...]) -> int:
    return sum(math.prod(shape) for _, shape in tensors)


@dataclass(frozen=True)
class LayerGroup:
    """`count` equal blocks of a stage in a row, or the layers of a stem, a transition or a head (`is_block` False)."""

    stage: str
    layers: tuple[Layer, ...]
    count: int = 1
    is_block: bool = False
    paths: tuple[str, ...] = ()

    @cached_property
    def unit(self) -> Counts:
        """Return the counts of one of the blocks."""
        counts = [0] * len(CELLS)
        for layer in self.layers:
            for cell, elements in layer.counts:
                counts[cell] += elements
        return np.array(counts, dtype=np.int64)

    def with_layers(self, layers: Iterable[Layer]) -> LayerGroup:
        """Return the group with other layers."""
        return replace(self, layers=tuple(layers))

    @cached_property
    def width(self) -> int:
        """Return the channels that one block puts out, 0 where no weight tells."""
        shortcut = [layer.weight for layer in self.layers if layer.branch == "shortcut" and layer.weight]
        if shortcut:
            return shortcut[-1][0]
        layers = [layer for layer in self.layers if layer.weight and not layer.is_bare]
        if not layers:
            return 0
        # A gated feed-forward layer is often registered with its output projection before its second gate.
        restored = not any(layer.is_convolution for layer in layers) and any(
            layer.weight[0] == self.inward for layer in layers
        )
        return self.inward if restored else layers[-1].weight[0]

    @cached_property
    def inward(self) -> int:
        """Return the channels that one block takes in, 0 where no weight tells."""
        for layer in self.layers:
            if layer.weight and not layer.is_bare:
                return layer.weight[0] if "depthwise" in layer.kind else layer.weight[1]
        return 0


@dataclass(frozen=True)
class Layout:
    """A whole network: its groups in order."""

    groups: tuple[LayerGroup, ...]

    def counts(self) -> Counts:
        """Return the counts of all groups."""
        counts = np.zeros(len(CELLS), dtype=np.int64)
        for group in self.groups:
            counts += group.count * group.unit
        return counts

    @property
    def stages(self) -> tuple[str, ...]:
        """Return the names of the stages that hold blocks."""
        return tuple(dict.fromkeys(group.stage for group in self.groups if group.is_block))

    def blocks_per_stage(self) -> tuple[int, ...]:
        """Return the number of blocks of each stage."""
        return tuple(
            sum(group.count for group in self.groups if group.is_block and group.stage == stage)
            for stage in self.stages
        )

    def layers(self) -> Iterator[Layer]:
        """Yield the layers of every group, those of equal blocks once."""
        for group in self.groups:
            yield from group.layers


def layout_of(table: ParamTable) -> Layout:
    """Return the layout of a counted model; equal blocks that follow each other become one group."""
    layers = _layers(table)
    runs = []
    for (stage, block), members in groupby(layers, key=lambda item: item[0]):
        runs.append(LayerGroup(stage, tuple(layer for _, layer in members), is_block=bool(block), paths=(block,)))
    merged: list[LayerGroup] = []
    for group in runs:
        last = merged[-1] if merged else None
        if last and group.is_block and last.stage == group.stage and last.is_block and _alike(last, group):
            merged[-1] = replace(last, count=last.count + 1, paths=(*last.paths, *group.paths))
        else:
            merged.append(group)
    return Layout(tuple(merged))


def _alike(a: LayerGroup, b: LayerGroup) -> bool:
    def signature(group: LayerGroup) -> tuple[Layer, ...]:
        return tuple(replace(layer, path="") for layer in group.layers)

    return signature(a) == signature(b)


def _layers(table: ParamTable) -> list[tuple[tuple[str, str], Layer]]:
    """Return ((stage, block path), layer) of every module that owns tensors, those of a block together."""
    owned: dict[str, tuple[list[ParamRow], list[BufferRow]]] = {}
    for row in table.rows:
        owned.setdefault(row.path.rpartition(".")[0], ([], []))[0].append(row)
    for buffer in table.buffers:
        owned.setdefault(buffer.path.rpartition(".")[0], ([], []))[1].append(buffer)
    sizes = {row.path: row.parameters for row in table.rows}
    found = []
    for path, (rows, buffers) in owned.items():
        first = rows[0] if rows else buffers[0]
        found.append(((first.place.stage, first.place.block), _layer(path, first, rows, buffers, sizes)))
    order = {place: i for i, place in reversed(list(enumerate(place for place, _ in found)))}
    return sorted(found, key=lambda item: order[item[0]])


def _layer(
    path: str, first: ParamRow | BufferRow, rows: list[ParamRow], buffers: list[BufferRow], sizes: dict[str, int]
) -> Layer:
    persistent = [buffer for buffer in buffers if buffer.persistent]
    return Layer(
        path=path,
        kind=first.kind,
        branch=first.place.branch,
        parameters=tuple((row.path.rpartition(".")[2], row.shape) for row in rows if row.tied_to is None),
        statistics=tuple((b.path.rpartition(".")[2], b.shape) for b in persistent if b.floating),
        other_buffers=sum(b.elements for b in persistent if not b.floating),
        tied=sum(sizes[row.tied_to] for row in rows if row.tied_to is not None),
        trainable=all(row.trainable for row in rows),
        used=all(row.used is not False for row in rows),
        classifier=first.kind == "linear" and first.place.stage == "head",
    )
