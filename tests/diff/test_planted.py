"""Networks with one planted difference: the engine must call them different and name the place."""

import pytest

from tests.diff.harness import names_place, pairs, real
from tests.diff.plants import PLANTS


def test_there_are_enough_kinds() -> None:
    assert len(PLANTS) >= 40


@pytest.mark.parametrize("kind", PLANTS)
def test_a_planted_difference_is_found(kind, compare) -> None:
    applied = list(pairs(PLANTS[kind]))
    assert applied
    for pair in applied:
        answer = compare(pair.original, pair.edited)

        assert answer.verdict == "different", pair.architecture
        assert names_place(answer, pair.places), (pair.architecture, pair.places, real(answer))
