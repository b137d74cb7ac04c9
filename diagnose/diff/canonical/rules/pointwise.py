"""Rules of a second canonical form, in which a 1×1 convolution is a linear layer over the channels.

They are apart, since a convolution keeps its name where nothing calls for another: the second form is used only where
it brings two graphs nearer to each other than the first does.
"""

from __future__ import annotations

from diagnose.diff.canonical.axes import channels_first, channels_last, reshaped
from diagnose.diff.canonical.builder import Form, Rule, slots
from diagnose.diff.ir.graph import Node


def _pointwise(form: Form, node: Node) -> int | None:
    """A convolution with a 1×1 kernel at stride 1 mixes the channels of every pixel; one of them alone scales them."""
    weight, shape = node.inputs[1], form.shape(node.inputs[0])
    plain = not any(node.get("padding")) and set(node.get("stride")) == {1}
    if not plain or set(form.shape(weight)[2:]) != {1} or len(shape) < 3:
        return None
    matrix = form.rearrange(weight, reshaped(form.shape(weight), form.shape(weight)[:2]), like=node)
    if node.get("groups") == shape[1] == node.shape[1] and shape[1] > 1 and len(node.inputs) == 2:
        factor = (shape[1], *(1 for _ in shape[2:]))
        scale = form.rearrange(matrix, reshaped(form.shape(matrix), factor), like=node)
        return form.make("mul", (node.inputs[0], scale), node.shape, like=node)
    if node.get("groups") != 1:
        return None
    last = form.rearrange(node.inputs[0], channels_last(shape), like=node)
    names = ("input", "weight", "bias")[: len(node.inputs)]
    mixed = form.make("linear", (last, matrix, *node.inputs[2:]), (*form.shape(last)[:-1], node.shape[1]), like=node,
                      attributes={"slots": slots(*names)})  # fmt: skip
    return form.rearrange(mixed, channels_first(form.shape(mixed)), like=node)


RULES = (Rule("a 1×1 convolution as a linear layer", ("conv1d", "conv2d", "conv3d"), _pointwise),)
