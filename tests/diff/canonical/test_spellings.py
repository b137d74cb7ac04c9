"""One layer written in ways that people do: equal where a rule says so, never different where none does."""

import pytest
import torch

from diagnose.values import Significance
from tests.diff.spellings import LOOK_ALIKES, WITH_A_RULE, WITHOUT_A_RULE

REAL, UNDETERMINED = Significance.REAL, Significance.UNDETERMINED


def hosted(pair):
    torch.manual_seed(0)
    return pair()


@pytest.mark.parametrize("name", WITH_A_RULE)
def test_a_spelling_that_a_rule_knows_is_equivalent(name, compare) -> None:
    answer = compare(*hosted(WITH_A_RULE[name]))

    assert answer.verdict == "equivalent"
    assert answer.proof.agrees
    assert not [sentence for sentence in answer.findings if sentence.verdict is not Significance.COSMETIC]


@pytest.mark.parametrize("name", WITHOUT_A_RULE)
def test_a_spelling_that_no_rule_knows_is_undetermined_and_never_different(name, compare) -> None:
    answer = compare(*hosted(WITHOUT_A_RULE[name]))

    assert answer.verdict in ("undetermined", "equal by numbers")
    assert not [sentence for sentence in answer.findings if sentence.verdict is REAL]
    assert [sentence for sentence in answer.findings if sentence.verdict is UNDETERMINED and sentence.evidence]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_only_looks_like_the_same_layer_is_different(name, compare) -> None:
    answer = compare(*hosted(LOOK_ALIKES[name]))

    assert answer.verdict == "different"
    assert [sentence for sentence in answer.findings if sentence.verdict is REAL and sentence.evidence]


def test_free_weights_are_paired_by_what_they_compute(compare) -> None:
    answer = compare(*hosted(WITHOUT_A_RULE["convolution by unfolding"]))

    pairs = {pair.a: (pair.b, pair.transform) for pair in answer.mapping.pairs}
    assert pairs["part.weight"][0] == "part.kernel"
    assert (answer.mapping.only_a, answer.mapping.only_b) == ((), ())
    assert answer.proof.agrees


def test_weights_whose_rows_may_stand_in_another_order_are_said_to_be_unknown(compare) -> None:
    answer = compare(*hosted(WITHOUT_A_RULE["gates side by side and by their places"]))

    said = [evidence for sentence in answer.findings for evidence in sentence.evidence]
    assert any("is not known here" in sentence for sentence in said)
    assert answer.mapping.only_b
