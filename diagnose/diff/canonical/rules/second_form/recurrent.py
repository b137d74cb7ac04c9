"""Rules of the second canonical form for GRU and LSTM layers: each is written out as its steps, one after another.

Source: the equations are those of torch's documentation of `GRU` and `LSTM`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from diagnose.diff.canonical.axes import reshaped
from diagnose.diff.canonical.builder import GraphBuilder, Rule, slots
from diagnose.diff.canonical.rules.arithmetic import scaled
from diagnose.diff.ir.graph import Node

MOST = 64
"""Steps of all layers and directions that are written out, at most; a longer one stays one operation."""

Step = Callable[[GraphBuilder, int, Sequence[int], Sequence[int], Node], list[int]]
"""Return the new state from an input (N, D), the state, and the weights of a layer."""


def _gates(builder: GraphBuilder, value: int, weights: Sequence[int], count: int, like: Node) -> list[int]:
    """Return the linear functions of a value that feed the gates, one for each."""
    size = builder.shape(weights[0])[0] // count
    names = slots("input", "weight", "bias")[: 1 + len(weights)]
    shape = builder.shape(value)[:-1]
    whole = builder.make("linear", (value, *weights), (*shape, count * size), like=like, attributes={"slots": names})
    return [
        builder.make("slice", (whole,), (*shape, size), like=like,
                     attributes={"dim": len(shape), "start": gate * size, "stop": (gate + 1) * size})
        for gate in range(count)
    ]  # fmt: skip


def _made(builder: GraphBuilder, op: str, like: Node, *values: int) -> int:
    return builder.make(op, values, builder.shape(values[0]), like=like)


def _gru_step(builder: GraphBuilder, value: int, state: Sequence[int], weights: Sequence[int], like: Node) -> list[int]:
    """Return h = (1 − z) · tanh(n + r · m) + z · h."""
    (held,), half = state, len(weights) // 2
    r_x, z_x, n_x = _gates(builder, value, weights[::2] if half == 2 else weights[:1], 3, like)
    r_h, z_h, n_h = _gates(builder, held, weights[1::2] if half == 2 else weights[1:], 3, like)
    reset = _made(builder, "sigmoid", like, _made(builder, "add", like, r_x, r_h))
    update = _made(builder, "sigmoid", like, _made(builder, "add", like, z_x, z_h))
    new = _made(builder, "tanh", like, _made(builder, "add", like, n_x, _made(builder, "mul", like, reset, n_h)))
    rest = builder.make(
        "shift", (scaled(builder, update, -1.0, like),), builder.shape(held), like=like, attributes={"amount": 1.0}
    )
    kept = _made(builder, "mul", like, update, held)
    return [_made(builder, "add", like, _made(builder, "mul", like, rest, new), kept)]


def _lstm_step(
    builder: GraphBuilder, value: int, state: Sequence[int], weights: Sequence[int], like: Node
) -> list[int]:
    """Return h = o · tanh(c) and c = f · c + i · g."""
    held, cell = state
    half = len(weights) // 2
    from_x = _gates(builder, value, weights[::2] if half == 2 else weights[:1], 4, like)
    from_h = _gates(builder, held, weights[1::2] if half == 2 else weights[1:], 4, like)
    i, f, g, o = (_made(builder, "add", like, x, h) for x, h in zip(from_x, from_h, strict=True))
    i, f, o = (_made(builder, "sigmoid", like, gate) for gate in (i, f, o))
    added = _made(builder, "mul", like, i, _made(builder, "tanh", like, g))
    cell = _made(builder, "add", like, _made(builder, "mul", like, f, cell), added)
    return [_made(builder, "mul", like, o, _made(builder, "tanh", like, cell)), cell]


STEPS: dict[str, tuple[Step, int]] = {"gru.input": (_gru_step, 1), "lstm.input": (_lstm_step, 2)}
"""How a layer makes one step, and how many tensors its state is."""


def _part(builder: GraphBuilder, value: int, dim: int, index: int, like: Node) -> int:
    """Return one slice of a value along an axis, without the axis."""
    shape = builder.shape(value)
    single = tuple(1 if axis == dim else size for axis, size in enumerate(shape))
    piece = builder.make("slice", (value,), single, like=like,
                         attributes={"dim": dim, "start": index, "stop": index + 1})  # fmt: skip
    return builder.rearrange(piece, reshaped(single, (*shape[:dim], *shape[dim + 1 :])), like=like)


def _joined(builder: GraphBuilder, values: Sequence[int], dim: int, like: Node) -> int:
    """Return values of one shape as the slices of one along a new axis."""
    shape = builder.shape(values[0])
    single, whole = (*shape[:dim], 1, *shape[dim:]), (*shape[:dim], len(values), *shape[dim:])
    pieces = [builder.rearrange(value, reshaped(shape, single), like=like) for value in values]
    return pieces[0] if len(pieces) == 1 else builder.make("cat", pieces, whole, like=like, attributes={"dim": dim})


def _in_steps(builder: GraphBuilder, node: Node) -> int | None:
    """Return a result of a recurrent layer, computed step by step: all outputs, or the last state."""
    layer = builder[node.inputs[0]]
    if layer.op not in STEPS or (layer.get("train") and layer.get("dropout") and layer.get("num_layers") > 1):
        return None
    step, states = STEPS[layer.op]
    value, *rest = layer.inputs
    initial, weights = rest[:states], rest[states:]
    directions = 2 if layer.get("bidirectional") else 1
    layers, axis = layer.get("num_layers"), 1 if layer.get("batch_first") else 0
    length, per_layer = builder.shape(value)[axis], 4 if layer.get("has_biases") else 2
    runs = layers * directions
    if length * runs > MOST or len(builder.shape(value)) != 3 or len(weights) != per_layer * runs:
        return None
    last: list[list[int]] = []
    for depth in range(layers):
        inputs = [_part(builder, value, axis, place, node) for place in range(length)]
        outputs = []
        for direction in range(directions):
            run = depth * directions + direction
            state = [_part(builder, held, 0, run, node) for held in initial]
            made = []
            for place in reversed(range(length)) if direction else range(length):
                own = weights[run * per_layer : (run + 1) * per_layer]
                state = step(builder, inputs[place], state, own, node)
                made.append(state[0])
            outputs.append(_joined(builder, made[::-1] if direction else made, axis, node))
            last.append(state)
        shape = builder.shape(outputs[0])
        value = outputs[0]
        if directions == 2:
            both = (*shape[:2], 2 * shape[2])
            value = builder.make("cat", outputs, both, like=node, attributes={"dim": 2})
    if node.get("index") == 0:
        return value
    return _joined(builder, [state[node.get("index") - 1] for state in last], 0, node)


RULES = (Rule("a recurrent layer as its steps", ("getitem",), _in_steps),)
