"""What the blocks of a layout are: convolutional, planar, or with a second-order term."""

from __future__ import annotations

from diagnose.params.gap.layout import Layout


def convolutional(layout: Layout) -> bool:
    """Return whether the blocks hold convolutions."""
    return any(layer.is_convolution for group in layout.groups if group.is_block for layer in group.layers)


def planar(layout: Layout) -> bool:
    """Return whether every convolution of the blocks has two spatial dimensions, as those that edits add have.

    One that is shared with an earlier block holds no weight of its own and says nothing.
    """
    layers = (layer for group in layout.groups if group.is_block for layer in group.layers if layer.is_convolution)
    return all(len(layer.weight) == 4 for layer in layers if layer.weight)


NOT_PLANAR = "the blocks' convolutions are not two-dimensional"


def second_order(layout: Layout) -> bool:
    """Return whether the blocks carry a second-order term."""
    return any(layer.branch == "second-order" for layer in layout.layers())
