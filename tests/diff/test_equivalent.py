"""Networks rewritten without changing what they compute: the engine must say so, and find nothing real."""

import pytest

from tests.diff.harness import cases, real, twins
from tests.diff.rewrites import REWRITES


def test_there_are_enough_kinds() -> None:
    assert len(REWRITES) >= 30


@pytest.mark.parametrize(("kind", "architecture"), list(cases(REWRITES)))
def test_a_rewrite_is_equivalent(kind, architecture, compare) -> None:
    original, rewritten, _ = twins(architecture, REWRITES[kind])

    answer = compare(original, rewritten)

    assert (answer.verdict, real(answer)) == ("equivalent", [])
    assert answer.proof.agrees
    assert answer.matched == answer.a.nodes == answer.b.nodes
