"""What is kept: the facets that the user names, under the words that people use, or what a document states."""

import pytest

from diagnose.errors import UsageError
from diagnose.networks import parse
from diagnose.params.gap.known_facts import known_facts


@pytest.mark.parametrize(("word", "facet"), [("depth", "blocks"), ("classes", "num_classes"), ("Width", "widths")])
def test_another_word_for_a_facet_is_told_its_name(word, facet):
    with pytest.raises(UsageError) as raised:
        known_facts(parse("torch"), [word])
    assert raised.value.hint == f"Did you mean {facet}?"


@pytest.mark.parametrize("texts", [["nothing,blocks"], ["blocks", "nothing"]])
def test_nothing_and_something_contradict_each_other(texts):
    with pytest.raises(UsageError, match="at once"):
        known_facts(parse("torch"), texts)


def test_nothing_alone_keeps_nothing_of_what_is_stated():
    assert known_facts(parse("prodpoly"), ["nothing"]) == ()
    assert known_facts(parse("prodpoly"), [])
