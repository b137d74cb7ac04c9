"""What an edited network would take, from the layout alone: which edits are worth building and counting.

A layer's MACs are its weights times the positions that each is used at, and an edit keeps the positions. Attention
has no weights: its products grow with the width of their block.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from diagnose.params.gap.layout import Layer, LayerGroup, Layout
from diagnose.values import FlopTable


class Prediction:
    """The MACs of networks near one that was counted, by its layout and table."""

    def __init__(self, layout: Layout, table: FlopTable) -> None:
        own: Counter[str] = Counter()
        for row in table.rows:
            own[row.path] += row.macs
        self._total = table.macs
        layers = {layer.path: layer for layer in layout.layers()}
        self._positions = {path: own[path] / weights for path, layer in layers.items() if (weights := _weights(layer))}
        beside: Counter[str] = Counter()
        blocks = {path for group in layout.groups if group.is_block for path in group.paths}
        for row in table.rows:
            if row.path not in self._positions and row.place.block in blocks:
                beside[row.place.block] += row.macs
        self._per_width = {
            group.paths[0]: beside[group.paths[0]] / group.width
            for group in layout.groups
            if group.is_block and group.width
        }
        self._base = self._sum(layout)

    def of(self, edited: Layout) -> float:
        """Return about how many MACs an edited layout takes."""
        return self._total * self._sum(edited) / self._base if self._base else 0.0

    def _sum(self, layout: Layout) -> float:
        return sum(group.count * sum(self._of_group(group)) for group in layout.groups)

    def _of_group(self, group: LayerGroup) -> Iterator[float]:
        positions = 0.0
        for layer in group.layers:
            positions = self._positions.get(layer.path, positions)  # a new layer stands behind the one before it
            yield _weights(layer) * positions
        yield self._beside(group)

    def _beside(self, group: LayerGroup) -> float:
        return self._per_width.get(group.paths[0], 0.0) * group.width if group.paths else 0.0


def _weights(layer: Layer) -> int:
    shapes = [shape for _, shape in layer.parameters if len(shape) >= 2]
    return 0 if layer.kind == "embedding" else sum(map(math.prod, shapes))
