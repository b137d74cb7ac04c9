"""Networks with one planted difference: the engine must call them different and name the place."""

import pytest

from tests.diff.harness import cases, names_place, real, twins
from tests.diff.plants import PLANTS


def test_there_are_enough_kinds() -> None:
    assert len(PLANTS) >= 40


@pytest.mark.parametrize(("kind", "architecture"), list(cases(PLANTS)))
def test_a_planted_difference_is_found(kind, architecture, compare) -> None:
    original, changed, places = twins(architecture, PLANTS[kind])

    answer = compare(original, changed)

    assert answer.verdict == "different"
    assert names_place(answer, places), (places, real(answer), [finding.where for finding in answer.findings])
