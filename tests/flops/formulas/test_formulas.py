"""One test per formula: the expected work is written out from the shapes by hand."""

import pytest
import torch
import torchvision
from torch import nn

from diagnose.flops.formulas.elementwise import MOVE
from diagnose.flops.formulas.formula_registry import REGISTRY, Treatment, rule
from diagnose.flops.formulas.shapes import known_result
from diagnose.flops.operator_call import Call

assert torchvision.ops  # registers torchvision's operators
A = torch.ops.aten


def t(*shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype, device="meta")


def ints(*shape):
    return t(*shape, dtype=torch.int64)


N, C, H, W, O = 2, 4, 8, 8, 6  # noqa: E741 batch, channels, height, width, output channels
IMAGE, OUT = (N, C, H, W), N * O * H * W
CONV2D = ([1, 1], [1, 1], [1, 1])  # stride, padding, dilation
HEADS, LENGTH, SOURCE, E, EV = 3, 5, 7, 4, 2
Q, K, V = (N, HEADS, LENGTH, E), (N, HEADS, SOURCE, E), (N, HEADS, SOURCE, EV)
SCORES = N * HEADS * LENGTH * SOURCE

PRODUCTS = [
    # operator, arguments, keywords, MACs, other operations
    (A.conv1d.default, (t(N, C, H), t(O, C, 3), t(O)), {}, N * O * 6 * C * 3, N * O * 6),
    (A.conv2d.default, (t(*IMAGE), t(O, C, 3, 3), None, [1, 1], [1, 1]), {}, OUT * C * 9, 0),
    (A.conv2d.default, (t(*IMAGE), t(O, C // 2, 3, 3), t(O), [1, 1], [1, 1], [1, 1], 2), {}, OUT * 2 * 9, OUT),
    (A.conv2d.padding, (t(*IMAGE), t(O, C, 3, 3), None, [1, 1], "same"), {}, OUT * C * 9, 0),
    (A.conv3d.default, (t(N, C, 4, 4, 4), t(O, C, 2, 2, 2)), {}, N * O * 27 * C * 8, 0),
    (A.conv_transpose1d.default, (t(N, C, H), t(C, O, 3)), {}, N * C * H * O * 3, 0),
    (A.conv_transpose2d.input, (t(*IMAGE), t(C, O, 3, 3), t(O)), {}, N * C * 64 * O * 9, N * O * 100),
    (A.conv_transpose3d.input, (t(N, C, 2, 2, 2), t(C, O, 3, 3, 3)), {}, N * C * 8 * O * 27, 0),
    (
        A.convolution.default,
        (t(*IMAGE), t(O, C, 3, 3), None, [2, 2], [1, 1], [1, 1], False, [0, 0], 1),
        {},
        N * O * 16 * C * 9,
        0,
    ),
    (
        A._convolution.default,  # has no meta kernel
        (
            torch.zeros(IMAGE),
            torch.zeros(C, O, 3, 3),
            None,
            [2, 2],
            [1, 1],
            [1, 1],
            True,
            [0, 0],
            1,
            False,
            False,
            False,
            False,
        ),
        {},
        N * C * 64 * O * 9,
        0,
    ),
    (
        A.convolution_backward.default,
        (t(N, O, H, W), t(*IMAGE), t(O, C, 3, 3), [O], *CONV2D, False, [0, 0], 1, [True, True, True]),
        {},
        2 * OUT * C * 9,
        OUT,
    ),
    (
        A.convolution_backward.default,
        (t(N, O, H, W), t(*IMAGE), t(O, C, 3, 3), None, *CONV2D, False, [0, 0], 1, [False, True, False]),
        {},
        OUT * C * 9,
        0,
    ),
    (
        torch.ops.torchvision.deform_conv2d.default,
        (t(*IMAGE), t(O, C, 3, 3), t(N, 18, H, W), t(N, 9, H, W), t(O), 1, 1, 1, 1, 1, 1, 1, 1, True),
        {},
        OUT * C * 9,
        N * C * 9 * H * W * 8 + OUT,
    ),
    (A.linear.default, (t(N, 3, 5), t(7, 5), t(7)), {}, N * 3 * 7 * 5, N * 3 * 7),
    (A.mm.default, (t(3, 4), t(4, 5)), {}, 3 * 4 * 5, 0),
    (A.bmm.default, (t(2, 3, 4), t(2, 4, 5)), {}, 2 * 3 * 4 * 5, 0),
    (A.matmul.default, (t(6, 1, 3, 4), t(2, 4, 5)), {}, 6 * 2 * 3 * 4 * 5, 0),
    (A.matmul.default, (t(2, 3, 4), t(4)), {}, 2 * 3 * 4, 0),
    (A.matmul.default, (t(4), t(2, 4, 5)), {}, 2 * 4 * 5, 0),
    (A.mv.default, (t(3, 4), t(4)), {}, 12, 0),
    (A.dot.default, (t(4), t(4)), {}, 4, 0),
    (A.vdot.default, (t(4), t(4)), {}, 4, 0),
    (A.addmm.default, (t(5), t(3, 4), t(4, 5)), {}, 3 * 4 * 5, 15),
    (A.addmm.default, (t(5), t(3, 4), t(4, 5)), {"beta": 0}, 3 * 4 * 5, 0),
    (A.baddbmm.default, (t(2, 3, 5), t(2, 3, 4), t(2, 4, 5)), {"alpha": 2}, 2 * 3 * 4 * 5, 60),
    (A.addmv.default, (t(3), t(3, 4), t(4)), {}, 12, 3),
    (A.addbmm.default, (t(3, 5), t(2, 3, 4), t(2, 4, 5)), {}, 2 * 3 * 4 * 5, 15),
    (A.addr.default, (t(3, 4), t(3), t(4)), {}, 12, 0),
    (A._trilinear.default, (t(N, 3), t(O, 3, 5), t(N, 5), [1, 3], [0], [1, 2], [2, 3]), {}, N * O * 15, N * O * 15),
    (A.affine_grid_generator.default, (t(N, 2, 3), [N, C, H, W], False), {}, N * H * W * 2 * 3, 0),
    (A.affine_grid_generator.default, (t(N, 3, 4), [N, C, 4, 4, 4], False), {}, N * 64 * 3 * 4, 0),
    (A.scaled_dot_product_attention.default, (t(*Q), t(*K), t(*V)), {}, SCORES * (E + EV), SCORES * 6),
    (
        A.scaled_dot_product_attention.default,
        (t(*Q), t(*K), t(*V), t(LENGTH, SOURCE)),
        {},
        SCORES * (E + EV),
        SCORES * 7,
    ),
    (A.scaled_dot_product_attention.default, (t(*Q), t(*Q), t(*Q), None, 0.0, True), {}, 150 * 8, 150 * 7),
    (  # grouped queries: six heads share the keys and values of three
        A.scaled_dot_product_attention.default,
        (t(N, 6, LENGTH, E), t(*K), t(*V)),
        {"enable_gqa": True},
        2 * SCORES * (E + EV),
        2 * SCORES * 6,
    ),
    (A._scaled_dot_product_attention_math.default, (t(*Q), t(*K), t(*V)), {}, SCORES * (E + EV), SCORES * 6),
    (A._scaled_dot_product_flash_attention.default, (t(*Q), t(*K), t(*K)), {}, SCORES * 2 * E, SCORES * 6),
    (A._scaled_dot_product_flash_attention_for_cpu.default, (t(*Q), t(*K), t(*K)), {}, SCORES * 2 * E, SCORES * 6),
    (
        A._scaled_dot_product_efficient_attention.default,
        (t(*Q), t(*K), t(*V), None, False),
        {},
        SCORES * (E + EV),
        SCORES * 6,
    ),
    (
        A._scaled_dot_product_cudnn_attention.default,
        (t(*Q), t(*K), t(*V), None, False),
        {},
        SCORES * (E + EV),
        SCORES * 6,
    ),
]
IDS = [f"{case[0]} {i}" for i, case in enumerate(PRODUCTS)]


@pytest.mark.parametrize(("operator", "args", "kwargs", "macs", "operations"), PRODUCTS, ids=IDS)
def test_products(operator, args, kwargs, macs, operations):
    work = rule(operator).formula(Call(args, kwargs, operator(*args, **kwargs)))
    assert work == (macs, operations)


def test_the_native_attention_kernels_on_the_cpu():
    dim, heads, hidden, length = 8, 2, 16, 5
    x = torch.zeros(N, length, dim)
    p = [torch.zeros(3 * dim, dim), torch.zeros(3 * dim), torch.zeros(dim, dim), torch.zeros(dim)]
    operator = A._native_multi_head_attention.default
    args = (x, x, x, dim, heads, *p, None, False)
    projections = N * length * 4 * dim * dim
    scores = N * heads * length * length
    attention = N * heads * 2 * length * length * (dim // heads)
    work = rule(operator).formula(Call(args, {}, operator(*args)))
    assert work == (projections + attention, N * length * 4 * dim + scores * 6)
    operator = A._transformer_encoder_layer_fwd.default
    norm = [torch.zeros(dim)] * 2
    feed = [torch.zeros(hidden, dim), torch.zeros(hidden), torch.zeros(dim, hidden), torch.zeros(dim)]
    args = (x, dim, heads, *p, False, False, 1e-5, *norm, *norm, *feed)
    work = rule(operator).formula(Call(args, {}, operator(*args)))
    assert work.macs == projections + attention + N * length * 2 * dim * hidden
    tokens = N * length
    biases, relu, norms, sums = (
        tokens * (4 * dim + hidden + dim),
        tokens * hidden,
        2 * 7 * tokens * dim,
        2 * tokens * dim,
    )
    assert work.operations == biases + relu + norms + sums + scores * 6


ACTIVATIONS = (
    "relu relu6 gelu silu mish hardtanh hardswish hardsigmoid leaky_relu elu celu selu sigmoid tanh softplus "
    "hardshrink softshrink log_sigmoid_forward"
)
ACTIVATION_GRADIENTS = (
    "hardswish_backward hardsigmoid_backward leaky_relu_backward elu_backward hardtanh_backward softplus_backward "
    "log_sigmoid_backward mish_backward _prelu_kernel_backward "
    "hardshrink_backward softshrink_backward rrelu_with_noise_backward"
)
STATS = (t(C), t(C), t(C), t(C))
X = N * C * H * W
OTHERS = [
    (A.batch_norm.default, (t(*IMAGE), *STATS, False, 0.1, 1e-5, False), 2 * X),
    (A.batch_norm.default, (t(*IMAGE), *STATS, True, 0.1, 1e-5, False), 7 * X),
    (A.batch_norm.default, (t(*IMAGE), None, None, None, None, True, 0.1, 1e-5, False), 5 * X),
    (A.native_batch_norm.default, (t(*IMAGE), *STATS, False, 0.1, 1e-5), 2 * X),
    (A._native_batch_norm_legit_no_training.default, (t(*IMAGE), *STATS, 0.1, 1e-5), 2 * X),
    (A.instance_norm.default, (t(*IMAGE), None, None, None, None, True, 0.1, 1e-5, False), 5 * X),
    (A.layer_norm.default, (t(*IMAGE), [W], t(W), t(W)), 7 * X),
    (A.layer_norm.default, (t(*IMAGE), [W]), 5 * X),
    (A.native_layer_norm.default, (t(*IMAGE), [W], t(W), t(W), 1e-5), 7 * X),
    (A.group_norm.default, (t(*IMAGE), 2, t(C), t(C)), 7 * X),
    (A.native_group_norm.default, (t(*IMAGE), None, None, N, C, H * W, 2, 1e-5), 5 * X),
    (A.rms_norm.default, (t(*IMAGE), [W], t(W)), 4 * X),
    (A._fused_rms_norm.default, (t(*IMAGE), [W], None, 1e-5), 3 * X),
    (A.softmax.int, (t(3, 5), -1), 75),
    (A._softmax.default, (t(3, 5), -1, False), 75),
    (A._safe_softmax.default, (t(3, 5), -1), 75),
    (A.log_softmax.int, (t(3, 5), -1), 75),
    (A._log_softmax.default, (t(3, 5), -1, False), 75),
    (A.max_pool1d.default, (t(N, C, H), [2]), N * C * 4),
    (A.max_pool2d.default, (t(*IMAGE), [3, 3], [2, 2], [1, 1]), N * C * 16 * 8),
    (A.max_pool2d_with_indices.default, (t(*IMAGE), [2]), N * C * 16 * 3),
    (A.max_pool3d.default, (t(N, C, 4, 4, 4), [2, 2, 2]), N * C * 8 * 7),
    (A.max_pool3d_with_indices.default, (t(N, C, 4, 4, 4), [2]), N * C * 8 * 7),
    (A.avg_pool1d.default, (t(N, C, H), [2]), X // 8),
    (A.avg_pool2d.default, (t(*IMAGE), [2, 4]), X),
    (A.avg_pool3d.default, (t(N, C, 4, 4, 4), [2]), N * C * 64),
    (A.adaptive_avg_pool1d.default, (t(N, C, H), [1]), N * C * H),
    (A.adaptive_avg_pool2d.default, (t(*IMAGE), [1, 1]), X),
    (A._adaptive_avg_pool2d.default, (t(*IMAGE), [3, 3]), N * C * 10 * 10),  # windows [0, 3), [2, 6), [5, 8)
    (A.adaptive_avg_pool3d.default, (t(N, C, 4, 4, 4), [2, 2, 2]), N * C * 64),
    (A._adaptive_avg_pool3d.default, (t(N, C, 4, 4, 4), [1, 1, 1]), N * C * 64),
    (A.adaptive_max_pool1d.default, (t(N, C, H), [2]), N * C * 2 * 3),
    (A.adaptive_max_pool2d.default, (t(*IMAGE), [2, 2]), N * C * 4 * 15),
    (A.adaptive_max_pool3d.default, (t(N, C, 4, 4, 4), [1, 1, 1]), N * C * 63),
    (A.upsample_nearest1d.default, (t(N, C, H), [16]), 0),
    (A.upsample_nearest2d.default, (t(*IMAGE), [16, 16]), 0),
    (A.upsample_nearest3d.default, (t(N, C, 4, 4, 4), [8, 8, 8]), 0),
    (A._upsample_nearest_exact1d.default, (t(N, C, H), [16]), 0),
    (A._upsample_nearest_exact2d.default, (t(*IMAGE), [16, 16]), 0),
    (A._upsample_nearest_exact3d.default, (t(N, C, 4, 4, 4), [8, 8, 8]), 0),
    (A.upsample_linear1d.default, (t(N, C, H), [16], False), N * C * 16 * 3),
    (A.upsample_bilinear2d.default, (t(*IMAGE), [16, 16], False), 4 * X * 7),
    (A.upsample_trilinear3d.default, (t(N, C, 4, 4, 4), [8, 8, 8], False), N * C * 512 * 15),
    (A.upsample_bicubic2d.default, (t(*IMAGE), [16, 16], False), 4 * X * 31),
    (A.grid_sampler.default, (t(*IMAGE), t(N, 5, 5, 2), 0, 0, False), N * C * 25 * 7),
    (A.grid_sampler_2d.default, (t(*IMAGE), t(N, 5, 5, 2), 1, 0, False), 0),
    (A.grid_sampler_3d.default, (t(N, C, 4, 4, 4), t(N, 2, 2, 2, 3), 0, 0, False), N * C * 8 * 15),
    *((getattr(A, name).default, (t(3, 5),), 15) for name in ("sum", "prod", "max", "min", "argmax", "argmin")),
    *((getattr(A, name).default, (t(3, 5), [1]), 15) for name in ("amax", "amin")),
    *((getattr(A, name).default, (t(3, 5, dtype=torch.bool),), 15) for name in ("all", "any")),
    *((getattr(A, name).default, (t(3, 5), 1), 15) for name in ("cumsum", "cumprod")),
    (A.mean.dim, (t(3, 5), [1]), 15 + 3),
    *((getattr(A, name).correction, (t(3, 5), [1]), 60) for name in ("var", "std", "var_mean", "std_mean")),
    (A.linalg_vector_norm.default, (t(3, 5),), 30),
    (A.logsumexp.default, (t(3, 5), [1]), 60),
    (A._embedding_bag.default, (t(9, 6), ints(4), ints(2)), 24),
    (A._cdist_forward.default, (t(3, 5), t(7, 5), 2.0, None), 3 * 7 * 16),
    *((getattr(A, name).default, (t(3, 5), 1), 15) for name in ("cummax", "cummin")),
    (A.nansum.default, (t(3, 5),), 15),
    (A.scatter_add.default, (t(9, 5), 0, ints(3, 5), t(3, 5)), 15),
    (A.scatter_reduce.two, (t(9, 5), 0, ints(3, 5), t(3, 5), "amax"), 15),
    (A.index_add.default, (t(9, 5), 0, ints(3), t(3, 5)), 15),
    (A.index_put.default, (t(9, 5, 2), [ints(3)], t(3, 5, 2)), 0),
    (A.index_put.default, (t(9, 5, 2), [ints(3)], t(3, 5, 2), True), 3 * 5 * 2),
    (A.index_put.default, (t(9, 5, 2), [None, ints(4, 1), ints(3)], t(1), True), 9 * 12),
    (A._unsafe_index_put.default, (t(9, 5), [ints(3)], t(3, 5), True), 15),
    (A.native_dropout.default, (t(3, 5), 0.5, True), 30),
    (A.native_dropout.default, (t(3, 5), 0.5, False), 0),
    (A.nll_loss_forward.default, (t(3, 5), ints(3), None, 1, -100), 3),
    (A.nll_loss2d_forward.default, (t(3, 5, 2, 2), ints(3, 2, 2), None, 1, -100), 12),
    (A._weight_norm_interface.default, (t(3, 5), t(3, 1), 0), 3 * 15 + 2 * 3),
    (A.glu.default, (t(3, 8),), 24),
    (A.addcmul.default, (t(3, 5), t(3, 5), t(3, 5)), 30),
    (A.addcdiv.default, (t(3, 5), t(3, 5), t(3, 5)), 30),
    (A.lerp.Scalar, (t(3, 5), t(3, 5), 0.5), 45),
    (A.rsub.Scalar, (t(3, 5), 1.0), 15),
    (A.floor_divide.default, (t(3, 5), t(5)), 15),
    (A.bucketize.Tensor, (t(3, 5), t(5)), 15),
    *((getattr(A, name).default, (t(3, 5),), 15) for name in ACTIVATIONS.split()),
    (A.relu_.default, (t(3, 5),), 15),
    (A.threshold.default, (t(3, 5), 0.0, 0.0), 15),
    (A._prelu_kernel.default, (t(3, 5), t(1, 5)), 15),
    (A.rrelu_with_noise.default, (t(3, 5), t(3, 5)), 15),
    (A.add.Tensor, (t(3, 5), t(5)), 15),
    (A.exp.default, (t(3, 5),), 15),
]


@pytest.mark.parametrize(("operator", "args", "operations"), OTHERS, ids=[f"{c[0]} {i}" for i, c in enumerate(OTHERS)])
def test_operations_beside_macs(operator, args, operations):
    assert rule(operator).formula(Call(args, {}, operator(*args))) == (0, operations)


PAD_GRADIENTS = [f"{way}_pad{n}d_backward" for way in ("reflection", "replication") for n in (1, 2, 3)]
NEAREST_GRADIENTS = [
    *("upsample_nearest1d_backward", "upsample_nearest3d_backward"),
    *(f"_upsample_nearest_exact{n}d_backward" for n in (1, 2, 3)),
]

BACKWARD = [
    ("native_batch_norm_backward", (t(*IMAGE), t(*IMAGE), *[None] * 5, True, 1e-5, [True] * 3), t(*IMAGE), 9 * X),
    ("native_batch_norm_backward", (t(*IMAGE), t(*IMAGE), *[None] * 5, False, 1e-5, [True] * 3), t(*IMAGE), 5 * X),
    ("native_layer_norm_backward", (t(*IMAGE),), t(*IMAGE), 9 * X),
    ("native_group_norm_backward", (t(*IMAGE),), t(*IMAGE), 9 * X),
    ("_softmax_backward_data", (t(3, 5),), t(3, 5), 60),
    ("_log_softmax_backward_data", (t(3, 5),), t(3, 5), 60),
    ("max_pool2d_with_indices_backward", (t(N, C, 4, 4),), t(*IMAGE), X // 4),
    ("max_pool3d_with_indices_backward", (t(N, C, 2, 2, 2),), t(N, C, 4, 4, 4), N * C * 8),
    ("adaptive_max_pool2d_backward", (t(N, C, 1, 1),), t(*IMAGE), N * C),
    ("avg_pool2d_backward", (t(N, C, 4, 4), t(*IMAGE), [2, 2]), t(*IMAGE), N * C * 16 * 5),
    ("avg_pool3d_backward", (t(N, C, 2, 2, 2), t(N, C, 4, 4, 4), [2]), t(N, C, 4, 4, 4), N * C * 8 * 9),
    ("_adaptive_avg_pool2d_backward", (t(N, C, 1, 1), t(*IMAGE)), t(*IMAGE), N * C + X),
    ("_adaptive_avg_pool3d_backward", (t(N, C, 1, 1, 1), t(N, C, 4, 4, 4)), t(N, C, 4, 4, 4), N * C * 65),
    ("upsample_nearest2d_backward", (t(*IMAGE),), t(N, C, 4, 4), X),
    ("upsample_bilinear2d_backward", (t(*IMAGE),), t(N, C, 4, 4), 8 * X),
    ("upsample_bicubic2d_backward", (t(*IMAGE),), t(N, C, 4, 4), 32 * X),
    ("embedding_dense_backward", (t(4, 6), ints(4), 9, -1, False), t(9, 6), 24),
    ("glu_backward", (t(3, 4), t(3, 8)), t(3, 8), 48),
    ("upsample_linear1d_backward", (t(N, C, 16),), t(N, C, H), 4 * N * C * 16),
    ("upsample_trilinear3d_backward", (t(N, C, 8, 8, 8),), t(N, C, 4, 4, 4), 16 * N * C * 512),
    *((name, (t(*IMAGE),), t(N, C, 4, 4), X) for name in (*NEAREST_GRADIENTS, *PAD_GRADIENTS)),
    ("adaptive_max_pool3d_backward", (t(N, C, 1, 1, 1),), t(N, C, 4, 4, 4), N * C),
    ("_embedding_bag_backward", (t(2, 6), ints(4), ints(2)), t(9, 6), 24),
    ("nll_loss_backward", (t(), t(3, 5), ints(3)), t(3, 5), 3),
    ("nll_loss2d_backward", (t(), t(3, 5, 2, 2), ints(3, 2, 2)), t(3, 5, 2, 2), 12),
    ("_weight_norm_interface_backward", (t(3, 5), t(3, 5), t(3, 1), t(3, 1), 0), t(3, 5), 5 * 15 + 4 * 3),
    *((name, (t(3, 5),), t(3, 5), 15) for name in ACTIVATION_GRADIENTS.split()),
]


@pytest.mark.parametrize(("name", "args", "result", "operations"), BACKWARD, ids=[case[0] for case in BACKWARD])
def test_gradients(name, args, result, operations):
    assert REGISTRY[f"aten::{name}"].formula(Call(args, {}, result)) == (0, operations)


def quantized(*shape, dtype=torch.qint8):
    return torch.quantize_per_tensor(torch.zeros(shape), 0.1, 0, dtype)


PACKED_CONVOLUTIONS = [(f"conv{n}d{relu}", n) for n in (1, 2, 3) for relu in ("", "_relu")]


@pytest.mark.parametrize(("name", "n"), PACKED_CONVOLUTIONS)
def test_quantized_convolutions(name, n):
    prepack, ones = getattr(torch.ops.quantized, f"conv{n}d_prepack"), [1] * n
    layer = prepack(quantized(O, C // 2, *[3] * n), torch.zeros(O), ones, [0] * n, ones, 2)
    image = quantized(N, C, *[5] * n, dtype=torch.quint8)
    out = getattr(torch.ops.quantized, name)(image, layer, 0.1, 0)
    assert out.shape == (N, O, *[3] * n)
    work = REGISTRY[f"quantized::{name}"].formula(Call((image, layer, 0.1, 0), {}, out))
    assert work == (N * O * 3**n * C // 2 * 3**n, N * O * 3**n)


PACKED_LINEAR = ["linear", "linear_relu", "linear_dynamic", "linear_relu_dynamic"]


@pytest.mark.parametrize("name", PACKED_LINEAR)
def test_quantized_linear_layers(name):
    layer = torch.ops.quantized.linear_prepack(quantized(7, 5), torch.zeros(7))
    work = REGISTRY[f"quantized::{name}"].formula(Call((torch.zeros(3, 5), layer), {}, torch.zeros(3, 7)))
    assert work == (3 * 7 * 5, 21)


def test_every_entry_has_its_test():
    tested = {case[0]._schema.name.removesuffix("_") for case in (*PRODUCTS, *OTHERS)}
    tested |= {f"aten::{case[0]}" for case in BACKWARD}
    tested |= {f"quantized::{name}" for name in (*PACKED_LINEAR, *(name for name, _ in PACKED_CONVOLUTIONS))}
    tested |= {"aten::_native_multi_head_attention", "aten::_transformer_encoder_layer_fwd"}
    assert {name for name, entry in REGISTRY.items() if entry.kind != MOVE} <= tested


def test_every_entry_names_an_operator():
    for name in REGISTRY:
        namespace, _, bare = name.partition("::")
        assert hasattr(getattr(torch.ops, namespace), bare), name


def test_what_moves_values_counts_nothing_and_a_view_is_no_operation():
    assert rule(A.cat.default).formula(Call(([t(3)],), {}, t(3))) == (0, 0)
    assert rule(A.transpose.int) is Treatment.VIEW
    assert rule(A.reshape.default) is Treatment.MAYBE_VIEW
    assert rule(A.einsum.default) is Treatment.DECOMPOSED
    assert rule(A._fft_r2c.default) is Treatment.UNKNOWN
    assert rule(A.transpose_.default) is Treatment.VIEW


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(C), nn.LayerNorm(W), nn.LayerNorm((H, W))], ids=str)
def test_a_known_result_is_the_one_of_the_kernel(layer):
    x = t(*IMAGE)
    if isinstance(layer, nn.BatchNorm2d):
        operator, args = A.batch_norm.default, (x, *STATS, False, 0.1, 1e-5, False)
    else:
        shape = layer.normalized_shape
        operator, args = A.layer_norm.default, (x, list(shape), t(*shape), t(*shape))
    ours, kernels = known_result(operator._schema.name, args), operator(*args)
    assert (ours.shape, ours.dtype, ours.stride()) == (kernels.shape, kernels.dtype, kernels.stride())


def test_operands_that_do_not_fit_are_left_to_the_kernel():
    assert known_result("aten::batch_norm", (t(2, 5, 8, 8), *STATS, False, 0.1, 1e-5, False)) is None
    assert known_result("aten::layer_norm", (t(2, 5), [4], t(4), t(4))) is None
    assert known_result("aten::relu", (t(2),)) is None
