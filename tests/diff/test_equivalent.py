"""Networks rewritten without changing what they compute: the engine must say so, and find nothing real."""

import pytest

from tests.diff.harness import pairs, real
from tests.diff.rewrites import REWRITES


def test_there_are_enough_kinds() -> None:
    assert len(REWRITES) >= 30


@pytest.mark.parametrize("kind", REWRITES)
def test_a_rewrite_is_equivalent(kind, compare) -> None:
    applied = list(pairs(REWRITES[kind]))
    assert applied
    for pair in applied:
        answer = compare(pair.original, pair.edited)

        assert (answer.verdict, real(answer)) == ("equivalent", []), pair.architecture
        assert answer.proof.agrees
        assert answer.matched == answer.a.nodes == answer.b.nodes
