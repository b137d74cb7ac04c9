"""Rules of a second canonical form, in which a 1×1 convolution is a linear layer over the channels.

The second form is used only if it brings two graphs nearer to each other than the first form does. Otherwise a
convolution keeps its name.
"""

from __future__ import annotations

from diagnose.diff.canonical.axes import channels_first, channels_last, reshaped
from diagnose.diff.canonical.builder import GraphBuilder, Rule, slots
from diagnose.diff.ir.graph import Node


def _pointwise(builder: GraphBuilder, node: Node) -> int | None:
    """A 1×1 convolution at stride 1 is a linear layer over the channels; a depthwise one is a product."""
    weight, shape = node.inputs[1], builder.shape(node.inputs[0])
    plain = not any(node.get("padding")) and set(node.get("stride")) == {1}
    if not plain or set(builder.shape(weight)[2:]) != {1} or len(shape) < 3:
        return None
    matrix = builder.rearrange(weight, reshaped(builder.shape(weight), builder.shape(weight)[:2]), like=node)
    if node.get("groups") == shape[1] == node.shape[1] and shape[1] > 1 and len(node.inputs) == 2:
        factor = (shape[1], *(1 for _ in shape[2:]))
        scale = builder.rearrange(matrix, reshaped(builder.shape(matrix), factor), like=node)
        return builder.make("mul", (node.inputs[0], scale), node.shape, like=node)
    if node.get("groups") != 1:
        return None
    last = builder.rearrange(node.inputs[0], channels_last(shape), like=node)
    names = ("input", "weight", "bias")[: len(node.inputs)]
    mixed_shape = (*builder.shape(last)[:-1], node.shape[1])
    attributes = {"slots": slots(*names)}
    mixed = builder.make("linear", (last, matrix, *node.inputs[2:]), mixed_shape, like=node, attributes=attributes)
    return builder.rearrange(mixed, channels_first(builder.shape(mixed)), like=node)


RULES = (Rule("a 1×1 convolution as a linear layer", ("conv1d", "conv2d", "conv3d"), _pointwise),)
