"""Another number of the same document settles what one number leaves open; a wrong one settles nothing."""

import pytest

from diagnose.errors import DiagnoseError, UsageError
from diagnose.flops.reported.work_figure import work_figure
from diagnose.networks import build
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.other_figures import part_figure, size_figure
from diagnose.params.gap.parameter_conventions import PLAIN
from diagnose.params.gap.search import Solution
from diagnose.params.reported import parse_reported
from diagnose.params.run import run
from diagnose.params.table import count_parameters
from diagnose.values import KnownNetwork

UNCHANGED = Solution((), PLAIN, 0, ("rounded",))


@pytest.fixture(scope="module")
def resnet18():
    module = build("torchvision:resnet18").module
    return module, layout_of(count_parameters(module))


@pytest.mark.parametrize("part", ["layer3", "layer3.1", "layer4.0.conv2", "fc"])
def test_the_count_of_a_part_is_that_of_its_module(resnet18, part):
    module, layout = resnet18
    parameters = sum(parameter.numel() for parameter in module.get_submodule(part).parameters())
    assert part_figure(f"{part}={parameters}", layout).judge(UNCHANGED, in_second_order=False) == (parameters, True, "")
    assert not part_figure(f"{part}={parameters + 1}", layout).may_fit(UNCHANGED, in_second_order=False)


def test_a_stage_is_a_part(resnet18):
    module, layout = resnet18
    parameters = sum(parameter.numel() for parameter in module.layer2.parameters())
    assert part_figure(f"stage 2={parameters:,}", layout).judge(UNCHANGED, in_second_order=False)[0] == parameters


@pytest.mark.parametrize("text", ["neck=1M", "=1M", "layer3", "layer=1M"])
def test_a_part_that_the_network_has_not_is_refused(resnet18, text):
    with pytest.raises(DiagnoseError) as refused:
        part_figure(text, resnet18[1])
    assert isinstance(refused.value, UsageError)


def test_a_size_holds_float32_in_either_megabyte_and_with_buffers_or_without(resnet18):
    module, layout = resnet18
    parameters = sum(parameter.numel() for parameter in module.parameters())
    elements = sum(tensor.numel() for tensor in module.state_dict().values())
    sizes = [4 * count / megabyte for count in (parameters, elements) for megabyte in (10**6, 2**20)]
    assert all(size_figure(f"{size:.2f}MB", layout).may_fit(UNCHANGED, in_second_order=False) for size in sizes)
    assert not size_figure(f"{sizes[0] + 1:.2f}MB", layout).may_fit(UNCHANGED, in_second_order=False)


def test_what_is_no_size_is_refused(resnet18):
    with pytest.raises(DiagnoseError):
        size_figure("44.7M", resnet18[1])


def test_a_size_in_megabytes_is_explained_as_one():
    elements = sum(tensor.numel() for tensor in build("torchvision:resnet18").module.state_dict().values())
    first = run("torchvision:resnet18", reported=f"{4 * elements / 2**20:.2f}MB").gap.solutions[0]
    assert (first.edits, first.total) == ((), elements)


@pytest.mark.slow
def test_macs_stated_beside_it_let_the_right_edit_stand_out_and_wrong_ones_do_not():
    # ResNet-101: 44,549,160 parameters and 7.80 G MACs. Source: torchvision's documentation of its weights.
    alone = run("torchvision:resnet50", reported="44.5M").gap
    joint = run("torchvision:resnet50", reported="44.5M", figures=(work_figure("7.8G"),)).gap
    wrong = run("torchvision:resnet50", reported="44.5M", figures=(work_figure("1.1G"),)).gap
    assert (alone.stands_out, joint.stands_out, wrong.stands_out) == (False, True, False)
    assert joint.solutions[0].total == 44_549_160
    assert joint.solutions[0].also[0][2]
    assert not wrong.solutions[0].also[0][2]


def test_macs_are_counted_on_the_edited_network_itself():
    built = build("torchvision:resnet18")
    table = run("torchvision:resnet18").table
    figure = work_figure("1.8G")(built, table)
    assert figure.judge(UNCHANGED, in_second_order=False) == (1_814_073_344, True, "")
    twice = work_figure("3.6 GFLOPs")(built, table)
    assert twice.judge(UNCHANGED, in_second_order=False)[1]
    assert not figure.contradicts(KnownNetwork("a", 1, 0, 0, macs=1_814_073_344))
    assert figure.contradicts(KnownNetwork("a", 1, 0, 0, macs=4_100_000_000))


def test_a_size_is_read_as_the_float32_that_it_holds():
    reported = parse_reported("97.8MB")
    assert reported.of_bytes
    assert reported.rounded == (24_437_500, 24_462_500)  # 97.75e6 / 4 and 97.85e6 / 4
    assert parse_reported("1MiB").truncated[0] == 2**20 // 4
