"""Two tables side by side: what differs adds up to the gap, whatever the models."""

from pathlib import Path

import pytest

from diagnose.networks import build
from diagnose.params.report import params_report
from diagnose.params.run import run
from diagnose.params.side_by_side import side_by_side
from diagnose.params.table import count_parameters

TOYS = Path(__file__).parents[1] / "toys.py"
MODELS = ("torch", "mm", "prodpoly", "torchvision:resnet50", f"{TOYS}:Toy", f"{TOYS}:Decoder", f"{TOYS}:Empty")


@pytest.fixture(scope="module")
def tables():
    return {model: count_parameters(build(model).module) for model in MODELS}


def test_differences_and_cells_add_up_to_the_gap(tables):
    for a in tables.values():
        for b in tables.values():
            found = side_by_side(a, b)
            assert sum(item.parameters for item in found.differences) == b.total - a.total
            assert sum(cell[2] for cell in found.cells) == a.total
            assert sum(cell[3] for cell in found.cells) == b.total


def test_the_same_network_under_other_names_has_no_difference(tables):
    assert side_by_side(tables["torch"], tables["mm"]).differences == ()


def test_swapping_the_sides_swaps_the_signs(tables):
    ahead = side_by_side(tables["mm"], tables["prodpoly"]).differences
    back = side_by_side(tables["prodpoly"], tables["mm"]).differences
    assert sorted(item.parameters for item in ahead) == sorted(-item.parameters for item in back)


def test_the_second_order_norms_and_the_missing_blocks_are_named(tables):
    found = side_by_side(tables["mm"], tables["prodpoly"]).differences
    norm = next(item for item in found if item.parameters > 0)
    assert "batch norm" in norm.what
    assert norm.parameters == 2 * (2 * 64 + 2 * 128 + 256 + 512)
    gone = [item.parameters for item in found if item.what.startswith("stage")]
    assert gone == [-(2 * 9 * c * c + 4 * c) for c in (256, 512)]


def test_what_is_trained_of_two_networks_is_compared_too(tmp_path):
    file = tmp_path / "nets.py"
    file.write_text("from torch import nn\n"
                    "def whole(): return nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))\n"
                    "def half(): net = whole(); net[0].requires_grad_(False); return net\n")  # fmt: skip
    report = params_report(run(f"{file}:whole", against=f"{file}:half"))
    against = next(section for section in report.sections if section.title.startswith("Against"))
    assert "trains 40 and" in against.items[0].text
    assert report.data["against"]["trainable"] == 20
