"""Formulas of norms, softmax, pooling, resampling and reductions, which have operations and no MACs."""

from __future__ import annotations

from math import prod
from typing import Any

from diagnose.flops.formulas.products import SOFTMAX
from diagnose.flops.operator_call import Call, Formula, OperatorFormula, OperatorWork, nothing, per_element, per_read

NORM, SOFTMAX_KIND, POOLING = "norm", "softmax", "pooling"
RESAMPLING, REDUCTION, ELEMENTWISE = "resampling", "reduction", "elementwise"

SCALE_AND_SHIFT = 2
"""Operations per element of a batch norm whose statistics are known: they fold into one factor and one summand."""

NORMALISE = 5
"""Operations per element of a norm with the batch's own statistics: sum, difference, square, sum, scale."""

AFFINE = 2
"""Operations per element of a scale γ and a shift β."""


def batch_norm(call: Call) -> OperatorWork:
    """Count a batch norm, whose argument 5 says whether it takes the batch's statistics."""
    return _normalised(call, affine=call.args[1] is not None) if call.args[5] else _folded(call)


def instance_norm(call: Call) -> OperatorWork:
    """Count an instance norm, whose argument 5 says whether it takes the input's statistics."""
    return batch_norm(call)


def layer_norm(call: Call) -> OperatorWork:
    """Count a layer norm or group norm, whose argument 2 is the weight."""
    return _normalised(call, affine=call.arg(2) is not None)


def native_group_norm(call: Call) -> OperatorWork:
    """Count aten.native_group_norm, whose argument 1 is the weight."""
    return _normalised(call, affine=call.arg(1) is not None)


def rms_norm(call: Call) -> OperatorWork:
    """Count x / √mean(x²) · γ: square, sum, scale, and γ where there is one."""
    return OperatorWork(0, call.out.numel() * (3 + (call.arg(2) is not None)))


def _folded(call: Call) -> OperatorWork:
    return OperatorWork(0, SCALE_AND_SHIFT * call.out.numel())


def _normalised(call: Call, *, affine: bool) -> OperatorWork:
    return OperatorWork(0, call.out.numel() * (NORMALISE + (AFFINE if affine else 0)))


def max_pool(dimensions: int) -> Formula:
    """Return the formula of a max pool: Π kernel − 1 comparisons per output element, padding included."""
    return lambda call: OperatorWork(0, call.out.numel() * (_window(call.args[1], dimensions) - 1))


def average_pool(dimensions: int) -> Formula:
    """Return the formula of an average pool: Π kernel − 1 sums and a division per output, padding included."""
    return lambda call: OperatorWork(0, call.out.numel() * _window(call.args[1], dimensions))


def average_pool_backward(dimensions: int) -> Formula:
    """Return the formula of its gradient: each incoming element is divided once and added Π kernel times."""
    return lambda call: OperatorWork(0, call.args[0].numel() * (1 + _window(call.args[2], dimensions)))


def adaptive_pool(dimensions: int, *, divided: bool) -> Formula:
    """Return the formula of an adaptive pool: as many operations per output as its window holds; a maximum one fewer.

    Along a side of H inputs and O outputs, window i goes from ⌊i·H/O⌋ to ⌈(i+1)·H/O⌉.
    """

    def formula(call: Call) -> OperatorWork:
        sides = list(zip(call.args[0].shape[-dimensions:], call.out.shape[-dimensions:], strict=True))
        others = call.out.numel() // prod(outputs for _, outputs in sides)
        windows = others * prod(_covered(inputs, outputs) for inputs, outputs in sides)
        return OperatorWork(0, windows if divided else windows - call.out.numel())

    return formula


def _covered(inputs: int, outputs: int) -> int:
    """Return the sum of the window lengths along one side."""
    return sum(-(-(i + 1) * inputs // outputs) - i * inputs // outputs for i in range(outputs))


def _window(kernel: Any, dimensions: int) -> int:
    sizes = [kernel] if isinstance(kernel, int) else list(kernel)
    return prod(sizes * dimensions if len(sizes) == 1 else sizes)


def interpolation(points: int) -> Formula:
    """Return the formula of a weighted sum of n points: n products and n − 1 sums."""
    return per_element(2 * points - 1)


def grid_sample(call: Call) -> OperatorWork | None:
    """Count a grid sample by its mode: 0 linear over 2ⁿ corners, 1 nearest, 2 cubic over 16 points."""
    corners = 2 ** (call.args[0].ndim - 2)
    points = {0: corners, 1: 1, 2: 16}.get(call.args[2])
    return None if points is None else interpolation(points)(call) if points > 1 else OperatorWork()


def mean(call: Call) -> OperatorWork:
    """Count one sum per element read and one division per element of the result."""
    return OperatorWork(0, call.args[0].numel() + call.out.numel())


def cdist(call: Call) -> OperatorWork:
    """Count distances of (…, P, M) and (…, R, M): difference, power and sum per coordinate, a root per pair."""
    return OperatorWork(0, call.out.numel() * (3 * call.args[0].shape[-1] + 1))


def embedding_bag(call: Call) -> OperatorWork:
    """Count the sum of each bag: one operation per looked-up element."""
    return OperatorWork(0, call.args[1].numel() * call.args[0].shape[-1])


def scattered(call: Call) -> OperatorWork:
    """Count one operation per element of the source, argument 3, that joins what stands at its index."""
    return OperatorWork(0, call.args[3].numel())


def weight_norm(call: Call) -> OperatorWork:
    """Count w = g · v / ‖v‖: square, sum and scale per element of v; a root and a division per norm."""
    return OperatorWork(0, 3 * call.args[0].numel() + 2 * call.args[1].numel())


def negative_log_likelihood(call: Call) -> OperatorWork:
    """Count one sum per target, argument 1."""
    return OperatorWork(0, call.args[1].numel())


def _each(names: str, kind: str, formula: Formula) -> dict[str, OperatorFormula]:
    return {f"aten::{name}": OperatorFormula(kind, formula) for name in names.split()}


ENTRIES: dict[str, OperatorFormula] = {
    **_each("batch_norm native_batch_norm", NORM, batch_norm),
    **_each("_native_batch_norm_legit_no_training", NORM, _folded),
    **_each("instance_norm", NORM, instance_norm),
    **_each("layer_norm native_layer_norm group_norm", NORM, layer_norm),
    **_each("native_group_norm", NORM, native_group_norm),
    **_each("rms_norm _fused_rms_norm", NORM, rms_norm),
    **_each("softmax _softmax _safe_softmax log_softmax _log_softmax", SOFTMAX_KIND, per_element(SOFTMAX)),
    **_each("max_pool1d", POOLING, max_pool(1)),
    **_each("max_pool2d max_pool2d_with_indices", POOLING, max_pool(2)),
    **_each("max_pool3d max_pool3d_with_indices", POOLING, max_pool(3)),
    **{f"aten::avg_pool{n}d": OperatorFormula(POOLING, average_pool(n)) for n in (1, 2, 3)},
    **{f"aten::adaptive_avg_pool{n}d": OperatorFormula(POOLING, adaptive_pool(n, divided=True)) for n in (1, 2, 3)},
    **{f"aten::_adaptive_avg_pool{n}d": OperatorFormula(POOLING, adaptive_pool(n, divided=True)) for n in (2, 3)},
    **{f"aten::adaptive_max_pool{n}d": OperatorFormula(POOLING, adaptive_pool(n, divided=False)) for n in (1, 2, 3)},
    **{f"aten::upsample_nearest{n}d": OperatorFormula(RESAMPLING, nothing) for n in (1, 2, 3)},
    **{f"aten::_upsample_nearest_exact{n}d": OperatorFormula(RESAMPLING, nothing) for n in (1, 2, 3)},
    **_each("upsample_linear1d", RESAMPLING, interpolation(2)),
    **_each("upsample_bilinear2d", RESAMPLING, interpolation(4)),
    **_each("upsample_trilinear3d", RESAMPLING, interpolation(8)),
    **_each("upsample_bicubic2d", RESAMPLING, interpolation(16)),
    **_each("grid_sampler grid_sampler_2d grid_sampler_3d", RESAMPLING, grid_sample),
    **_each("sum prod amax amin max min argmax argmin all any cumsum cumprod", REDUCTION, per_read(1)),
    **_each("mean", REDUCTION, mean),
    **_each("var std var_mean std_mean", REDUCTION, per_read(NORMALISE - 1)),
    **_each("linalg_vector_norm", REDUCTION, per_read(2)),
    **_each("logsumexp", REDUCTION, per_read(4)),
    **_each("nansum cummax cummin", REDUCTION, per_read(1)),
    **_each("scatter_add scatter_reduce index_add", REDUCTION, scattered),
    **_each("nll_loss_forward nll_loss2d_forward", REDUCTION, negative_log_likelihood),
    **_each("_weight_norm_interface", NORM, weight_norm),
    **_each("_embedding_bag", REDUCTION, embedding_bag),
    **_each("_cdist_forward", REDUCTION, cdist),
}
"""Operator → its kind and formula."""
