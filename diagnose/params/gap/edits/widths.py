"""Edits of the widths: all by a common factor, those of one stage, or those of the feed-forward layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from diagnose.params.gap.edits.dense import dense_growth
from diagnose.params.gap.edits.edit import Edit, Edits, in_blocks
from diagnose.params.gap.edits.free_number import FreeNumber
from diagnose.params.gap.layout import Layer, LayerGroup, Layout

_FEED_FORWARD = "feed-forward width"
_WIDE = "Wide ResNet (arXiv 1605.07146)"


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
    image = _image_output(layout)

    def size(dim: int) -> int:
        if dim * numerator % denominator:
            raise _NotWholeError
        return dim * numerator // denominator

    def shape_of(layer: Layer, shape: tuple[int, ...], width: int, inward: int) -> tuple[int, ...]:
        if layer.is_bare:
            return tuple(size(dim) if dim in (width, inward) and dim > 1 else dim for dim in shape)
        fixed_out = layer.classifier or layer.kind == "embedding" or layer.path == image
        outward = shape[0] if fixed_out else size(shape[0])
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


def _image_output(layout: Layout) -> str | None:
    """Return the path of a last convolution that puts out an image as its first one takes in, or sub-pixels of one."""
    convolutions = [layer for layer in layout.layers() if layer.weight]
    if len(convolutions) < 2 or not (convolutions[0].is_convolution and convolutions[-1].is_convolution):
        return None
    channels, (outward, inward) = convolutions[0].weight[1], convolutions[-1].weight[:2]
    pixels = {channels * side**2 for side in (1, 2, 3, 4, 8)}
    return convolutions[-1].path if outward in pixels and outward < inward else None


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


def feed_forward(layout: Layout) -> FreeNumber | str:
    """Give the feed-forward layers of every block another width f: (f′ − f)·(2d + 1) per block, gates more."""
    widths = {_feed_forward_width(group) for group in layout.groups if group.is_block}
    if len(widths) != 1 or (now := widths.pop()) is None:
        return "no feed-forward layers of one width were found in all blocks"

    def make(width: int) -> Edit:
        text = f"a feed-forward width of {width:,} in place of {now:,}"
        change = in_blocks(lambda group: _with_feed_forward(group, now, width))
        return Edit(_FEED_FORWARD, "widths", text, 2.0, change, parameters=(("width", width),))

    return FreeNumber(layout, _FEED_FORWARD, "widths", now, make, 2.0)


def _feed_forward_width(group: LayerGroup) -> int | None:
    """Return the width f of a block's linear layers d → f and f → d, None where no single one is so."""
    shapes = [layer.weight for layer in group.layers if layer.kind == "linear" and len(layer.weight) == 2]
    found = {a[0] for a in shapes for b in shapes if a == b[::-1] and a[0] > a[1] == group.width}
    return found.pop() if len(found) == 1 else None


def _with_feed_forward(group: LayerGroup, now: int, width: int) -> LayerGroup:
    def changed(layer: Layer) -> Layer:
        if layer.kind != "linear" and not layer.is_norm:
            return layer
        tensors = tuple(
            (name, tuple(width if dim == now else dim for dim in shape)) for name, shape in layer.parameters
        )
        return replace(layer, parameters=tensors)

    return group.with_layers(map(changed, group.layers))
