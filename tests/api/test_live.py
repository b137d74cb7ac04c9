"""Modules as people have them: wrapped, compiled, in half precision, sharing weights; handled, or refused in words."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, weight_norm

import diagnose
from diagnose.networks import build
from diagnose.networks.live.live_network import live
from tests.api.nets import INPUT, MACS, PARAMETERS, Mine, Theirs


def verdict(a, b, **options):
    return diagnose.compare(a, b, inputs=INPUT, **options).verdict


def test_a_port_is_equivalent():
    assert verdict(Mine(), Theirs()) == "equivalent"


def test_another_rate_of_dropout_is_found_where_it_stands():
    mine = Mine()
    mine.drop.p = 0.5
    found = diagnose.compare(mine, Theirs(), inputs=INPUT)
    assert found.verdict == "different"
    assert [finding.where for finding in found.differences] == [("drop ↔ classifier.1",)]


def test_a_module_is_equivalent_to_itself():
    net = Mine()
    assert verdict(net, net) == "equivalent"


def test_two_modules_of_one_class_are_told_apart():
    found = diagnose.compare(Mine(), Mine(), inputs=INPUT)
    assert (found.diff.a.model, found.diff.b.model) == ("Mine (A)", "Mine (B)")


def test_two_modules_may_share_a_backbone():
    backbone = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    classifier, activated = (
        nn.Sequential(backbone, nn.Linear(4, 2)),
        nn.Sequential(backbone, nn.ReLU(), nn.Linear(4, 2)),
    )
    assert diagnose.compare(classifier, copy.deepcopy(classifier), inputs="1x4").verdict == "equivalent"
    shared = diagnose.compare(classifier, nn.Sequential(backbone, nn.Tanh(), nn.Linear(4, 2)), inputs="1x4")
    assert shared.verdict == "different"
    assert classifier[0] is activated[0] is backbone


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision_is_compared_in_float32_and_says_so(dtype):
    net = Mine().to(dtype)
    found = diagnose.compare(net, Theirs(), inputs=INPUT)
    assert found.verdict == "equivalent"
    assert f"Mine in {str(dtype).removeprefix('torch.')}" in [skipped.what for skipped in found.skipped]
    assert net.conv.weight.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_operations_are_counted_in_the_networks_own_precision(dtype):
    count = diagnose.count_operations(Mine().to(dtype), inputs=INPUT)
    assert count.macs == MACS
    assert str(count.table.inputs[0]).endswith(str(dtype).removeprefix("torch."))


@pytest.mark.parametrize(
    "wrap",
    [torch.compile, nn.DataParallel, lambda net: torch.compile(nn.DataParallel(net)), lambda net: net.compile() or net],
    ids=["compiled", "data parallel", "both", "compiled in place"],
)
def test_a_wrapper_is_taken_off(wrap):
    found = diagnose.compare(wrap(Mine()), Theirs(), inputs=INPUT)
    assert found.verdict == "equivalent"
    assert found.diff.a.model == "Mine"
    assert "conv.weight" in [pair.a for pair in found.mapping.pairs]


def test_a_compiled_part_is_taken_off_inside():
    net = Mine()
    net.conv = torch.compile(net.conv)
    assert diagnose.compare(net, Theirs(), inputs=INPUT).verdict == "equivalent"
    assert diagnose.count_parameters(net, inputs=INPUT).total == PARAMETERS
    assert type(net.conv).__name__ == "OptimizedModule"


class FullyShardedDataParallel(nn.Module):
    """Stands for torch's and fairscale's."""

    def __init__(self, module):
        super().__init__()
        self.module = module


def test_a_sharded_module_is_refused():
    with pytest.raises(diagnose.CannotRun, match="is sharded by FullyShardedDataParallel"):
        verdict(FullyShardedDataParallel(Mine()), Theirs())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_torchscript_module_is_refused():
    with pytest.raises(diagnose.CannotRun, match="TorchScript"):
        verdict(torch.jit.trace(nn.Linear(4, 4), torch.zeros(2, 4)), Theirs())


def test_a_module_without_values_is_refused_for_comparing():
    with torch.device("meta"):
        net = Mine()
    with pytest.raises(diagnose.CannotRun, match="has no values"):
        verdict(net, Theirs())


def test_a_lazy_module_is_refused_for_comparing():
    with pytest.raises(diagnose.CannotRun, match="lazy parameter"):
        diagnose.compare(nn.LazyLinear(4), nn.Linear(4, 4), inputs="1x4")


def test_a_lazy_module_is_counted_and_stays_lazy():
    net = nn.LazyLinear(4)
    assert diagnose.count_parameters(net, inputs="1x4").total == 20
    assert net.has_uninitialized_params()


def test_a_hook_that_may_replace_outputs_is_refused():
    net = Mine()
    net.conv.register_forward_hook(lambda module, args, output: output * 2)
    with pytest.raises(diagnose.CannotRun, match=r"hook .*lambda.* on Mine\.conv may change"):
        verdict(net, Theirs())


def test_a_hook_that_returns_nothing_is_left_out_and_named():
    net = Mine()

    def watch(module, args, output):
        raise AssertionError

    net.conv.register_forward_hook(watch)
    found = diagnose.compare(net, Theirs(), inputs=INPUT)
    assert found.verdict == "equivalent"
    assert any("watch on Mine.conv" in skipped.what for skipped in found.skipped)


def test_a_forward_that_was_replaced_by_a_closure_over_the_module_is_refused():
    net = Mine()
    original = net.forward
    net.forward = lambda x: original(x) * 2
    with pytest.raises(diagnose.CannotRun, match="a copy of it would run the original"):
        verdict(net, Theirs())


def test_what_cannot_be_copied_is_refused():
    net = Mine()
    net.generator = (number for number in range(3))
    with pytest.raises(diagnose.CannotRun, match="Mine cannot be copied: TypeError"):
        verdict(net, Theirs())


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "reparametrized",
    [weight_norm, parametrizations.weight_norm, lambda layer: prune.l1_unstructured(layer, "weight", 0.5)],
    ids=["old weight norm", "weight norm", "pruning"],
)
def test_hooks_of_torchs_own_are_part_of_the_network(reparametrized):
    net = nn.Sequential(reparametrized(nn.Linear(4, 4)), nn.ReLU())
    net(torch.zeros(1, 4))
    found = diagnose.compare(net, net, inputs="1x4")
    assert found.verdict == "equivalent"


def copied(net, *, allocate):
    return build(live(net), allocate=allocate).module


@pytest.mark.parametrize("allocate", [True, False])
def test_a_tie_stays_in_the_copy(allocate):
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    net[1].weight = net[0].weight
    copy_of = copied(net, allocate=allocate)
    assert copy_of[1].weight is copy_of[0].weight
    assert copy_of[0].weight is not net[0].weight


@pytest.mark.parametrize("allocate", [True, False])
def test_shared_memory_stays_shared_in_the_copy(allocate):
    net = nn.Linear(4, 4)
    net.register_buffer("view", net.weight.detach().half()[:2])
    net.register_buffer("part", net.view[1:])
    copy_of = copied(net, allocate=allocate)
    assert copy_of.part.untyped_storage()._cdata == copy_of.view.untyped_storage()._cdata
    assert copy_of.part.shape == (1, 4)


def test_no_tensor_of_a_copy_is_the_originals():
    net = Mine()
    net.extra = {"list": [torch.ones(3)], "number": torch.tensor(2.0)}
    net.hidden = [nn.Linear(2, 2)]
    copy_of = copied(net, allocate=True)
    theirs = {tensor.untyped_storage()._cdata for tensor in tensors_of(net)}
    assert not theirs & {tensor.untyped_storage()._cdata for tensor in tensors_of(copy_of)}
    assert torch.equal(copy_of.extra["list"][0], torch.ones(3))


def tensors_of(net):
    return [*net.parameters(), *net.buffers(), *net.extra["list"], net.extra["number"], *net.hidden[0].parameters()]


def test_a_batch_counter_on_the_meta_device_is_not_the_originals():
    net = Mine()
    diagnose.count_operations(net, inputs="2x3x8x8", train=True)
    assert int(net.norm.num_batches_tracked) == 0


def test_an_rnn_is_copied():
    assert diagnose.count_parameters(nn.LSTM(4, 8), inputs="3x2x4").total == 4 * (4 * 8 + 8 * 8 + 2 * 8)
    assert diagnose.compare(nn.GRU(4, 8), nn.GRU(4, 8), inputs="3x2x4").verdict == "equivalent"


def test_initial_weights_of_a_module_are_not_judged_unasked():
    mine = Mine()
    nn.init.constant_(mine.head.weight, 3.0)
    found = diagnose.compare(mine, Theirs(), inputs=INPUT)
    assert not any(finding.kind == "initial weights" for finding in found.diff.findings)
    assert "the initial weights" in [skipped.what for skipped in found.skipped]
    asked = diagnose.compare(mine, Theirs(), inputs=INPUT, initial_weights=True)
    assert any(finding.kind == "initial weights" for finding in asked.diff.findings)
