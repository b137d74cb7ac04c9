"""Formulas of the gradients that are neither a product nor pointwise."""

from __future__ import annotations

from math import prod

from diagnose.flops.formulas.elementwise import ACTIVATION
from diagnose.flops.formulas.layers import (
    NORM,
    POOLING,
    REDUCTION,
    RESAMPLING,
    SOFTMAX_KIND,
    average_pool_backward,
)
from diagnose.flops.operator_call import Call, OperatorFormula, OperatorWork, per_element, per_read

NORM_GRADIENT = 9
"""Operations per element of a norm's gradient with the batch's statistics: x̂ (2), Σ dy (1), Σ dy·x̂ (2), and
dx = γ/σ · (dy − mean(dy) − x̂ · mean(dy·x̂)) (4)."""

FROZEN_GRADIENT = 5
"""Operations per element where the statistics are constants: x̂ (2), Σ dy and Σ dy·x̂ (2, with x̂ in hand), dx (1)."""


def batch_norm_backward(call: Call) -> OperatorWork:
    """Count the gradient of a batch norm, whose argument 7 says whether the batch's statistics were taken."""
    return OperatorWork(0, call.args[0].numel() * (NORM_GRADIENT if call.args[7] else FROZEN_GRADIENT))


def adaptive_average_backward(call: Call) -> OperatorWork:
    """Count one division per element of the gradient and one sum per element of the input."""
    gradient, given = call.args[:2]
    return OperatorWork(0, gradient.numel() + prod(given.shape))


def weight_norm_backward(call: Call) -> OperatorWork:
    """Count dg = Σ dw · v / ‖v‖ and dv = a · dw − b · v, with two factors a and b per norm."""
    return OperatorWork(0, 5 * call.args[1].numel() + 4 * call.args[2].numel())


def embedding_bag_backward(call: Call) -> OperatorWork:
    """Count one sum per looked-up element: the gradient (bags, width), the indices of all bags."""
    return OperatorWork(0, call.args[1].numel() * call.args[0].shape[-1])


def negative_log_likelihood_backward(call: Call) -> OperatorWork:
    """Count one operation per target, argument 2."""
    return OperatorWork(0, call.args[2].numel())


_PADS = " ".join(f"{way}_pad{n}d_backward" for way in ("reflection", "replication") for n in (1, 2, 3))
_NEAREST = " ".join(
    f"{name}{n}d_backward" for name in ("upsample_nearest", "_upsample_nearest_exact") for n in (1, 2, 3)
)
_SMALL_ACTIVATIONS = (
    "hardswish_backward hardsigmoid_backward leaky_relu_backward elu_backward hardtanh_backward softplus_backward "
    "log_sigmoid_backward mish_backward _prelu_kernel_backward hardshrink_backward softshrink_backward "
    "rrelu_with_noise_backward"
)

ENTRIES: dict[str, OperatorFormula] = {
    "aten::native_batch_norm_backward": OperatorFormula(NORM, batch_norm_backward),
    "aten::native_layer_norm_backward": OperatorFormula(NORM, per_read(NORM_GRADIENT)),
    "aten::native_group_norm_backward": OperatorFormula(NORM, per_read(NORM_GRADIENT)),
    "aten::_softmax_backward_data": OperatorFormula(SOFTMAX_KIND, per_read(4)),
    "aten::_log_softmax_backward_data": OperatorFormula(SOFTMAX_KIND, per_read(4)),
    "aten::max_pool2d_with_indices_backward": OperatorFormula(POOLING, per_read(1)),
    "aten::max_pool3d_with_indices_backward": OperatorFormula(POOLING, per_read(1)),
    "aten::adaptive_max_pool2d_backward": OperatorFormula(POOLING, per_read(1)),
    "aten::adaptive_max_pool3d_backward": OperatorFormula(POOLING, per_read(1)),
    "aten::avg_pool2d_backward": OperatorFormula(POOLING, average_pool_backward(2)),
    "aten::avg_pool3d_backward": OperatorFormula(POOLING, average_pool_backward(3)),
    "aten::_adaptive_avg_pool2d_backward": OperatorFormula(POOLING, adaptive_average_backward),
    "aten::_adaptive_avg_pool3d_backward": OperatorFormula(POOLING, adaptive_average_backward),
    **{f"aten::{name}": OperatorFormula(RESAMPLING, per_read(1)) for name in _NEAREST.split()},
    "aten::upsample_linear1d_backward": OperatorFormula(RESAMPLING, per_read(4)),
    "aten::upsample_bilinear2d_backward": OperatorFormula(RESAMPLING, per_read(8)),
    "aten::upsample_trilinear3d_backward": OperatorFormula(RESAMPLING, per_read(16)),
    "aten::upsample_bicubic2d_backward": OperatorFormula(RESAMPLING, per_read(32)),
    "aten::embedding_dense_backward": OperatorFormula(REDUCTION, per_read(1)),
    "aten::_embedding_bag_backward": OperatorFormula(REDUCTION, embedding_bag_backward),
    "aten::nll_loss_backward": OperatorFormula(REDUCTION, negative_log_likelihood_backward),
    "aten::nll_loss2d_backward": OperatorFormula(REDUCTION, negative_log_likelihood_backward),
    "aten::_weight_norm_interface_backward": OperatorFormula(NORM, weight_norm_backward),
    **{f"aten::{name}": OperatorFormula(REDUCTION, per_read(1)) for name in _PADS.split()},
    "aten::glu_backward": OperatorFormula(ACTIVATION, per_element(2)),
    **{f"aten::{name}": OperatorFormula(ACTIVATION, per_element(1)) for name in _SMALL_ACTIVATIONS.split()},
}
"""Operator → its kind and formula."""
