"""Rules of the canonical form for layers: convolutions, linear layers, norms, poolings."""

from __future__ import annotations

from diagnose.diff.canonical.axes import permuted, reshaped
from diagnose.diff.canonical.builder import GraphBuilder, Rule, arrangement_of, slots
from diagnose.diff.canonical.rules.arithmetic import is_weight, reduced
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base, operation

_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")


def _addmm(builder: GraphBuilder, node: Node) -> int | None:
    """A sum b + x @ W is a linear layer with the weight Wᵀ."""
    if node.get("alpha", 1) != 1 or node.get("beta", 1) != 1:
        return None
    bias, value, weight = node.inputs
    if len(builder.shape(bias)) != 1 or not is_weight(builder, weight):
        return None
    turned = builder.rearrange(weight, permuted(builder.shape(weight), (1, 0)), like=node)
    return builder.make("linear", (value, turned, bias), node.shape, like=node,
                     attributes={"slots": slots("input", "weight", "bias")})  # fmt: skip


def _linear(builder: GraphBuilder, node: Node, value: int, weight: int) -> int | None:
    if len(builder.shape(weight)) != 2 or not is_weight(builder, weight):
        return None
    turned = builder.rearrange(weight, permuted(builder.shape(weight), (1, 0)), like=node)
    return builder.make(
        "linear", (value, turned), node.shape, like=node, attributes={"slots": slots("input", "weight")}
    )


def _matmul(builder: GraphBuilder, node: Node) -> int | None:
    """A product x @ W, with a weight W, is a linear layer."""
    linear = _linear(builder, node, *node.inputs)
    if linear is not None or node.op == "matmul":
        return linear
    return builder.make("matmul", node.inputs, node.shape, like=node, attributes={"slots": slots("self", "other")})


def _bias(builder: GraphBuilder, node: Node) -> int | None:
    """A weight added to a bias-free layer's channels is its bias."""
    if len(node.inputs) != 2:
        return None
    for value, addend in (node.inputs, node.inputs[::-1]):
        layer = builder[value]
        if layer.op not in ("linear", *_CONVOLUTIONS) or len(layer.inputs) != 2 or not is_weight(builder, addend):
            continue
        axis = -1 if layer.op == "linear" else 1
        size = layer.shape[axis]
        wanted = (size,) if axis == -1 else (size, *(1 for _ in layer.shape[2:]))
        shape = builder.shape(addend)
        while len(shape) > len(wanted) and shape[0] == 1:
            shape = shape[1:]
        if shape != wanted or layer.shape != node.shape:
            continue
        bias = builder.rearrange(addend, reshaped(builder.shape(addend), (size,)), like=node)
        attributes = dict(layer.attributes) | {"slots": slots("input", "weight", "bias")}
        return builder.make(layer.op, (*layer.inputs, bias), node.shape, like=layer, attributes=attributes)
    return None


def _convolution(builder: GraphBuilder, node: Node) -> int | None:
    """Paddings are numbers, and a padding by zeros before the layer is the layer's own padding."""
    attributes = dict(node.attributes)
    kernel = builder.shape(node.inputs[1])[2:]
    padding = attributes.get("padding")
    op = base(node.op)
    if isinstance(padding, str):
        total = [dilation * (size - 1) for dilation, size in zip(attributes["dilation"], kernel, strict=True)]
        if padding == "same" and any(amount % 2 for amount in total):
            return None
        attributes["padding"] = tuple(amount // 2 if padding == "same" else 0 for amount in total)
        return builder.make(op, node.inputs, node.shape, like=node, attributes=attributes)
    source = builder[node.inputs[0]]
    amounts = source.get("pad") or ()
    zero = source.op in ("pad", "constant_pad_nd") and source.get("mode", "constant") == "constant"
    if not zero or (source.get("value") or 0) != 0 or len(amounts) > 2 * len(kernel) or len(source.inputs) != 1:
        return None
    amounts = (*amounts, *(0 for _ in range(2 * len(kernel) - len(amounts))))
    if amounts[::2] != amounts[1::2] or min(amounts) < 0:
        return None
    whole = tuple(own + extra for own, extra in zip(padding or (), reversed(amounts[::2]), strict=True))
    attributes["padding"] = whole
    return builder.make(op, (*source.inputs, *node.inputs[1:]), node.shape, like=node, attributes=attributes)


def _recorded_convolution(builder: GraphBuilder, node: Node) -> int | None:
    """Below autograd every convolution is one operator."""
    attributes = dict(node.attributes)
    if attributes.pop("transposed") or any(attributes.pop("output_padding")):
        return None
    names = [name for name, _ in attributes["slots"]]
    return builder.make(f"conv{len(node.shape) - 2}d", node.inputs, node.shape, like=node,
                     attributes=attributes | {"slots": slots(*names)})  # fmt: skip


def _batch_norm(builder: GraphBuilder, node: Node) -> int | None:
    """In eval mode the momentum is not used; a norm without statistics always takes those of the batch."""
    attributes = dict(node.attributes)
    tracked = "running_mean" in dict(attributes["slots"])
    if (attributes.get("training") and tracked) or attributes.get("momentum") is None:
        return None
    attributes["momentum"] = None
    return builder.make(node.op, node.inputs, node.shape, like=node, attributes=attributes)


def _instance_norm(builder: GraphBuilder, node: Node) -> int | None:
    """Instance norm without running statistics is group norm with one channel per group."""
    if not node.get("use_input_stats") or "running_mean" in dict(node.get("slots")):
        return None
    attributes = {"num_groups": node.shape[1], "eps": node.get("eps"), "slots": node.get("slots")}
    return builder.make("group_norm", node.inputs, node.shape, like=node, attributes=attributes)


def _global_pool(builder: GraphBuilder, node: Node) -> int | None:
    """Average pooling over a whole map is the mean of the map."""
    source = builder.shape(node.inputs[0])
    space = len(node.shape) - (len(source) - operation(node.op).pooled_dims)
    over = tuple(range(len(source) - space, len(source)))
    if any(node.shape[dim] != 1 for dim in over):
        return None
    if not operation(node.op).is_adaptive:
        whole = tuple(source[dim] for dim in over) == tuple(node.get("kernel_size"))
        if not whole or any(node.get("padding")) or node.get("divisor_override"):
            return None
    return reduced(builder, node, "mean", over)


def _average_pool(builder: GraphBuilder, node: Node) -> int | None:
    """An adaptive pooling is a plain one if the new size divides the old one."""
    source = builder.shape(node.inputs[0])
    space = operation(node.op).pooled_dims
    if operation(node.op).is_adaptive:
        pairs = list(zip(source[-space:], node.shape[-space:], strict=True))
        if any(size % target for size, target in pairs):
            return None
        kernel = tuple(size // target for size, target in pairs)
        attributes = {"kernel_size": kernel, "stride": kernel, "padding": (0,) * space, "ceil_mode": False,
                      "count_include_pad": True, "divisor_override": None, "slots": slots("self")}  # fmt: skip
        return builder.make(f"avg_pool{space}d", node.inputs, node.shape, like=node, attributes=attributes)
    return _pool_defaults(builder, node)


def _pool_defaults(builder: GraphBuilder, node: Node) -> int | None:
    """The defaults of a pooling are written out: its stride is its kernel, and one number stands for every dim.

    At stride 1 every window fits, so that rounding up changes nothing. Without padding no padding can be counted.
    """
    attributes = dict(node.attributes)
    space = operation(node.op).pooled_dims
    spread = {
        name: tuple(value) * (space if len(value) == 1 else 1)
        for name in ("kernel_size", "stride", "padding", "dilation")
        if (value := attributes.get(name))
    }
    spread.setdefault("stride", spread["kernel_size"])
    if attributes.get("ceil_mode") and set(spread["stride"]) == {1}:
        attributes["ceil_mode"] = False
    if not any(attributes.get("padding") or ()) and "count_include_pad" in attributes and not attributes["ceil_mode"]:
        spread["count_include_pad"] = True  # type: ignore[assignment]
    if all(node.get(name) == value for name, value in (attributes | spread).items()):
        return None
    return builder.make(node.op, node.inputs, node.shape, like=node, attributes=attributes | spread)


def _mean_of_arranged(builder: GraphBuilder, node: Node) -> int | None:
    """A mean over a flattened map is the mean over the map."""
    source, over = builder[node.inputs[0]], node.get("over")
    if source.op != "rearrange" or over is None:
        return None
    inner = builder.shape(source.inputs[0])
    arrangement = arrangement_of(source)
    if arrangement.order != tuple(range(len(arrangement.order))):
        return None
    kept = len(source.shape) - len(over)
    if over != tuple(range(kept, len(source.shape))) or inner[:kept] != source.shape[:kept]:
        return None
    attributes = {"over": tuple(range(kept, len(inner)))}
    return builder.make(node.op, source.inputs, node.shape, like=node, attributes=attributes)


def _mean_of_single(builder: GraphBuilder, node: Node) -> int | None:
    """A mean or sum over dims of one element each computes nothing."""
    over, shape = node.get("over"), builder.shape(node.inputs[0])
    if over is None or any(shape[dim] != 1 for dim in over):
        return None
    return builder.rearrange(node.inputs[0], reshaped(shape, node.shape), like=node)


RULES = (
    Rule("addmm as a linear layer", ("addmm",), _addmm),
    Rule("a product with a weight as a linear layer", ("matmul", "mm", "bmm"), _matmul),
    Rule("an added weight as a bias", ("add",), _bias),
    Rule("a convolution's padding", (*_CONVOLUTIONS, "conv1d.padding", "conv2d.padding", "conv3d.padding"),
         _convolution),
    Rule("a convolution below autograd", ("convolution",), _recorded_convolution, silent=True),
    Rule("a batch norm's momentum, where it has a part", ("batch_norm",), _batch_norm, silent=True),
    Rule("instance norm as group norm", ("instance_norm",), _instance_norm),
    Rule("averaging a whole map as its mean", (
        "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
        _global_pool),
    Rule("a pooling's defaults", (
        "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
        _average_pool, silent=True),
    Rule("a pooling's window", ("max_pool1d", "max_pool2d", "max_pool3d"), _pool_defaults, silent=True),
    Rule("a mean over single elements computes nothing", ("mean", "sum"), _mean_of_single, silent=True),
    Rule("a mean over a flattened map", ("mean", "sum"), _mean_of_arranged, silent=True),
)  # fmt: skip
