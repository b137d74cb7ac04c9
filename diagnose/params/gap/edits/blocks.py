"""Edits inside the blocks: layers added and removed, shortcuts, norms, biases, groups, squeeze-and-excitation.

Each family maps a layout to its edits, or to the reason why none can be tried. Costs per block are closed forms in
c, the channels that the block puts out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from diagnose.params.gap.edits.edit import (
    Edit,
    convolution,
    counted,
    in_blocks,
    linear,
    norm_like,
    to_layers,
    weights,
)
from diagnose.params.gap.layout import Layer, LayerGroup, Layout

Edits = list[Edit] | str
_QKV = re.compile(r"(?:^|[._])(?:qkv|in_proj|q|k|v|w?[qkv]|[qkv]_proj|query|key|value)$", re.IGNORECASE)
_CHEN_1X1 = "the authors' backbone pinet_1x1_relu (arXiv 2006.13026)"


def convolutional(layout: Layout) -> bool:
    """Return whether the blocks hold convolutions."""
    return any(layer.is_convolution for group in layout.groups if group.is_block for layer in group.layers)


def planar(layout: Layout) -> bool:
    """Return whether every convolution of the blocks has two spatial dimensions, as those that edits add have.

    One that is shared with an earlier block holds no weight of its own and says nothing.
    """
    layers = (layer for group in layout.groups if group.is_block for layer in group.layers if layer.is_convolution)
    return all(len(layer.weight) == 4 for layer in layers if layer.weight)


_NOT_PLANAR = "the blocks' convolutions are not two-dimensional"


def second_order(layout: Layout) -> bool:
    """Return whether the blocks carry a second-order term."""
    return any(layer.branch == "second-order" for layer in layout.layers())


def extra_layers(layout: Layout) -> Edits:
    """Add 1×1, 3×3 or depthwise convolutions per block: k²·c² (+ c for a bias, + 2c for a norm); linear: c² + c."""
    if not layout.stages:
        return "no repeated blocks were found"
    if not planar(layout):
        return _NOT_PLANAR
    made = []
    for kernel, depthwise, most in ((1, False, 3), (3, False, 2), (3, True, 2)) if convolutional(layout) else ():
        for number in range(1, most + 1):
            for bias, norm in ((False, False), (True, False), (False, True)):
                made.append(_extra_convolutions(layout, kernel, number, bias=bias, norm=norm, depthwise=depthwise))
    for number, bias in ((1, True), (1, False), (2, True)) if not convolutional(layout) else ():
        made.append(_extra_linear(number, bias=bias))
    return made


def _extra_convolutions(layout: Layout, kernel: int, number: int, *, bias: bool, norm: bool, depthwise: bool) -> Edit:
    def change(group: LayerGroup) -> LayerGroup:
        c = group.width
        if not c:
            return group
        layer = convolution(kernel, c, c, bias=bias, groups=c if depthwise else 1)
        added = (layer, norm_like(group.layers, c)) if norm else (layer,)
        return group.with_layers((*group.layers, *(added * number)))

    kind = f"{kernel}×{kernel} {'depthwise ' if depthwise else ''}convolution"
    with_what = " with bias" if bias else f" with {'their norms' if number > 1 else 'its norm'}" if norm else ""
    where = "in the residual branch, the shortcut or behind the block"
    published = ""
    if second_order(layout):
        where = "after the Hadamard product, on either operand, or in the residual branch"
        published = _CHEN_1X1 if (kernel, number, bias, norm, depthwise) == (1, 1, False, False, False) else ""
    return Edit(
        family="extra layers per block",
        facet="block",
        text=f"{counted(number, kind)} per block{with_what}",
        cost=1 + 0.25 * (number - 1) + 0.5 * (bias or norm) + 0.25 * depthwise,
        change=in_blocks(change),
        parameters=(
            ("kernel", kernel),
            ("number", number),
            ("bias", bias),
            ("norm", norm),
            ("depthwise", depthwise),
        ),
        note=f"A count cannot tell where {'they stand' if number > 1 else 'it stands'}: {where}.",
        source=published,
    )


def _extra_linear(number: int, *, bias: bool) -> Edit:
    def change(group: LayerGroup) -> LayerGroup:
        added = (linear(group.width, group.width, bias=bias),) * number
        return group.with_layers((*group.layers, *added)) if group.width else group

    return Edit(
        family="extra layers per block",
        facet="block",
        text=f"{counted(number, 'linear layer')} of the model's width per block{'' if bias else ' without bias'}",
        cost=1 + 0.25 * (number - 1) + 0.25 * (not bias),
        change=in_blocks(change),
        parameters=(("linear", True), ("number", number), ("bias", bias)),
        note="A count cannot tell where it stands in the block.",
    )


def fewer_layers(layout: Layout) -> Edits:
    """Leave out the last square layer of a kind from every block: −k²·c²."""
    if not layout.stages:
        return "no repeated blocks were found"

    def removable(group: LayerGroup) -> Counter[str]:
        return Counter(x.kind for x in group.layers if x.branch != "shortcut" and _square(x))

    blocks = [group for group in layout.groups if group.is_block]
    kinds = sorted(set.intersection(*(set(removable(group)) for group in blocks)))

    def without(kind: str, group: LayerGroup) -> LayerGroup:
        last = [i for i, x in enumerate(group.layers) if x.kind == kind and x.branch != "shortcut" and _square(x)][-1]
        return group.with_layers(x for i, x in enumerate(group.layers) if i != last)

    return [
        Edit(
            family="fewer layers per block",
            facet="block",
            text=f"one {kind}{' layer' if kind == 'linear' else ''} fewer per block",
            cost=1.5,
            change=in_blocks(lambda group, kind=kind: without(kind, group)),  # type: ignore[misc]
            parameters=(("kind", kind),),
        )
        for kind in kinds
    ]


def _square(layer: Layer) -> bool:
    return len(layer.weight) >= 2 and layer.weight[0] == layer.weight[1]


def shortcuts(layout: Layout) -> Edits:
    """Make every projection shortcut an identity, every shortcut a projection (c_in·c_out + 2c), or drop its norm."""
    blocks = [group for group in layout.groups if group.is_block]
    if not convolutional(layout):
        return "the blocks hold no convolutions"
    if not planar(layout):
        return _NOT_PLANAR
    projected = [group for group in blocks if any(x.branch == "shortcut" and x.weight for x in group.layers)]
    made = []
    if projected:
        made.append(
            Edit(
                "shortcuts", "shortcut", "identity shortcuts in place of the projections", 1.0,
                in_blocks(lambda g: g.with_layers(x for x in g.layers if x.branch != "shortcut")),
                parameters=(("projections", "none"),),
                source="option A of He et al. 2016 (arXiv 1512.03385), its CIFAR-10 networks",
            )
        )  # fmt: skip
    if len(projected) < len(blocks):
        made.append(
            Edit(
                "shortcuts", "shortcut", "a projection shortcut in every block", 1.25, in_blocks(_projected),
                parameters=(("projections", "all"),),
                source="option C of He et al. 2016 (arXiv 1512.03385)",
            )
        )  # fmt: skip
    if any(x.branch == "shortcut" and x.is_norm for group in projected for x in group.layers):
        drop = to_layers(lambda x: None if x.branch == "shortcut" and x.is_norm else x, blocks_only=True)
        text = "projection shortcuts without a norm"
        made.append(Edit("shortcuts", "shortcut", text, 1.25, drop, parameters=(("norm", False),)))
    return made


def _projected(group: LayerGroup) -> LayerGroup:
    if not group.width or any(layer.branch == "shortcut" for layer in group.layers):
        return group
    projection = convolution(1, group.inward, group.width, branch="shortcut")
    norm = norm_like(group.layers, group.width, branch="shortcut")
    return group.with_layers((*group.layers, projection, norm))


def norms(layout: Layout) -> Edits:
    """Take the affine parameters from every norm (−2c each), or give every block one norm more or fewer (±2c)."""
    if not any(layer.is_norm for layer in layout.layers()):
        return "the model has no norm layers"
    made = [
        Edit(
            "norms", "norm", "norms without affine parameters", 1.0,
            to_layers(lambda x: replace(x, parameters=()) if x.is_norm else x),
            parameters=(("affine", False),),
            note="A count of parameters cannot tell this from no norm at all.",
        )
    ]  # fmt: skip
    if layout.stages:
        made.append(
            Edit(
                "norms", "norm", "one more norm per block", 1.0,
                in_blocks(lambda g: g.with_layers((*g.layers, norm_like(g.layers, g.width))) if g.width else g),
                parameters=(("more", 1),),
            )
        )  # fmt: skip
    if second_order(layout):
        made.append(
            Edit(
                "norms", "norm", "no norm on the second-order term", 1.0,
                to_layers(lambda x: None if x.is_norm and x.branch == "second-order" else x, blocks_only=True),
                parameters=(("second_order", None),),
                note="A count cannot tell this from a norm without affine parameters, such as instance norm.",
            )
        )  # fmt: skip
    return made


def biases(layout: Layout) -> Edits:
    """Give every bias-free convolution a bias (+c each), or take the biases of the convolutions or linear layers."""
    made = []
    for kind, text in (("convolution", "convolution"), ("linear", "linear layer")):
        chosen = [x for x in layout.layers() if x.kind.endswith(kind) and x.weight and not x.classifier]
        for wanted in (True, False):
            if any(x.biased is not wanted for x in chosen):
                made.append(
                    Edit(
                        f"{kind} bias", "bias",
                        f"a bias in every {text}" if wanted else f"no bias in any {text}", 1.0,
                        to_layers(lambda x, k=kind, w=wanted: _with_bias(x, w) if _is(x, k) else x),  # type: ignore[misc]
                        parameters=((kind, wanted),),
                    )
                )  # fmt: skip
    return made or "the model has no convolutions or linear layers"


def _is(layer: Layer, kind: str) -> bool:
    return layer.kind.endswith(kind) and bool(layer.weight) and not layer.classifier


def _with_bias(layer: Layer, wanted: bool) -> Layer:
    return replace(layer, parameters=weights(layer.weight, bias=wanted))


def qkv_bias(layout: Layout) -> Edits:
    """Give the query, key and value projections a bias, or take it: ±3d per layer."""

    def is_qkv(layer: Layer) -> bool:
        return layer.kind == "attention projection" or (layer.kind == "linear" and bool(_QKV.search(layer.path)))

    def changed(layer: Layer, wanted: bool) -> Layer:
        if layer.kind == "linear":
            return _with_bias(layer, wanted)
        kept = tuple((name, shape) for name, shape in layer.parameters if name != "in_proj_bias")
        bias = (("in_proj_bias", (layer.weight[0],)),) if wanted else ()
        return replace(layer, parameters=(*kept, *bias))

    found = [layer for layer in layout.layers() if is_qkv(layer)]
    if not found:
        return "no query, key and value projections were found"
    wanted = not any(layer.biased for layer in found)
    text = "a bias in the query, key and value projections" if wanted else "no bias in query, key and value"
    change = to_layers(lambda layer: changed(layer, wanted) if is_qkv(layer) else layer, blocks_only=True)
    return [Edit("q/k/v bias", "bias", text, 1.0, change, parameters=(("qkv", wanted),))]


def groups(layout: Layout) -> Edits:
    """Split the spatial convolutions of the blocks into g groups: 1/g of their weights stay."""

    def splits(layer: Layer, g: int) -> bool:
        plain = len(layer.weight) > 2 and layer.kind.partition(" ")[2] == "convolution"
        return plain and max(layer.weight[2:]) > 1 and layer.weight[0] % g == 0 and layer.weight[1] % g == 0

    def split(layer: Layer, g: int) -> Layer:
        outward, inward, *kernel = layer.weight
        kind = layer.kind.replace("convolution", "grouped convolution")
        return replace(layer, kind=kind, parameters=weights((outward, inward // g, *kernel), bias=layer.biased))

    found = [x for group in layout.groups if group.is_block for x in group.layers if splits(x, 1)]
    if not found:
        return "the blocks hold no ungrouped spatial convolutions"
    return [
        Edit(
            "groups", "groups", f"the spatial convolutions in {g} groups", 1.25,
            to_layers(lambda x, g=g: split(x, g) if splits(x, g) else x, blocks_only=True),  # type: ignore[misc]
            parameters=(("groups", g),),
            source="ResNeXt (arXiv 1611.05431)" if g == 32 else "",
        )
        for g in (2, 4, 8, 16, 32)
        if all(splits(x, g) for x in found)
    ]  # fmt: skip


def squeeze_and_excitation(layout: Layout) -> Edits:
    """Add squeeze-and-excitation to every block: 2c²/r (+ c/r + c with biases)."""
    if not convolutional(layout):
        return "the blocks hold no convolutions"
    if not planar(layout):
        return _NOT_PLANAR

    def change(group: LayerGroup, r: int, bias: bool) -> LayerGroup:
        c = group.width
        added = (linear(c, c // r, bias=bias), linear(c // r, c, bias=bias))
        return group.with_layers((*group.layers, *added)) if c >= r else group

    return [
        Edit(
            "squeeze-and-excitation", "block",
            f"squeeze-and-excitation in every block, reduction {r}{'' if bias else ', without biases'}",
            1.25 + 0.25 * (r != 16) + 0.25 * (not bias),
            in_blocks(lambda group, r=r, bias=bias: change(group, r, bias)),  # type: ignore[misc]
            parameters=(("reduction", r), ("bias", bias)),
            source="SE-ResNet (arXiv 1709.01507)" if r == 16 else "",
        )
        for r in (4, 8, 16)
        for bias in (True, False)
    ]  # fmt: skip
