"""Formulas of what multiplies and accumulates: convolutions, matrix products and attention.

A bias is one addition per output element and stands beside the MACs, so that a layer counts the same whether PyTorch
runs it as one operator or as a product and a sum.
"""

from __future__ import annotations

from math import prod

from diagnose.flops.operator_call import Call, OperatorFormula, OperatorWork

CONVOLUTION, PRODUCT, ATTENTION = "convolution", "matrix product", "attention"

SOFTMAX = 5
"""Operations of a softmax per element: maximum, difference, exponential, sum, division."""


def convolution(call: Call) -> OperatorWork:
    """Count a convolution: MACs = |out| · C_in/groups · Π kernel; padding is multiplied like any other element."""
    weight, bias = call.args[1], call.arg(2)
    macs = call.out.numel() * prod(weight.shape[1:])
    return OperatorWork(macs, _bias(bias, call))


def transposed_convolution(call: Call) -> OperatorWork:
    """Count a transposed convolution: MACs = |in| · C_out/groups · Π kernel; what the padding crops is counted."""
    macs = call.args[0].numel() * prod(call.args[1].shape[1:])
    return OperatorWork(macs, _bias(call.arg(2), call))


def any_convolution(call: Call) -> OperatorWork:
    """Count aten.convolution, whose argument 6 says whether it is transposed."""
    return transposed_convolution(call) if call.args[6] else convolution(call)


def convolution_backward(call: Call) -> OperatorWork:
    """Count the gradients that `output_mask` asks for: each of input and weight costs what the forward pass did."""
    gradient, given, weight, transposed, wanted = (*call.args[:3], call.args[7], call.args[10])
    positions = given.numel() if transposed else gradient.numel()
    forward = positions * prod(weight.shape[1:])
    return OperatorWork(forward * (wanted[0] + wanted[1]), gradient.numel() if wanted[2] else 0)


def deformable_convolution(call: Call) -> OperatorWork:
    """Count torchvision's: the MACs of a convolution, and a bilinear sample (7) of every column entry (and its mask).

    The columns are N · C_in · Π kernel · H_out · W_out.
    """
    given, weight, out = call.args[0], call.args[1], call.out
    columns = out.shape[0] * given.shape[1] * prod(weight.shape[2:]) * prod(out.shape[2:])
    masked = call.args[13] if len(call.args) > 13 else False
    return OperatorWork(
        out.numel() * prod(weight.shape[1:]), columns * (8 if masked else 7) + _bias(call.args[4], call)
    )


def linear(call: Call) -> OperatorWork:
    """Count x Wᵀ + b: MACs = |out| · features_in."""
    return OperatorWork(call.out.numel() * call.args[1].shape[-1], _bias(call.arg(2), call))


def packed(call: Call) -> OperatorWork:
    """Count a quantized layer, whose argument 1 packs weight and bias: MACs = |out| · Π weight.shape[1:]."""
    weight, bias = call.args[1].unpack()
    return OperatorWork(call.out.numel() * prod(weight.shape[1:]), _bias(bias, call))


def product(call: Call) -> OperatorWork:
    """Count a product of vectors, matrices or batches of them: MACs = |out| · K, K the last size of the first."""
    return OperatorWork(call.out.numel() * call.args[0].shape[-1])


def added_product(call: Call) -> OperatorWork:
    """Count β·M + α·(A B): MACs = |out| · K, and an operation per element for the sum, for α ≠ 1 and for β ≠ 0, 1."""
    beta, alpha = call.kwargs.get("beta", 1), call.kwargs.get("alpha", 1)
    beside = (beta != 0) + (beta not in (0, 1)) + (alpha != 1)
    return OperatorWork(call.out.numel() * call.args[1].shape[-1], beside * call.out.numel())


def added_batch_product(call: Call) -> OperatorWork:
    """Count aten.addbmm, which sums B products into one matrix: B times the MACs of `added_product`."""
    once = added_product(call)
    return OperatorWork(once.macs * call.args[1].shape[0], once.operations)


def outer_sum(call: Call) -> OperatorWork:
    """Count aten.addr, M + a bᵀ: one MAC per element."""
    return OperatorWork(call.out.numel())


def trilinear(call: Call) -> OperatorWork:
    """Count Σ a · b · c over the dimensions that are not kept: one MAC and one more product per broadcast element.

    aten._trilinear(a, b, c, expand_a, expand_b, expand_c, sum) inserts a size of 1 at each `expand` dimension.
    """
    shapes = []
    for tensor, expanded in zip(call.args[:3], call.args[3:6], strict=True):
        shape = list(tensor.shape)
        for dimension in sorted(expanded):
            shape.insert(dimension, 1)
        shapes.append(shape)
    elements = prod(max(sizes) for sizes in zip(*shapes, strict=True))
    return OperatorWork(elements, elements)


def affine_grid(call: Call) -> OperatorWork:
    """Count aten.affine_grid_generator, a grid of positions times θ (N, n, n + 1): MACs = |out| · (n + 1)."""
    return OperatorWork(call.out.numel() * call.args[0].shape[-1])


def scaled_dot_product(call: Call) -> OperatorWork:
    """Count softmax(Q Kᵀ · scale + mask) V with Q (…, L, E), K (…, S, E), V (…, S, E_v).

    MACs = rows · S · (E + E_v), rows = |Q| / E. A causal mask is counted in full: whether a kernel skips the upper
    half is the kernel's own.
    """
    query, key, value = call.args[:3]
    scores = call.out.numel() // max(1, value.shape[-1]) * key.shape[-2]
    masked = any(given is not None and given is not False for given in (call.arg(3), call.arg(5)))
    return OperatorWork(scores * (query.shape[-1] + value.shape[-1]), scores * (1 + SOFTMAX + masked))


def fused_attention(call: Call) -> OperatorWork:
    """Count a kernel behind `scaled_dot_product`: the same MACs, scale and softmax; its mask is not looked for."""
    query, key, value = call.args[:3]
    scores = call.out.numel() // max(1, value.shape[-1]) * key.shape[-2]
    return OperatorWork(scores * (query.shape[-1] + value.shape[-1]), scores * (1 + SOFTMAX))


def native_attention(call: Call) -> OperatorWork:
    """Count aten._native_multi_head_attention: projections of Q, K, V (N, L, D), attention, output projection.

    MACs = N · D² · (2 L + 2 S) + 2 N · L · S · D.
    """
    query, key, dim, heads = call.args[0], call.args[1], call.args[3], call.args[4]
    n, length, source = query.shape[0], query.shape[1], key.shape[1]
    scores = n * heads * length * source
    macs = n * dim * dim * (2 * length + 2 * source) + 2 * n * length * source * dim
    return OperatorWork(macs, n * dim * (2 * length + 2 * source) + scores * (1 + SOFTMAX))


def native_encoder_layer(call: Call) -> OperatorWork:
    """Count aten._transformer_encoder_layer_fwd: attention, two layer norms (7), two sums, F hidden features.

    MACs = N · L · (4 D² + 2 D F) + 2 N · L² · D.
    """
    n, length, dim = call.args[0].shape
    hidden, heads = call.args[14].shape[0], call.args[2]
    scores = n * heads * length * length
    macs = n * length * (4 * dim * dim + 2 * dim * hidden) + 2 * n * length * length * dim
    per_token = 4 * dim + (2 * hidden + dim) + 2 * 7 * dim + 2 * dim  # biases; FFN biases and activation; norms; sums
    return OperatorWork(macs, n * length * per_token + scores * (1 + SOFTMAX))


def _bias(bias: object, call: Call) -> int:
    return 0 if bias is None else call.out.numel()


_QUANTIZED_LINEAR = "linear linear_relu linear_dynamic linear_relu_dynamic"

ENTRIES: dict[str, OperatorFormula] = {
    **dict.fromkeys(("aten::conv1d", "aten::conv2d", "aten::conv3d"), OperatorFormula(CONVOLUTION, convolution)),
    **dict.fromkeys(
        ("aten::conv_transpose1d", "aten::conv_transpose2d", "aten::conv_transpose3d"),
        OperatorFormula(CONVOLUTION, transposed_convolution),
    ),
    **dict.fromkeys(("aten::convolution", "aten::_convolution"), OperatorFormula(CONVOLUTION, any_convolution)),
    "aten::convolution_backward": OperatorFormula(CONVOLUTION, convolution_backward),
    "torchvision::deform_conv2d": OperatorFormula(CONVOLUTION, deformable_convolution),
    "aten::linear": OperatorFormula(PRODUCT, linear),
    **{f"quantized::{name}": OperatorFormula(PRODUCT, packed) for name in _QUANTIZED_LINEAR.split()},
    **{f"quantized::conv{n}d{relu}": OperatorFormula(CONVOLUTION, packed) for n in (1, 2, 3) for relu in ("", "_relu")},
    **dict.fromkeys(
        ("aten::mm", "aten::bmm", "aten::matmul", "aten::mv", "aten::dot", "aten::vdot"),
        OperatorFormula(PRODUCT, product),
    ),
    **dict.fromkeys(("aten::addmm", "aten::baddbmm"), OperatorFormula(PRODUCT, added_product, factors=1)),
    "aten::addmv": OperatorFormula(PRODUCT, added_product, factors=1),
    "aten::addbmm": OperatorFormula(PRODUCT, added_batch_product, factors=1),
    "aten::addr": OperatorFormula(PRODUCT, outer_sum, factors=1),
    "aten::_trilinear": OperatorFormula(PRODUCT, trilinear),
    "aten::affine_grid_generator": OperatorFormula(PRODUCT, affine_grid),
    "aten::scaled_dot_product_attention": OperatorFormula(ATTENTION, scaled_dot_product),
    **dict.fromkeys(
        (
            "aten::_scaled_dot_product_flash_attention",
            "aten::_scaled_dot_product_flash_attention_for_cpu",
            "aten::_scaled_dot_product_efficient_attention",
            "aten::_scaled_dot_product_cudnn_attention",
            "aten::_scaled_dot_product_attention_math",
        ),
        OperatorFormula(ATTENTION, fused_attention),
    ),
    "aten::_native_multi_head_attention": OperatorFormula(ATTENTION, native_attention),
    "aten::_transformer_encoder_layer_fwd": OperatorFormula(ATTENTION, native_encoder_layer),
}
"""Operator (any overload, in place or not) → its kind and formula."""
