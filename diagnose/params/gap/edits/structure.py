"""Edits of the whole structure: blocks per stage, widths, and the growth and compression of dense blocks.

These change every count that follows, so the search makes them first and the additive edits on top of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise, product

from diagnose.params.gap.edits.blocks import Edits, convolutional
from diagnose.params.gap.edits.edit import Edit, counted
from diagnose.params.gap.layout import Layer, LayerGroup, Layout

_HE = "He et al. 2016 (arXiv 1512.03385)"
_WIDE = "Wide ResNet (arXiv 1605.07146)"
_PUBLISHED_DEPTHS = {
    (1, 1, 1, 1): "ResNet-10", (2, 2, 2, 2): f"ResNet-18, {_HE}", (3, 4, 6, 3): f"ResNet-34 and -50, {_HE}",
    (3, 4, 23, 3): f"ResNet-101, {_HE}", (3, 8, 36, 3): f"ResNet-152, {_HE}", (3, 3, 9, 3): "ConvNeXt-T",
    (3, 3, 27, 3): "ConvNeXt-S and -B", (3, 3, 3): f"ResNet-20 for CIFAR-10, {_HE}",
    (5, 5, 5): f"ResNet-32 for CIFAR-10, {_HE}", (7, 7, 7): f"ResNet-44 for CIFAR-10, {_HE}",
    (9, 9, 9): f"ResNet-56 for CIFAR-10, {_HE}", (18, 18, 18): f"ResNet-110 for CIFAR-10, {_HE}",
}  # fmt: skip
_PUBLISHED_DEPTHS_OF_TRANSFORMERS = {
    (6,): "the base Transformer (arXiv 1706.03762)", (12,): "BERT, ViT and GPT-2 base", (24,): "BERT and ViT large",
    (32,): "ViT-H, Llama 7B", (36,): "GPT-2 large", (40,): "Llama 13B", (48,): "GPT-2 XL",
    (2, 2, 6, 2): "Swin-T", (2, 2, 18, 2): "Swin-S and -B",
}  # fmt: skip
_PUBLISHED_DENSE = {
    (6, 12, 24, 16): "DenseNet-121", (6, 12, 32, 32): "DenseNet-169", (6, 12, 48, 32): "DenseNet-201",
    (6, 12, 36, 24): "DenseNet-161", (6, 12, 64, 48): "DenseNet-264",
}  # fmt: skip


def depths(layout: Layout) -> Edits:
    """Change the blocks of one stage by up to 3, of two stages by up to 2 each, or all to a published depth."""
    now = layout.blocks_per_stage()
    if not now:
        return "no repeated blocks were found"
    if dense_growth(layout):
        return "dense blocks grow with every layer; their depth is changed with their growth"
    if any(sum(g.is_block and g.stage == stage for g in layout.groups) > 2 for stage in layout.stages):
        return "a stage holds blocks of several shapes"
    changed: dict[tuple[int, ...], tuple[float, str]] = {}
    published = _PUBLISHED_DEPTHS if convolutional(layout) else _PUBLISHED_DEPTHS_OF_TRANSFORMERS
    for shape, source in published.items():
        if len(shape) == len(now) and shape != now:
            changed[shape] = (1.0, source)
    for i, delta in product(range(len(now)), (-3, -2, -1, 1, 2, 3)):
        shape = tuple(n + delta * (i == j) for j, n in enumerate(now))
        changed.setdefault(shape, (1 + 0.25 * (abs(delta) - 1), ""))
    for (i, j), a, b in product(combinations(range(len(now)), 2), (-2, -1, 1, 2), (-2, -1, 1, 2)):
        shape = tuple(n + a * (i == k) + b * (j == k) for k, n in enumerate(now))
        changed.setdefault(shape, (2 + 0.25 * (abs(a) + abs(b) - 2), ""))
    return [
        Edit(
            "blocks per stage", "blocks", _depths_text(shape, now), cost,
            rebuild=lambda layout, shape=shape: with_depths(layout, shape),  # type: ignore[misc]
            parameters=(("blocks", shape),), source=source,
        )
        for shape, (cost, source) in changed.items()
        if min(shape) >= 1
    ]  # fmt: skip


def _depths_text(shape: tuple[int, ...], now: tuple[int, ...]) -> str:
    changed = [(i, new - old) for i, (new, old) in enumerate(zip(shape, now, strict=True), start=1) if new != old]
    if len(changed) > 1:
        return f"blocks per stage {list(shape)} in place of {list(now)}"
    stage, delta = changed[0]
    way = "more" if delta > 0 else "fewer"
    return f"{counted(abs(delta), 'block')} {way} in stage {stage}, so {list(shape)}"


def with_depths(layout: Layout, depths: tuple[int, ...]) -> Layout | None:
    """Return the layout with `depths` blocks per stage: blocks leave and join at the end of a stage."""
    groups: list[LayerGroup] = []
    wanted = dict(zip(layout.stages, depths, strict=True))
    left = dict(wanted)
    for i, group in enumerate(layout.groups):
        if not group.is_block:
            groups.append(group)
            continue
        keep = min(group.count, left[group.stage])
        last_of_stage = not any(later.is_block and later.stage == group.stage for later in layout.groups[i + 1 :])
        left[group.stage] -= keep
        more = left[group.stage] if last_of_stage else 0
        if keep == 0:
            continue
        if more and group.inward == group.width and not _has_shortcut(group):
            groups.append(replace(group, count=keep + more))
        else:
            groups.append(replace(group, count=keep))
            if more:
                groups.append(replace(repeated(group), count=more, paths=()))
    return Layout(tuple(groups))


def _has_shortcut(group: LayerGroup) -> bool:
    return any(layer.branch == "shortcut" for layer in group.layers)


def repeated(group: LayerGroup) -> LayerGroup:
    """Return the block that follows a stage's first block: no projection, and as many channels in as out."""
    inward, width = group.inward, group.width

    def shape_of(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) >= 2 and shape[1] == inward and "depthwise" not in layer.kind:
            return (shape[0], width, *shape[2:])
        return shape

    layers = [layer for layer in group.layers if layer.branch != "shortcut"]
    first = next((i for i, layer in enumerate(layers) if layer.weight), 0)
    layers[first] = replace(
        layers[first], parameters=tuple((name, shape_of(layers[first], s)) for name, s in layers[first].parameters)
    )
    return group.with_layers(layers)


def widths(layout: Layout) -> Edits:
    """Scale every width by a common factor, named by the first stage's width; or scale one stage alone."""
    base = next((group.inward for group in layout.groups if group.is_block), 0)
    if not base:
        return "no repeated blocks with weights were found"
    if dense_growth(layout):
        return "dense blocks have no common width; their growth is changed instead"
    costs = {round(base * factor): 1.0 for factor in (0.25, 0.5, 0.75, 1.25, 1.5, 2, 3, 4)}
    grid = 8 if base <= 256 else 64
    for width in range(grid * (base // 2 // grid), 2 * base + 1, grid):
        costs.setdefault(width, 1.5)
    for width in range(base // 2, 2 * base + 1) if base <= 128 else ():
        costs.setdefault(width, 2.0)
    costs.pop(base, None)
    residual = any(layer.branch == "shortcut" for layer in layout.layers())
    whole = [
        Edit(
            "width", "widths", f"a base width of {width} in place of {base}", cost,
            rebuild=lambda layout, width=width: scaled(layout, width, base),  # type: ignore[misc]
            parameters=(("width", width), ("base", base)),
            source=_WIDE if cost == 1.0 and width > base and residual else "",
        )
        for width, cost in sorted(costs.items())
        if width > 0
    ]  # fmt: skip
    return [*whole, *_stage_widths(layout)]


def scaled(layout: Layout, numerator: int, denominator: int) -> Layout | None:
    """Return the layout with every width scaled, or None where one would not be a whole number."""
    first = next((x.path for g in layout.groups for x in g.layers if x.is_convolution), None)

    def size(dim: int) -> int:
        if dim * numerator % denominator:
            raise _NotWholeError
        return dim * numerator // denominator

    def shape_of(layer: Layer, shape: tuple[int, ...], width: int, inward: int) -> tuple[int, ...]:
        if layer.is_bare:
            return tuple(size(dim) if dim in (width, inward) and dim > 1 else dim for dim in shape)
        outward = shape[0] if layer.classifier or (layer.kind == "embedding") else size(shape[0])
        if len(shape) == 1:
            return (outward,)
        fixed = "depthwise" in layer.kind or layer.path == first
        return (outward, shape[1] if fixed else size(shape[1]), *shape[2:])

    def group_of(group: LayerGroup) -> LayerGroup:
        width, inward = group.width or denominator, group.inward or denominator
        return group.with_layers(
            replace(
                layer,
                parameters=tuple((name, shape_of(layer, s, width, inward)) for name, s in layer.parameters),
                statistics=tuple((name, tuple(map(size, s))) for name, s in layer.statistics),
                tied=size(layer.tied) if layer.tied else 0,
            )
            for layer in group.layers
        )

    try:
        return Layout(tuple(map(group_of, layout.groups)))
    except _NotWholeError:
        return None


class _NotWholeError(Exception):
    """A scaled width is not a whole number."""


def _stage_widths(layout: Layout) -> Iterator[Edit]:
    """Yield one-stage widths, for stages of one width that differs from the widths around them."""
    by_stage = {stage: [g for g in layout.groups if g.is_block and g.stage == stage] for stage in layout.stages}
    for i, (stage, groups) in enumerate(by_stage.items()):
        width = groups[0].width
        plain = all(x.weight[0] == width for g in groups for x in g.layers if x.weight)
        if (
            not plain
            or groups[0].inward == width
            or any(not g.is_block and g.stage.startswith("trans") for g in groups)
        ):
            continue
        for factor in ((1, 2), (3, 4), (5, 4), (3, 2), (2, 1)):
            new = width * factor[0] // factor[1]
            yield Edit(
                "width", "widths", f"{stage} of width {new} in place of {width}", 1.75,
                rebuild=lambda layout, stage=stage, old=width, new=new: _restaged(layout, stage, old, new),  # type: ignore[misc]
                parameters=(("stage", i), ("stage_width", new)),
            )  # fmt: skip


def _restaged(layout: Layout, stage: str, old: int, new: int) -> Layout:
    """Return the layout with one stage's width changed, and the layers behind it that take it in."""

    def inside(layer: Layer) -> Layer:
        def shape_of(shape: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(new if dim == old and axis < 2 else dim for axis, dim in enumerate(shape))

        return replace(
            layer,
            parameters=tuple((name, shape_of(s)) for name, s in layer.parameters),
            statistics=tuple((name, shape_of(s)) for name, s in layer.statistics),
        )

    def behind(layer: Layer) -> Layer:
        shapes = tuple((n, (s[0], new, *s[2:]) if len(s) >= 2 and s[1] == old else s) for n, s in layer.parameters)
        return replace(layer, parameters=shapes)

    groups, passed = [], False
    for group in layout.groups:
        if group.stage == stage:
            groups.append(group.with_layers(map(inside, group.layers)))
            passed = True
        elif passed:
            groups.append(group.with_layers(map(behind, group.layers)))
            passed = group.width == 0
        else:
            groups.append(group)
    return Layout(tuple(groups))


# -------------------------------------------------------------------------------------- dense blocks


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
