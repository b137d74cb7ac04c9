"""Formulas of what works element by element, and the operators that only move, select or make values.

An operator that PyTorch itself calls pointwise and that is not named here counts one operation per output element,
whichever function it is.
"""

from __future__ import annotations

from math import prod

import torch

from diagnose.flops.formulas.layers import ELEMENTWISE
from diagnose.flops.operator_call import Call, OperatorFormula, OperatorWork, nothing, per_element

ACTIVATION, MOVE = "activation", "data movement"

_ACTIVATIONS = (
    "relu relu6 gelu silu mish hardtanh hardswish hardsigmoid leaky_relu elu celu selu sigmoid tanh softplus "
    "hardshrink softshrink threshold _prelu_kernel rrelu_with_noise log_sigmoid_forward"
)


def dropout(call: Call) -> OperatorWork:
    """Count a mask and a scale per element, as a dropout of parts has them; nothing where it is not trained."""
    return OperatorWork(0, 2 * call.out.numel() if call.args[2] else 0)


def index_put(call: Call) -> OperatorWork | None:
    """Count one sum per element that is added to what stands there; what is only written counts nothing.

    Indices of shape (…) in the first dimensions add |broadcast indices| · Π (dimensions without an index). A mask does
    not tell how many it selects.
    """
    if not call.arg(3, False):
        return OperatorWork()
    indices = list(call.args[1])
    given = [index for index in indices if index is not None]
    if any(index.dtype in (torch.bool, torch.uint8) for index in given):
        return None
    whole = [size for i, size in enumerate(call.args[0].shape) if i >= len(indices) or indices[i] is None]
    together = torch.broadcast_shapes(*(index.shape for index in given))  # type: ignore[no-untyped-call]
    return OperatorWork(0, prod(together) * prod(whole))


_UNTAGGED = "rsub floor_divide bucketize"
"""Pointwise operators that PyTorch does not tag as such."""

_MOVES = (
    # copies and new layouts
    "clone copy _to_copy cat concat stack hstack vstack pad constant_pad_nd reflection_pad1d "
    "reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d roll flip repeat "
    "repeat_interleave tile rot90 im2col col2im pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle "
    "split_with_sizes_copy unsafe_split unsafe_split_with_sizes max_unpool2d max_unpool3d complex "
    "lift_fresh lift _local_scalar_dense item _unsafe_view unfold_copy permute_copy "
    # selections
    "index_select gather index _unsafe_index embedding take take_along_dim masked_select masked_fill where tril triu "
    "index_copy index_fill scatter select_scatter slice_scatter diagonal_scatter diag_embed one_hot nonzero "
    # values from nothing
    "empty empty_like empty_strided new_empty new_empty_strided zeros zeros_like new_zeros ones ones_like new_ones "
    "full full_like new_full fill zero arange linspace eye scalar_tensor meshgrid tril_indices "
    "triu_indices rand rand_like randn randn_like randint randint_like randperm normal uniform bernoulli "
    "exponential random set_ resize_ "
    # what asks for a property
    "sym_size sym_stride sym_numel sym_storage_offset is_same_size _has_compatible_shallow_copy_type "
    # gradients of selections, which write into zeros
    "select_backward slice_backward diagonal_backward index_select_backward "
)

ENTRIES: dict[str, OperatorFormula] = {
    **{f"aten::{name}": OperatorFormula(ACTIVATION, per_element(1)) for name in _ACTIVATIONS.split()},
    "aten::glu": OperatorFormula(ACTIVATION, per_element(2)),
    **{f"aten::{name}": OperatorFormula(ELEMENTWISE, per_element(1)) for name in _UNTAGGED.split()},
    **{f"aten::{name}": OperatorFormula(ELEMENTWISE, per_element(2)) for name in ("addcmul", "addcdiv")},
    "aten::lerp": OperatorFormula(ELEMENTWISE, per_element(3)),
    "aten::native_dropout": OperatorFormula(ELEMENTWISE, dropout),
    **{f"aten::{name}": OperatorFormula(MOVE, index_put) for name in ("index_put", "_unsafe_index_put")},
    **{f"aten::{name}": OperatorFormula(MOVE, nothing) for name in _MOVES.split()},
}
"""Operator → its kind and formula."""

_MADE = (
    "empty_like new_empty new_empty_strided zeros_like new_zeros ones_like new_ones full_like new_full rand_like "
    "randn_like randint_like"
)
MADE = frozenset(f"aten::{name}" for name in _MADE.split())
"""What takes only the shape of its operand, so that the result does not depend on the network's input."""
