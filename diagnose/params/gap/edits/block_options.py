"""Edits of what the layers of the blocks have: norms, biases, q/k/v biases, groups."""

from __future__ import annotations

import re
from dataclasses import replace

from diagnose.params.gap.edits.block_kinds import second_order
from diagnose.params.gap.edits.edit import (
    Edit,
    Edits,
    in_blocks,
    norm_like,
    to_layers,
    weights,
)
from diagnose.params.gap.layout import Layer, Layout

_QKV = re.compile(r"(?:^|[._])(?:qkv|in_proj|q|k|v|w?[qkv]|[qkv]_proj|query|key|value)$", re.IGNORECASE)


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
