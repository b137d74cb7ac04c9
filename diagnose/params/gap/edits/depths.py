"""Edits of the number of blocks per stage."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

from diagnose.params.gap.edits.block_kinds import convolutional
from diagnose.params.gap.edits.dense import dense_growth
from diagnose.params.gap.edits.edit import Edit, Edits, counted
from diagnose.params.gap.layout import Layer, LayerGroup, Layout

_HE = "He et al. 2016 (arXiv 1512.03385)"
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
