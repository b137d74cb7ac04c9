"""Rules of the canonical form for what computes nothing."""

from __future__ import annotations

from diagnose.diff.canonical.builder import GraphBuilder, Rule
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import ROWS, base, operation

_DROPOUTS = tuple(row.name for row in ROWS if row.is_dropout)
_POOLINGS = tuple(row.name for row in ROWS if row.pooled_dims)


def _same(builder: GraphBuilder, node: Node) -> int | None:
    source = builder[node.inputs[0]]
    return source.id if (source.dtype, source.shape) == (node.dtype, node.shape) else None


def _detached_leaf(builder: GraphBuilder, node: Node) -> int | None:
    source = builder[node.inputs[0]]
    return source.id if source.op in ("constant", "detach", "input") else None


def _dropout(builder: GraphBuilder, node: Node) -> int | None:
    return node.inputs[0] if node.get("p") == 0 or not node.get("train") else None


def _pool(builder: GraphBuilder, node: Node) -> int | None:
    """A pooling over windows of one element computes nothing, nor does one onto the size that its input has."""
    if operation(node.op).is_adaptive:
        return node.inputs[0] if builder.shape(node.inputs[0]) == node.shape else None
    stride = node.get("stride") or node.get("kernel_size")
    ones = all(size == 1 for size in (*node.get("kernel_size"), *stride))
    return node.inputs[0] if ones and not any(node.get("padding")) else None


def _pad(builder: GraphBuilder, node: Node) -> int | None:
    return node.inputs[0] if not any(node.get("pad")) else None


def _copied(builder: GraphBuilder, node: Node) -> int | None:
    """A tensor that another one is copied over is that other one."""
    source = builder[node.inputs[1]]
    if (source.shape, source.dtype) == (node.shape, node.dtype):
        return source.id
    return None


def _rewritten(builder: GraphBuilder, node: Node) -> int | None:
    """Writing a view back unchanged computes nothing; of two writes to one view, the second counts."""
    kept, written = builder[node.inputs[0]], builder[node.inputs[1]]
    if written.op == "slice" and written.inputs == (kept.id,) and node.get("view") == "slice.Tensor":
        same = (written.get("dim"), written.get("start")) == (node.get("dim"), node.get("start"))
        return kept.id if same and written.get("stop") == node.get("end") else None
    if kept.op == "write_view" and kept.attributes == node.attributes:
        inner = (kept.inputs[0], node.inputs[1])
        return builder.make("write_view", inner, node.shape, like=node, attributes=dict(node.attributes))
    return None


def _is_counter(builder: GraphBuilder, node: Node) -> int | None:
    """The number of batches that a norm has seen is no part of what it computes."""
    source = builder[node.inputs[0]]
    counts = source.op == "buffer" and source.dtype == "int64" and source.shape == ()
    return source.id if counts and base(node.op) == "add" else None


RULES = (
    Rule("a copy computes nothing", ("contiguous", "clone", "alias", "lift_fresh", "lift_fresh_copy", "positive",
                                     "resolve_conj", "resolve_neg", "requires_grad"), _same, silent=True),
    Rule("a conversion to the same type computes nothing", ("to.device", "to.dtype", "to.dtype_layout", "to.other",
                                                            "type_as", "_to_copy", "float", "expand_copy"), _same,
         silent=True),
    Rule("detaching what has no gradient computes nothing", ("detach",), _detached_leaf, silent=True),
    Rule("dropout at rate 0 or in eval mode computes nothing", _DROPOUTS, _dropout),
    Rule("a pooling over single elements computes nothing", _POOLINGS, _pool),
    Rule("padding by nothing computes nothing", ("pad", "constant_pad_nd"), _pad),
    Rule("what is copied over a tensor replaces it", ("copy",), _copied, silent=True),
    Rule("a view written back", ("write_view",), _rewritten, silent=True),
    Rule("a norm's counter of batches", ("add.Tensor",), _is_counter, silent=True),
)  # fmt: skip
