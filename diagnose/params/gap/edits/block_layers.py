"""Edits that add or remove layers of the blocks: convolutions, shortcuts, squeeze-and-excitation.

Costs per block are closed forms in c, the channels that the block puts out.
"""

from __future__ import annotations

from collections import Counter

from diagnose.params.gap.edits.block_kinds import NOT_PLANAR, convolutional, planar, second_order
from diagnose.params.gap.edits.edit import (
    Edit,
    Edits,
    convolution,
    counted,
    in_blocks,
    linear,
    norm_like,
    to_layers,
)
from diagnose.params.gap.layout import Layer, LayerGroup, Layout


def extra_layers(layout: Layout) -> Edits:
    """Add 1×1, 3×3 or depthwise convolutions per block: k²·c² (+ c for a bias, + 2c for a norm); linear: c² + c."""
    if not layout.stages:
        return "no repeated blocks were found"
    if not planar(layout):
        return NOT_PLANAR
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
    if second_order(layout):
        where = "after the Hadamard product, on either operand, or in the residual branch"
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
        return NOT_PLANAR
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


def squeeze_and_excitation(layout: Layout) -> Edits:
    """Add squeeze-and-excitation to every block: 2c²/r (+ c/r + c with biases)."""
    if not convolutional(layout):
        return "the blocks hold no convolutions"
    if not planar(layout):
        return NOT_PLANAR

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
