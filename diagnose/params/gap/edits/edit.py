"""An edit: one change to a network that a re-implementation may have missed, with what it costs and what it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from diagnose.params.gap.layout import Layer, LayerGroup, Layout, Shape

FACETS = {
    "blocks": "blocks per stage",
    "widths": "stage widths, the width multiplier, growth and compression",
    "block": "what stands in a block",
    "shortcut": "the kind of shortcut",
    "norm": "the normalisation layers",
    "bias": "the biases",
    "groups": "the groups of the convolutions",
    "stem": "the stem",
    "head": "the layers of the head",
    "num_classes": "the number of classes",
    "vocabulary": "the vocabulary",
    "positions": "the length of the position embeddings",
    "tying": "which parameters are tied",
    "convention": "what is counted",
}


@dataclass(frozen=True)
class Edit:
    """One change, in words, with its cost in plausibility (1 is a plain single change).

    At most one edit of a `family` stands in a candidate. A local edit maps each group to its new form with `change`;
    a structural one maps the whole layout with `rebuild`. `surgery` and `parameters` say how to make the same change
    to a real model; `note` names what a count cannot tell; `source` names published code that has the edit.
    """

    family: str
    facet: str
    text: str
    cost: float
    change: Callable[[LayerGroup], LayerGroup] | None = None
    rebuild: Callable[[Layout], Layout | None] | None = None
    parameters: tuple[tuple[str, Any], ...] = ()
    note: str = ""
    source: str = ""

    def apply(self, layout: Layout) -> Layout | None:
        """Return the layout with the edit made, or None where it cannot be made."""
        if self.rebuild is not None:
            return self.rebuild(layout)
        assert self.change is not None
        return Layout(tuple(self.change(group) for group in layout.groups))

    @property
    def key(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        """Return what identifies the edit in any model, its words aside."""
        return self.family, self.parameters


Edits = list[Edit] | str
"""The edits of a family, or the reason why a layout has none."""


def convolution(
    kernel: int, inward: int, outward: int, *, bias: bool = False, groups: int = 1, branch: str = "residual"
) -> Layer:
    """Return a new k×k convolution: kernel² · inward / groups · outward weights."""
    kind = "depthwise " if groups == inward > 1 else "grouped " if groups > 1 else ""
    shape: Shape = (outward, inward // groups, kernel, kernel)
    return Layer("", f"{kernel}×{kernel} {kind}convolution", branch, weights(shape, bias=bias), added=True)


def linear(inward: int, outward: int, *, bias: bool = True, classifier: bool = False) -> Layer:
    """Return a new linear layer: inward · outward weights and `outward` biases."""
    tensors = weights((outward, inward), bias=bias)
    return Layer("", "linear", "residual", tensors, classifier=classifier, added=True)


def norm_like(layers: Iterator[Layer] | tuple[Layer, ...], width: int, *, branch: str = "residual") -> Layer:
    """Return a new norm of `width` channels, of the kind that the layers use; a batch norm where they use none."""
    model = next((layer for layer in layers if layer.is_norm), None)
    if model is None:
        statistics = (("running_mean", (width,)), ("running_var", (width,)))
        affine = (("weight", (width,)), ("bias", (width,)))
        return Layer("", "batch norm", branch, affine, statistics, 1, added=True)
    return replace(
        model,
        path="",
        added=True,
        branch=branch,
        parameters=tuple((name, (width,)) for name, _ in model.parameters),
        statistics=tuple((name, (width,)) for name, _ in model.statistics),
    )


def weights(shape: Shape, *, bias: bool) -> tuple[tuple[str, Shape], ...]:
    """Return the tensors of a weight layer with or without a bias."""
    return (("weight", shape), ("bias", (shape[0],))) if bias else (("weight", shape),)


def in_blocks(change: Callable[[LayerGroup], LayerGroup]) -> Callable[[LayerGroup], LayerGroup]:
    """Return a change that leaves everything but blocks as it is."""
    return lambda group: change(group) if group.is_block else group


def to_layers(
    change: Callable[[Layer], Layer | None], *, blocks_only: bool = False
) -> Callable[[LayerGroup], LayerGroup]:
    """Return a change of a group from a change of each of its layers; None removes the layer."""

    def change_group(group: LayerGroup) -> LayerGroup:
        if blocks_only and not group.is_block:
            return group
        changed = tuple(change(layer) for layer in group.layers)
        if all(new is old for new, old in zip(changed, group.layers, strict=True)):
            return group
        return group.with_layers(layer for layer in changed if layer is not None)

    return change_group


def counted(number: int, thing: str) -> str:
    """Return "one 1×1 convolution", "two 1×1 convolutions"."""
    words = {1: "one", 2: "two", 3: "three", 4: "four"}
    return f"{words.get(number, str(number))} {thing}{'s' if number != 1 else ''}"
