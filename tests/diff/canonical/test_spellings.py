"""One layer written in ways that people do: equal where a rule says so, never different where none does."""

import pytest
import torch

from diagnose.values import Verdict
from tests.diff.spellings import LOOK_ALIKES, WITH_A_RULE, WITHOUT_A_RULE

REAL, UNDETERMINED = Verdict.REAL, Verdict.UNDETERMINED


def hosted(pair):
    torch.manual_seed(0)
    return pair()


@pytest.mark.parametrize("name", WITH_A_RULE)
def test_a_spelling_that_a_rule_knows_is_equivalent(name, compare) -> None:
    answer = compare(*hosted(WITH_A_RULE[name]))

    assert answer.verdict == "equivalent"
    assert answer.proof.agrees
    assert not [each for each in answer.findings if each.verdict is not Verdict.COSMETIC]


@pytest.mark.parametrize("name", WITHOUT_A_RULE)
def test_a_spelling_that_no_rule_knows_is_undetermined_and_never_different(name, compare) -> None:
    answer = compare(*hosted(WITHOUT_A_RULE[name]))

    assert answer.verdict == "undetermined"
    assert not [each for each in answer.findings if each.verdict is REAL]
    assert [each for each in answer.findings if each.verdict is UNDETERMINED and each.evidence]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_only_looks_like_the_same_layer_is_different(name, compare) -> None:
    answer = compare(*hosted(LOOK_ALIKES[name]))

    assert answer.verdict == "different"
    assert [each for each in answer.findings if each.verdict is REAL and each.evidence]


def test_free_weights_are_paired_by_what_they_compute(compare) -> None:
    answer = compare(*hosted(WITHOUT_A_RULE["convolution by unfolding"]))

    pairs = {pair.a: (pair.b, pair.transform) for pair in answer.mapping.pairs}
    assert pairs["part.weight"][0] == "part.kernel"
    assert (answer.mapping.only_a, answer.mapping.only_b) == ((), ())
    assert answer.proof.agrees


def test_weights_whose_rows_may_stand_in_another_order_are_said_to_be_unknown(compare) -> None:
    answer = compare(*hosted(WITHOUT_A_RULE["gates side by side and in turn"]))

    said = [evidence for each in answer.findings for evidence in each.evidence]
    assert any("is not known here" in each for each in said)
    assert answer.mapping.only_b
