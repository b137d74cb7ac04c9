"""What the front door leaves as it was: the caller's modules and the state of his process."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn

import diagnose
from tests.api.nets import INPUT, Mine, Theirs

THEIRS = Theirs()

CALLS = {
    "compare": lambda net: diagnose.compare(net, THEIRS, inputs=INPUT),
    "compare own weights": lambda net: diagnose.compare(net, copy.deepcopy(net), inputs=INPUT, weights="own"),
    "count_parameters": lambda net: diagnose.count_parameters(net, inputs=INPUT),
    "explain_parameters": lambda net: diagnose.explain_parameters(net, "200", inputs=INPUT),
    "count_operations": lambda net: diagnose.count_operations(net, inputs=INPUT, train=True, cross_check=True),
}


@pytest.fixture(params=CALLS)
def call(request):
    return CALLS[request.param]


def test_weights_and_buffers_keep_their_values(call):
    net = Mine()
    before = {name: (id(tensor), tensor.clone()) for name, tensor in net.state_dict(keep_vars=True).items()}
    call(net)
    after = net.state_dict(keep_vars=True)
    assert [(name, id(tensor)) for name, tensor in after.items()] == [(n, i) for n, (i, _) in before.items()]
    assert all(torch.equal(tensor, before[name][1]) for name, tensor in after.items())


def test_each_part_keeps_its_mode(call):
    net = Mine().train()
    net.norm.eval()
    call(net)
    assert (net.training, net.norm.training, net.drop.training) == (True, False, True)


def test_gradients_stay(call):
    net = Mine()
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    before = [parameter.grad.clone() for parameter in net.parameters()]
    call(net)
    assert all(torch.equal(p.grad, kept) for p, kept in zip(net.parameters(), before, strict=True))


def test_what_requires_a_gradient_stays(call):
    net = Mine()
    net.conv.requires_grad_(False)
    call(net)
    assert [p.requires_grad for p in net.parameters()] == [False, True, True, True, True]


def test_the_class_stays(call):
    net = Mine()
    call(net)
    assert type(net) is Mine
    assert "forward" not in vars(net)


def test_a_hook_stays_and_is_not_run(call):
    seen = []
    net = Mine()

    def record(module, args, output):
        seen.append(output)

    handle = net.conv.register_forward_hook(record)
    call(net)
    assert seen == []
    assert list(net.conv._forward_hooks.values()) == [record]
    handle.remove()


def test_random_states_stay(call):
    net = Mine()
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    call(net)
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_the_callers_defaults_stay(call):
    net = Mine()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            call(net)
            assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu")])
def test_it_works_within_the_callers_context(context):
    with context():
        found = diagnose.compare(Mine(), Theirs(), inputs=INPUT)
    assert found.verdict == "equivalent"


def test_nothing_is_printed(call, capfd):
    call(Mine())
    assert capfd.readouterr() == ("", "")


def test_progress_is_told():
    told = []
    diagnose.count_parameters(Mine(), inputs=INPUT, progress=told.append)
    assert told == ["Counting Mine"]


def test_a_count_allocates_no_weights():
    with torch.device("meta"):
        net = nn.Linear(10**6, 10**6)  # 4 TB
    assert diagnose.count_parameters(net, inputs="1x1000000").total == 10**12 + 10**6
