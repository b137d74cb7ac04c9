"""Every rule of the canonical form, by two ways of writing one computation that it makes the same graph."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnose.diff.align.align import align
from diagnose.diff.canonical.canonical import POINTWISE, RULES, canonical
from diagnose.diff.capture.capture import capture
from diagnose.diff.ir.digest import digest
from diagnose.diff.ir.graph import Graph

SHAPE = (2, 4, 6, 6)


class Written(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.randn(5, 6))
        self.turned = nn.Parameter(torch.randn(6, 5))
        self.bias = nn.Parameter(torch.randn(5))
        self.kernel = nn.Parameter(torch.randn(4, 4, 3, 3))
        self.gain = nn.Parameter(torch.randn(4, 1, 1))
        self.long_gain = nn.Parameter(torch.randn(1, 4, 1, 1))
        self.norm = nn.BatchNorm2d(4)
        self.other = nn.BatchNorm2d(4, momentum=0.3)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def attention(m, x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x + 1, x - 1)


def spelled(m, x: Tensor) -> Tensor:
    return torch.softmax(x @ (x + 1).transpose(-1, -2) / math.sqrt(6), -1) @ (x - 1)


def gelu_of_sum(x: Tensor, total: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * total))


def gelu_of_cube(x: Tensor, cube: Tensor) -> Tensor:
    return gelu_of_sum(x, x + 0.044715 * cube)


def pooled(m, x: Tensor) -> Tensor:
    return x.mean((2, 3))


def written_back(m, x: Tensor) -> Tensor:
    y = x.clone()
    y[:, :2] += 1
    return y


EXAMPLES = {
    "a copy computes nothing": (lambda m, x: x.exp().clone().contiguous(), lambda m, x: x.exp()),
    "a conversion to the same type computes nothing": (lambda m, x: x.exp().to(torch.float32), lambda m, x: x.exp()),
    "detaching what has no gradient computes nothing": (
        lambda m, x: m.norm(x) * torch.tensor([2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).detach(),
        lambda m, x: m.norm(x) * torch.tensor([2.0, 3.0, 4.0, 5.0, 6.0, 7.0])),
    "dropout at rate 0 or in eval mode computes nothing": (lambda m, x: F.dropout(x.exp(), 0.0), lambda m, x: x.exp()),
    "a pooling over single elements computes nothing": (lambda m, x: F.max_pool2d(x.exp(), 1), lambda m, x: x.exp()),
    "padding by nothing computes nothing": (lambda m, x: F.pad(x.exp(), (0, 0, 0, 0)), lambda m, x: x.exp()),
    "what is copied over a tensor replaces it": (lambda m, x: torch.empty_like(x).copy_(x.exp()), lambda m, x: x.exp()),
    "a view written back": (written_back, lambda m, x: _sliced_add(x)),
    "a norm's counter of batches": (lambda m, x: m.norm(x), lambda m, x: F.batch_norm(
        x, m.norm.running_mean, m.norm.running_var, m.norm.weight, m.norm.bias, m.training, 0.1)),
    "constants of a sum or product": (
        lambda m, x: x.exp() + torch.arange(6.0) + torch.arange(6.0)[:, None],
        lambda m, x: x.exp() + (torch.arange(6.0) + torch.arange(6.0)[:, None])),
    "a sum or product with a tensor of one number": (
        lambda m, x: x.exp() * x * torch.full((6,), 2.0) + torch.zeros(4, 6, 6), lambda m, x: 2 * x.exp() * x),
    "a mask that fills nothing": (
        lambda m, x: x.exp().masked_fill(torch.zeros(6, dtype=torch.bool), 3.0), lambda m, x: x.exp()),
    "a choice that is always the same": (
        lambda m, x: torch.where(torch.arange(6) >= 0, x.exp(), x), lambda m, x: x.exp()),
    "a constant mask of attention": (
        lambda m, x: F.scaled_dot_product_attention(x, x + 1, x - 1, torch.ones(6, 6).tril() > 0),
        lambda m, x: F.scaled_dot_product_attention(x, x + 1, x - 1, is_causal=True)),
    "slices repeated side by side": (
        lambda m, x: x.exp().repeat_interleave(3, 1),
        lambda m, x: x.exp()[:, :, None].expand(2, 4, 3, 6, 6).reshape(2, 12, 6, 6)),
    "a value repeated as a whole": (
        lambda m, x: x.exp().repeat(1, 3, 1, 1),
        lambda m, x: x.exp()[:, None].expand(2, 3, 4, 6, 6).reshape(2, 12, 6, 6)),
    "heads of queries that share keys and values": (
        lambda m, x: F.scaled_dot_product_attention(x, x[:, :2], x[:, 2:], enable_gqa=True),
        lambda m, x: F.scaled_dot_product_attention(x, x[:, :2].repeat_interleave(2, 1), x[:, 2:].repeat_interleave(
            2, 1))),
    "an arrangement of an arrangement": (
        lambda m, x: torch.cat((x.exp().flatten(2), x.sin().flatten(2)), 1)[:, :4].unflatten(2, (6, 6)),
        lambda m, x: x.exp()),
    "unit axes of an expansion": (
        lambda m, x: x[:, :1, :1].exp().expand(2, 4, 1, 6), lambda m, x: x[:, :1, 0].exp().expand(2, 4, 6)[:, :, None]),
    "reshape": (lambda m, x: x.exp().view(2, -1), lambda m, x: x.exp().flatten(2).reshape(2, 4 * 36)),
    "permute": (lambda m, x: x.exp().permute(0, 2, 3, 1), lambda m, x: x.exp().transpose(1, 2).transpose(2, 3)),
    "channel shuffle as an arrangement of axes": (
        lambda m, x: F.channel_shuffle(x, 2), lambda m, x: x.view(2, 2, 2, 6, 6).transpose(1, 2).reshape(2, 4, 6, 6)),
    "select as a slice": (lambda m, x: x.exp()[:, 1], lambda m, x: x.exp()[:, 1:2].squeeze(1)),
    "slice": (lambda m, x: x.exp().narrow(1, 1, 2), lambda m, x: x.exp()[:, 1:3]),
    "slice nearest to the leaves": (
        lambda m, x: F.linear(x, m.weight, m.bias)[..., 1:3], lambda m, x: F.linear(x, m.weight[1:3], m.bias[1:3])),
    "concatenation of concatenations": (
        lambda m, x: torch.cat([x, torch.cat([x.exp(), x.sin()], 1)], 1),
        lambda m, x: torch.cat([x, x.exp(), x.sin()], 1)),
    "stack as a concatenation": (
        lambda m, x: torch.stack([x, x.exp()], 1), lambda m, x: torch.cat([x[:, None], x.exp()[:, None]], 1)),
    "axes arranged after an elementwise operation": (lambda m, x: x.flatten(1).exp(), lambda m, x: x.exp().flatten(1)),
    "axes arranged after a layer on the last dim": (
        lambda m, x: F.linear(x.transpose(1, 2), m.weight), lambda m, x: F.linear(x, m.weight).transpose(1, 2)),
    "axes arranged after a sum or product": (
        lambda m, x: x.exp().flatten(1) * x.sin().flatten(1), lambda m, x: (x.exp() * x.sin()).flatten(1)),
    "expand": (lambda m, x: x.exp().expand(2, 4, 6, 6), lambda m, x: x.exp()),
    "relu or clamp": (lambda m, x: F.relu6(x), lambda m, x: F.hardtanh(x, 0.0, 6.0)),
    "maximum with a number": (lambda m, x: torch.maximum(x, torch.tensor(0.0)), lambda m, x: x.clamp(min=0.0)),
    "an activation written with where": (
        lambda m, x: torch.where(x > 0, x, 0.2 * x), lambda m, x: F.leaky_relu(x, 0.2)),
    "an activation written as a gate": (lambda m, x: x * torch.sigmoid(x), lambda m, x: F.silu(x)),
    "a hard gate spelled out": (lambda m, x: (x + 3).clamp(0, 6) / 6, lambda m, x: F.hardsigmoid(x)),
    "gelu spelled out": (
        lambda m, x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        lambda m, x: F.gelu(x, approximate="tanh")),
    "a random mask": (
        lambda m, x: x / 0.8 * torch.floor(0.8 + torch.rand(2, 1, 1, 1)),
        lambda m, x: x * torch.empty(2, 1, 1, 1).bernoulli_(0.8).div_(0.8)),
    "a tensor of one number": (lambda m, x: x * torch.full((6,), 2.0), lambda m, x: x * torch.ones(6).fill_(2.0)),
    "a random mask by comparison": (
        lambda m, x: x * (torch.rand(2, 1, 1, 1) < 0.8).to(x.dtype),
        lambda m, x: x * torch.empty(2, 1, 1, 1).bernoulli_(0.8)),
    "a random mask as numbers": (
        lambda m, x: x.exp() * (torch.rand(2, 1, 1, 1) >= 0.2).float(),
        lambda m, x: x.exp() * torch.bernoulli(torch.full((2, 1, 1, 1), 0.8))),
    "the opposite of a random mask": (
        lambda m, x: x * (1 - torch.empty(2, 1, 1, 1).bernoulli_(0.2)),
        lambda m, x: x * torch.empty(2, 1, 1, 1).bernoulli_(0.8)),
    "a random mask by choice": (
        lambda m, x: x.masked_fill(torch.rand(2, 1, 1, 1) < 0.2, 0.0),
        lambda m, x: torch.where(torch.rand(2, 1, 1, 1) > 0.2, x, torch.zeros_like(x))),
    "dropout spelled out": (
        lambda m, x: x * (torch.rand_like(x) > 0.2) / 0.8, lambda m, x: F.dropout(x, 0.2, True)),
    "dropout of whole maps": (
        lambda m, x: F.dropout2d(x, 0.2, True), lambda m, x: x * torch.empty(2, 4, 1, 1).bernoulli_(0.8) / 0.8),
    "a factor of a dropout": (lambda m, x: F.dropout(2 * x, 0.2, True), lambda m, x: 2 * F.dropout(x, 0.2, True)),
    "sigmoid spelled out": (lambda m, x: 1 / (1 + torch.exp(-x)), lambda m, x: torch.sigmoid(x)),
    "an activation's name": (lambda m, x: F.silu(x.sin(), inplace=True), lambda m, x: F.silu(x.sin())),
    "expand before broadcasting": (
        lambda m, x: x * m.gain.expand(4, 6, 6), lambda m, x: x * m.gain),
    "leading axes of a broadcast weight": (lambda m, x: x * m.long_gain, lambda m, x: x * m.gain),
    "sum, difference, or sum with a number": (lambda m, x: x.exp() - x, lambda m, x: torch.add(x.exp(), x, alpha=-1)),
    "product, or product with a number": (lambda m, x: x.exp() * 2, lambda m, x: 2.0 * x.exp()),
    "quotient, or quotient by a number": (lambda m, x: x.exp() / 4, lambda m, x: x.exp() * 0.25),
    "negation as a factor": (lambda m, x: -x.exp(), lambda m, x: x.exp() * -1),
    "roots and reciprocals as powers": (lambda m, x: x.exp().sqrt(), lambda m, x: x.exp() ** 0.5),
    "x + 0, and sums of numbers": (lambda m, x: x.exp() + 0 + 1 + 2, lambda m, x: 3 + x.exp()),
    "x · 1, and products of numbers": (lambda m, x: x.exp() * 1 * 2 * 3, lambda m, x: x.exp() * 6),
    "a factor is drawn out of a product": (lambda m, x: (2 * x) * x.exp(), lambda m, x: 2 * (x * x.exp())),
    "x · x is a square": (lambda m, x: x * x, lambda m, x: x.square()),
    "a product with a reciprocal is a quotient": (
        lambda m, x: x * x.exp().reciprocal(), lambda m, x: x / x.exp()),
    "reductions": (lambda m, x: x.mean((-1, -2), keepdim=True), lambda m, x: (x.sum((2, 3)) / 36)[..., None, None]),
    "einsum as a matrix product": (
        lambda m, x: torch.einsum("nchw,ow->nohc", x, m.weight),
        lambda m, x: F.linear(x, m.weight).permute(0, 3, 2, 1)),
    "a sum with a product": (
        lambda m, x: torch.addcmul(x, x.exp(), x.sin(), value=2), lambda m, x: x + 2 * x.exp() * x.sin()),
    "a weighted mean": (lambda m, x: torch.lerp(x, x.exp(), 0.3), lambda m, x: 0.7 * x + 0.3 * x.exp()),
    "a scaled matrix product": (
        lambda m, x: torch.baddbmm(torch.empty(1, 1, 1, dtype=x.dtype), x[:, 0], x[:, 1], beta=0, alpha=0.3),
        lambda m, x: torch.bmm(x[:, 0], x[:, 1]) * 0.3),
    "a weight times a value as a linear layer": (
        lambda m, x: m.weight @ x, lambda m, x: F.linear(x.transpose(2, 3), m.weight).transpose(2, 3)),
    "a sum of a stack": (
        lambda m, x: torch.stack([x, x.exp(), x.sin()]).mean(0), lambda m, x: (x + x.exp() + x.sin()) / 3),
    "a mean of means": (lambda m, x: x.mean(3, keepdim=True).mean(2).flatten(1), pooled),
    "pixel shuffle as an arrangement of axes": (
        lambda m, x: F.pixel_shuffle(x, 2),
        lambda m, x: x.view(2, 1, 2, 2, 6, 6).permute(0, 1, 4, 2, 5, 3).reshape(2, 1, 12, 12)),
    "the biased variance": (
        lambda m, x: x.var(-1, unbiased=False), lambda m, x: torch.var(x, dim=3, correction=0)),
    "a norm spelled out": (
        lambda m, x: (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt(),
        lambda m, x: F.layer_norm(x, (6,))),
    "a norm's attributes": (lambda m, x: F.rms_norm(x, (6,)), lambda m, x: F.rms_norm(x, (6,), eps=2.0**-23)),
    "a norm's weight and bias applied apart": (
        lambda m, x: F.layer_norm(x[..., :5], (5,)) * m.bias + m.turned[0],
        lambda m, x: F.layer_norm(x[..., :5], (5,), m.bias, m.turned[0])),
    "softmax spelled out": (lambda m, x: x.exp() / x.exp().sum(-1, keepdim=True), lambda m, x: x.softmax(-1)),
    "log-softmax": (lambda m, x: x.log_softmax(-1), lambda m, x: F.log_softmax(x, 3)),
    "the logarithm of softmax": (lambda m, x: x.softmax(1).log(), lambda m, x: x.log_softmax(1)),
    "x less the logarithm of a sum of exponentials": (
        lambda m, x: x - x.logsumexp(1, keepdim=True), lambda m, x: x.log_softmax(1)),
    "a gated linear unit": (lambda m, x: F.glu(x, 1), lambda m, x: x[:, :2] * x[:, 2:].sigmoid()),
    "a leaky relu as a maximum": (lambda m, x: torch.maximum(x, 0.1 * x), lambda m, x: F.leaky_relu(x, 0.1)),
    "addmm as a linear layer": (
        lambda m, x: torch.addmm(m.bias, x[:, 0, 0], m.turned), lambda m, x: F.linear(x[:, 0, 0], m.weight, m.bias)),
    "a product with a weight as a linear layer": (lambda m, x: x @ m.turned, lambda m, x: F.linear(x, m.weight)),
    "an added weight as a bias": (
        lambda m, x: F.linear(x, m.weight) + m.bias, lambda m, x: F.linear(x, m.weight, m.bias)),
    "a convolution's padding": (
        lambda m, x: F.conv2d(F.pad(x, (1, 1, 1, 1)), m.kernel), lambda m, x: F.conv2d(x, m.kernel, padding="same")),
    "a convolution below autograd": (
        lambda m, x: torch.convolution(x, m.kernel, None, (1, 1), (1, 1), (1, 1), False, (0, 0), 1),
        lambda m, x: F.conv2d(x, m.kernel, padding=1)),
    "a batch norm's momentum, where it has a part": (lambda m, x: m.norm(x), lambda m, x: m.other(x)),
    "instance norm as group norm": (lambda m, x: F.instance_norm(x), lambda m, x: F.group_norm(x, 4)),
    "averaging a whole map as its mean": (lambda m, x: F.adaptive_avg_pool2d(x, 1).flatten(1), pooled),
    "a pooling's defaults": (lambda m, x: F.adaptive_avg_pool2d(x, 3), lambda m, x: F.avg_pool2d(x, 2)),
    "a pooling's window": (lambda m, x: F.max_pool2d(x, 2), lambda m, x: F.max_pool2d(x, (2, 2), (2, 2))),
    "a mean over single elements computes nothing": (
        lambda m, x: x[:, :, :1, :1].exp().mean((2, 3)),
        lambda m, x: F.adaptive_avg_pool2d(x[:, :, :1, :1].exp(), 1)[:, :, 0, 0]),
    "a mean over a flattened map": (lambda m, x: x.flatten(2).mean(-1), pooled),
    "attention's scale": (attention, lambda m, x: F.scaled_dot_product_attention(x, x + 1, x - 1, scale=6**-0.5)),
    "softmax": (lambda m, x: x.softmax(-1), lambda m, x: F.softmax(x, 3)),
    "a factor is drawn out of a matrix product": (
        lambda m, x: (x * 0.3) @ x.transpose(2, 3), lambda m, x: (x @ x.transpose(2, 3)) * 0.3),
    "attention spelled out": (spelled, attention),
}  # fmt: skip


def _sliced_add(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, :2] = y[:, :2] + 1
    return y


SECOND_EXAMPLES = {
    "a sum or product of two halves": (
        lambda m, x: x * torch.cat((x[..., :3].exp(), x[..., 3:].sin()), -1) + torch.cat((-x[..., 3:], x[..., :3]), -1),
        lambda m, x: torch.cat((x[..., :3] * x[..., :3].exp() - x[..., 3:],
                                x[..., 3:] * x[..., 3:].sin() + x[..., :3]), -1)),
    "a function of two halves": (
        lambda m, x: torch.cat((x[..., :3].exp(), x[..., 3:]), -1).cos(),
        lambda m, x: torch.cat((x[..., :3].exp().cos(), x[..., 3:].cos()), -1)),
    "axes arranged in two halves": (
        lambda m, x: torch.cat((x[..., :3].exp(), x[..., 3:]), -1).transpose(1, 2),
        lambda m, x: torch.cat((x[..., :3].exp().transpose(1, 2), x[..., 3:].transpose(1, 2)), -1)),
    "a 1×1 convolution as a linear layer": (
        lambda m, x: torch.conv2d(x, m.kernel[:, :, :1, :1]),
        lambda m, x: F.linear(x.permute(0, 2, 3, 1), m.kernel[:, :, 0, 0]).permute(0, 3, 1, 2)),
}  # fmt: skip
"""The same for the rules of the second form alone; those of recurrent layers have tests of their own."""


def form(function, *, training: bool = False) -> Graph:
    return capture(Written(function), (torch.randn(SHAPE),), training=training, twice=False).form.graph


def test_every_rule_has_an_example() -> None:
    assert {rule.name for rule in RULES} == set(EXAMPLES)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_two_ways_of_writing_are_one_form(rule) -> None:
    form_a, form_b = (form(function) for function in EXAMPLES[rule])

    assert digest(form_a) == digest(form_b)
    assert align(form_a, form_b).equal


def test_every_rule_of_the_second_form_has_an_example() -> None:
    names = {rule.name for rule in POINTWISE} - {rule.name for rule in RULES}

    assert names == {*SECOND_EXAMPLES, "a recurrent layer as its steps"}


@pytest.mark.parametrize("rule", SECOND_EXAMPLES)
def test_two_ways_of_writing_are_one_second_form(rule) -> None:
    form_a, form_b = (canonical(form(function), POINTWISE).graph for function in SECOND_EXAMPLES[rule])

    assert digest(form_a) == digest(form_b)


@pytest.mark.parametrize(
    ("form_a", "form_b"),
    [
        (lambda m, x: F.relu6(x), lambda m, x: F.relu(x)),
        (lambda m, x: F.gelu(x), lambda m, x: F.gelu(x, approximate="tanh")),
        (lambda m, x: F.max_pool2d(x, 3, 2), lambda m, x: F.max_pool2d(x, 3, 2, ceil_mode=True)),
        (lambda m, x: x.exp() - x, lambda m, x: x - x.exp()),
        (lambda m, x: torch.cat([x, x.exp()], 1), lambda m, x: torch.cat([x.exp(), x], 1)),
        (lambda m, x: x.exp().detach(), lambda m, x: x.exp()),
        (lambda m, x: F.linear(x, m.weight), lambda m, x: F.linear(x.transpose(2, 3), m.weight)),
        (lambda m, x: x.reshape(2, 6, 4, 6), lambda m, x: x.transpose(1, 2)),
        (lambda m, x: F.max_pool2d(x, 6), lambda m, x: F.avg_pool2d(x, 6)),
        (lambda m, x: torch.where(m.bias > 0, m.bias, x.new_zeros(3, 5)), lambda m, x: F.relu(m.bias)),
        (lambda m, x: x.repeat_interleave(3, 1), lambda m, x: x.repeat(1, 3, 1, 1)),
        (lambda m, x: x[..., ::2].exp(), lambda m, x: x[..., :3].exp()),
        (lambda m, x: x[..., 1::2].exp(), lambda m, x: x[..., ::2].exp()),
        (
            lambda m, x: x * 2 + torch.cat((-x[..., 3:], x[..., :3]), -1),
            lambda m, x: x * 2 + torch.cat((x[..., 3:], -x[..., :3]), -1),
        ),
        (lambda m, x: gelu_of_sum(x, x * (1 + 0.044715 * x**3)), lambda m, x: F.gelu(x, approximate="tanh")),
        (lambda m, x: gelu_of_cube(x, x**3 + x.sin()), lambda m, x: F.gelu(x, approximate="tanh")),
        (lambda m, x: gelu_of_cube(x, x * x**2 * x.sin()), lambda m, x: F.gelu(x, approximate="tanh")),
        (lambda m, x: gelu_of_sum(x, x + 0.044715 * x**3 + x.sin()), lambda m, x: F.gelu(x, approximate="tanh")),
    ],
)
def test_what_differs_stays_apart(form_a, form_b) -> None:
    assert digest(form(form_a)) != digest(form(form_b))


@pytest.mark.parametrize("reduced", [lambda x: x.flatten().sum(), lambda x: x.sum(3, keepdim=True).sum()])
def test_a_sum_of_whole_numbers_is_left_as_it_is(reduced) -> None:
    graph = form(lambda m, x: x * reduced(x > 0))

    assert [node.op for node in graph.nodes if node.dtype == "int64"][-1].startswith("sum")


@pytest.mark.parametrize(
    "total",
    [
        lambda x: x * 0.7978845608028654 * (1 + 0.044715 * x * x),
        lambda x: 0.7978845608028654 * x + 0.7978845608028654 * 0.044715 * x**3,
    ],
)
def test_a_gelu_is_known_with_its_factors_drawn_out(total) -> None:
    spelled_out = form(lambda m, x: 0.5 * x * (1 + torch.tanh(total(x))))

    assert digest(spelled_out) == digest(form(lambda m, x: F.gelu(x, approximate="tanh")))


def test_every_other_element_is_a_column_of_rows_of_two() -> None:
    strided = form(lambda m, x: x.exp()[..., 1::2])

    assert digest(strided) == digest(form(lambda m, x: x.exp().unflatten(-1, (3, 2))[..., 1]))


def test_momentum_has_a_part_in_train_mode() -> None:
    form_a, form_b = EXAMPLES["a batch norm's momentum, where it has a part"]

    assert digest(form(form_a, training=True)) != digest(form(form_b, training=True))
