"""Edits of densely connected blocks: their growth, the compression of their transitions, and their depth."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from diagnose.params.gap.edits.edit import Edit, Edits
from diagnose.params.gap.layout import Layer, LayerGroup, Layout

_PUBLISHED_DENSE = {
    (6, 12, 24, 16): "DenseNet-121", (6, 12, 32, 32): "DenseNet-169", (6, 12, 48, 32): "DenseNet-201",
    (6, 12, 36, 24): "DenseNet-161", (6, 12, 64, 48): "DenseNet-264",
}  # fmt: skip


def dense_growth(layout: Layout) -> int:
    """Return the growth k of dense blocks, whose layers take in k channels more each, or 0."""
    inward: dict[str, list[int]] = {}
    for group in layout.groups:
        if group.is_block:
            inward.setdefault(group.stage, []).extend([group.inward] * group.count)
    steps = {b - a for run in inward.values() for a, b in pairwise(run)}
    return steps.pop() if len(steps) == 1 and min(steps) > 0 else 0


def dense(layout: Layout) -> Edits:
    """Change the growth k, the compression of the transitions, or the layers per block of a densely connected net."""
    growth = dense_growth(layout)
    if not growth:
        return "no dense blocks were found"
    now = layout.blocks_per_stage()
    made = [
        _dense_edit(f"a growth of {k} in place of {growth}", 1.0, (("growth", k),), k, None, now)
        for k in (12, 16, 24, 32, 40, 48)
        if k != growth
    ]
    transitions = [g for g in layout.groups if g.stage.startswith("transition")]
    halved = any(x.weight and x.weight[0] != x.weight[1] for g in transitions for x in g.layers)
    if transitions and halved:
        made.append(_dense_edit("transitions without compression", 1.25, (("compression", 1.0),), growth, 1.0, now))
    for shape, source in _PUBLISHED_DENSE.items():
        if len(shape) == len(now) and shape != now:
            text = f"dense layers per block {list(shape)} in place of {list(now)}"
            edit = _dense_edit(text, 1.0, (("blocks", shape),), growth, None, shape)
            made.append(replace(edit, facet="blocks", source=source))
    return made


def _dense_edit(
    text: str, cost: float, parameters: tuple[tuple[str, object], ...], growth: int, compression: float | None,
    blocks: tuple[int, ...],
) -> Edit:  # fmt: skip
    return Edit(
        "dense blocks", "widths", text, cost, parameters=parameters,
        rebuild=lambda layout: _dense_layout(layout, growth, compression, blocks),
    )  # fmt: skip


def _dense_layout(layout: Layout, growth: int, compression: float | None, blocks: tuple[int, ...]) -> Layout | None:
    """Return the layout of a dense network by its recurrence: a layer adds `growth`, a transition compresses."""
    old_growth = dense_growth(layout)
    stages = dict(zip(layout.stages, blocks, strict=True))
    channels = next(group.inward for group in layout.groups if group.is_block)
    groups: list[LayerGroup] = []
    done: set[str] = set()
    for group in layout.groups:
        if group.is_block and group.stage not in done:
            done.add(group.stage)
            for _ in range(stages[group.stage]):
                groups.append(_dense_layer(group, channels, growth, old_growth))
                channels += growth
        elif not group.is_block:
            outward = channels
            if group.stage.startswith("transition"):
                ratio = compression or _compression(group)
                outward = int(channels * ratio)
            groups.append(_rewired(group, channels, outward) if done else group)
            channels = outward
    return Layout(tuple(groups))


def _compression(transition: LayerGroup) -> float:
    weight = next(layer.weight for layer in transition.layers if layer.weight)
    return weight[0] / weight[1]


def _dense_layer(group: LayerGroup, channels: int, growth: int, old_growth: int) -> LayerGroup:
    """Return a dense layer for `channels` in and `growth` out; what stands between keeps its multiple of the growth."""
    layers, width = [], channels
    weighted = [layer for layer in group.layers if layer.weight]
    for layer in group.layers:
        if layer.weight:
            last = layer is weighted[-1]
            outward = growth if last else layer.weight[0] * growth // old_growth
            layers.append(_with_channels(layer, outward, width))
            width = outward
        else:
            layers.append(_with_channels(layer, width, width))
    return replace(group.with_layers(layers), count=1)


def _rewired(group: LayerGroup, inward: int, outward: int) -> LayerGroup:
    width, layers = inward, []
    for layer in group.layers:
        if layer.weight:
            width = layer.weight[0] if layer.classifier else outward
            layers.append(_with_channels(layer, width, inward))
        else:
            layers.append(_with_channels(layer, width, width))
    return group.with_layers(layers)


def _with_channels(layer: Layer, outward: int, inward: int) -> Layer:
    def shape_of(shape: tuple[int, ...]) -> tuple[int, ...]:
        return (outward, inward, *shape[2:]) if len(shape) >= 2 else (outward,)

    return replace(
        layer,
        parameters=tuple((name, shape_of(s)) for name, s in layer.parameters),
        statistics=tuple((name, shape_of(s)) for name, s in layer.statistics),
    )
