"""`diagnose models` lists what can be named, with counts from building it."""

import json

import pytest


@pytest.fixture(scope="module")
def listed(diagnose):
    done = diagnose("models", "--format", "json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)["data"]


def test_the_aliases_have_the_counts_that_were_measured(listed):
    counts = {alias["name"]: alias["parameters"] for alias in listed["aliases"]}
    assert counts["torch"] == counts["mm"] == counts["resnet_norelu"] == 11_173_962
    assert counts["prodpoly"] == 5_274_954
    # One 1×1 convolution of c² weights in each of the two blocks of every stage.
    assert counts["pinet_1x1_relu"] - counts["pinet_relu"] == sum(2 * c * c for c in (64, 128, 256, 512))


def test_every_alias_says_where_it_comes_from(listed):
    assert all(alias["origin"] and alias["description"] for alias in listed["aliases"])
    assert listed["models"] == []


def test_a_query_searches_all_libraries(diagnose):
    data = json.loads(diagnose("models", "resnet50", "--format", "json").stdout)["data"]
    assert {"torchvision:resnet50", "timm:resnet50"} <= set(data["models"])
    assert any(name.startswith("mmpretrain:resnet50") for name in data["models"])


def test_a_query_that_nothing_answers_says_so(diagnose):
    done = diagnose("models", "no-such-model-at-all")
    assert done.returncode == 0
    assert "no-such-model-at-all" in done.stdout
