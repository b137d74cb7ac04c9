"""Each kind of claim on networks whose truth is known by construction; turning a belief round turns the verdict."""

import pytest

from diagnose.case.case import parse
from diagnose.case.measurements import Measurements
from diagnose.case.run import judge_claim
from diagnose.values import Ruling

WIDTH, CLASSES = 224, 2
SQUARE = 2 * (WIDTH * WIDTH + WIDTH)
STACK = 3 * SQUARE + WIDTH * CLASSES + CLASSES
SUPPORTED, REFUTED, UNDETERMINED = Ruling


@pytest.fixture
def judged(toys):
    models = f"""
[models]
plain = "{toys}:stack"
same = "{toys}:stack(depth=3)"
deeper = "{toys}:stack(depth=6)"
rectified = "{toys}:stack(activation=True)"
torchvision = "torch"
ProdPoly = "prodpoly"
instance = "pinet_relu(blocks=[1, 1, 1, 1], second_order_norm='IN')"
grouped = "pinet_relu(blocks=[1, 1, 1, 1], second_order_norm='GN')"
"""

    def judge(claim):
        case = parse(f'title = "t"\nsummary = "s"{models}[[claim]]\nsays = "it"\n{claim}', "toys", "toys.toml")
        return judge_claim(case.claims[0], Measurements(case))

    return judge


@pytest.mark.parametrize(
    ("number", "reading", "expected"),
    [
        (f"{STACK:,}", "either", SUPPORTED),
        (f"{STACK + 1:,}", "either", REFUTED),
        ("0.30M", "either", SUPPORTED),
        ("0.30M", "rounded", SUPPORTED),
        ("0.30M", "truncated", SUPPORTED),
        ("0.303M", "rounded", SUPPORTED),
        ("0.302M", "rounded", REFUTED),
        ("0.302M", "truncated", SUPPORTED),
    ],
)
def test_a_number_of_parameters(judged, number, reading, expected):
    assert STACK == 302_850
    claim = f'kind = "parameter count"\nmodel = "plain"\nnumber = "{number}"\nreading = "{reading}"'
    judgement = judged(claim)
    assert judgement.ruling is expected
    assert judgement.data["total"] == STACK
    turned = judged(f"{claim}\nholds = false")
    assert turned.ruling is (REFUTED if expected is SUPPORTED else SUPPORTED)


@pytest.mark.parametrize(
    ("a", "b", "places", "expected"),
    [
        ("plain", "same", [], REFUTED),
        ("plain", "rectified", [], SUPPORTED),
        ("plain", "rectified", ["relu"], SUPPORTED),
        ("plain", "rectified", ["dropout"], REFUTED),
    ],
)
def test_the_same_function_or_not(judged, a, b, places, expected):
    claim = f'kind = "same function"\na = "{a}"\nb = "{b}"\nbelief = "different"\n'
    judgement = judged(claim + (f"in = {places}" if places else ""))
    assert judgement.ruling is expected
    if not places:
        same = judged(claim.replace('"different"', '"same"'))
        assert {same.ruling, judgement.ruling} == {SUPPORTED, REFUTED}


def test_a_cause_that_is_not_there_is_refuted_and_one_that_is_there_is_a_suspect(judged):
    claim = 'kind = "cause"\na = "plain"\nb = "{}"\naccuracy_a = 1\naccuracy_b = 2\ncause = "architecture"'
    assert judged(claim.format("same")).ruling is REFUTED
    assert judged(claim.format("rectified")).ruling is UNDETERMINED
    weights = claim.replace("architecture", "initial weights")
    assert judged(weights.format("same")).ruling is REFUTED


@pytest.mark.parametrize(
    ("model", "norm", "expected"),
    [
        ("ProdPoly", "instance norm", REFUTED),
        ("ProdPoly", "batch norm", SUPPORTED),
        ("instance", "instance norm", SUPPORTED),
        ("instance", "batch norm", REFUTED),
        ("grouped", "group norm", SUPPORTED),
        ("plain", "batch norm", UNDETERMINED),
    ],
)
def test_the_kind_of_a_norm(judged, model, norm, expected):
    assert judged(f'kind = "norm"\nmodel = "{model}"\nmodule = "norm3"\nnorm = "{norm}"').ruling is expected


@pytest.mark.parametrize(
    ("model", "of", "degree", "expected"),
    [
        ("plain", "each block", 2, SUPPORTED),
        ("plain", "each block", 3, REFUTED),
        ("plain", "each block", 9, UNDETERMINED),
        ("plain", "the network", 8, SUPPORTED),
        ("plain", "the network", 7, REFUTED),
        ("deeper", "the network", 64, SUPPORTED),
    ],
)
def test_the_degree_of_a_stack_of_products(judged, model, of, degree, expected):
    assert judged(f'kind = "degree"\nmodel = "{model}"\ndegree = {degree}\nof = "{of}"').ruling is expected


def test_a_block_with_relus_is_no_polynomial_but_one_piecewise(judged):
    claim = 'kind = "degree"\nmodel = "ProdPoly"\ndegree = 2\nof = "each block"'
    judgement = judged(claim)
    assert judgement.ruling is REFUTED
    assert [block["degree"] for block in judgement.data["blocks"]] == [None] * 6
    assert [block["frozen"] for block in judgement.data["blocks"]] == [2] * 6
    assert "piecewise" in judgement.answer


def test_a_recipe(judged):
    claim = 'kind = "recipe"\na = "{}"\nb = "{}"\nbelief = "same"'
    expected = {
        ("paper", "paper"): SUPPORTED,
        ("paper", "reproduction"): UNDETERMINED,
        ("reproduction", "lightning"): REFUTED,
    }
    for pair, ruling in expected.items():
        assert judged(claim.format(*pair)).ruling is ruling
    turned = claim.replace("same", "different")
    assert judged(turned.format("paper", "paper")).ruling is REFUTED
    assert judged(turned.format("reproduction", "lightning")).ruling is SUPPORTED
    assert judged(turned.format("paper", "reproduction")).ruling is UNDETERMINED


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["5,274,954"], REFUTED),  # there is no gap
        (["5.3M"], REFUTED),
        (["6M"], UNDETERMINED),  # a published design has it: that is no proof of either
        (["6.0M"], UNDETERMINED),  # a design that nobody published has it
        (["6M", "6.0M"], UNDETERMINED),
    ],
)
def test_missing_parameters_as_a_sign_of_an_error(judged, numbers, expected):
    judgement = judged(f'kind = "parameter gap"\nmodel = "ProdPoly"\nnumbers = {numbers}')
    assert judgement.ruling is expected


def test_the_builtin_gap_names_both_designs_and_its_rounding(judged):
    judgement = judged('kind = "parameter gap"\nmodel = "ProdPoly"\nnumbers = ["6M", "6.0M"]')
    for text in ("“6M” one 1×1", "5,643,594", "“6.0M” two 1×1", "6,012,234", "published"):
        assert text in judgement.answer


def test_the_fewest_operations(judged):
    claim = 'kind = "operations"\nmodels = ["torchvision", "ProdPoly"]\nfewest = "{}"'
    judgement = judged(claim.format("ProdPoly"))
    assert judgement.ruling is SUPPORTED
    assert judged(claim.format("torchvision")).ruling is REFUTED
    # Convolutions and linear layers at 1×3×32×32 by formula, and six Hadamard products.
    assert {skipped["model"]: skipped["macs"] for skipped in judgement.data["models"]} == {
        "torchvision": 555_422_720,
        "ProdPoly": 404_427_776,
    }
    hadamard = 2 * 64 * 32**2 + 2 * 128 * 16**2 + 256 * 8**2 + 512 * 4**2
    assert [skipped["hadamard"] for skipped in judgement.data["models"]] == [0, hadamard]
    opposite = judged('kind = "operations"\nmodels = ["torchvision", "plain"]\nfewest = "plain"')
    assert opposite.ruling is UNDETERMINED  # at another input
