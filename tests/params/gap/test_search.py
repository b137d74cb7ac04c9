"""The search finds every set of edits that fits, nothing that does not, and each only once."""

from itertools import combinations
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from diagnose.networks import build
from diagnose.params.gap.edits.families import FAMILIES, STRUCTURES
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.parameter_conventions import PLAIN, applicable
from diagnose.params.gap.search import search
from diagnose.params.gap.search_space import SearchSpace
from diagnose.params.reported import parse_reported
from diagnose.params.table import count_parameters

TOYS = Path(__file__).parents[2] / "toys.py"


def _network(model):
    table = count_parameters(build(model).module)
    layout = layout_of(table)
    return layout, applicable(table, layout.counts())


@pytest.fixture(scope="module")
def small():
    return _network(f"{TOYS}:Small")


@pytest.fixture(scope="module")
def prodpoly():
    return _network("prodpoly")


def _every_edit(layout):
    families = (*FAMILIES.values(), *STRUCTURES.values())
    return [edit for family in families if not isinstance(made := family(layout), str) for edit in made]


def _enumerated(layout, reported, most_cost):
    """Every compatible set of up to two edits that fits, by plain enumeration."""
    edits = _every_edit(layout)
    structural = {id(e) for e in edits if e.rebuild is not None}
    for size in (0, 1, 2):
        for chosen in combinations(edits, size):
            ordered = sorted(chosen, key=lambda edit: id(edit) not in structural)
            families = {edit.family for edit in chosen}
            if len(families) < size or sum(e.cost for e in chosen) > most_cost:
                continue
            if sum(id(e) in structural for e in chosen) > 1:
                continue
            edited = layout
            for edit in ordered:
                edited = edit.apply(edited) if edited is not None else None
            if edited is not None and reported.readings(PLAIN.total(edited.counts())):
                yield frozenset(edit.key for edit in chosen)


@pytest.mark.parametrize("text", ["15k", "20.0k", "16,682", "9.5k", "40k", "14,634"])
def test_the_search_finds_what_plain_enumeration_finds(small, text):
    layout, _ = small
    reported = parse_reported(text)
    every = set(_enumerated(layout, reported, 2.0))
    minimal = {keys for keys in every if not any(smaller < keys for smaller in every)}

    found = {
        frozenset(edit.key for edit in solution.edits)
        for solution in search(SearchSpace(layout, (PLAIN,)), reported, most_cost=2.0)
    }
    # Edits that change nothing here join no set, so enumeration may hold sets padded with them.
    assert found <= every
    unchanged = {
        e.key for e in _every_edit(layout) if (new := e.apply(layout)) and (new.counts() == layout.counts()).all()
    }
    assert {keys for keys in minimal if not keys & unchanged} <= found


@settings(max_examples=15, deadline=None)
@given(share=st.floats(0.3, 3), decimals=st.integers(0, 2))
def test_every_hit_satisfies_its_readings_and_none_holds_another(prodpoly, share, decimals):
    layout, conventions = prodpoly
    reported = parse_reported(f"{PLAIN.total(layout.counts()) * share / 1e6:.{decimals}f}1M")
    found = search(SearchSpace(layout, conventions, most_cost=2.5), reported)
    seen = set()
    for solution in found:
        edited = layout
        for edit in solution.edits:
            edited = edit.apply(edited)
        total = solution.convention.total(edited.counts())
        assert solution.total == total > 0
        assert solution.fits == reported.readings(total * solution.convention.factor) != ()
        assert solution.cost <= 2.5
        assert len({edit.family for edit in solution.edits}) == len(solution.edits)
        keys = (solution.convention.text, frozenset(edit.key for edit in solution.edits))
        assert keys not in seen
        seen.add(keys)
    for convention, keys in seen:
        for other_convention, fewer in seen:
            assert not (fewer < keys and other_convention in (convention, PLAIN.text))


def test_the_order_is_by_cost_first(prodpoly):
    layout, conventions = prodpoly
    costs = [solution.cost for solution in search(SearchSpace(layout, conventions), parse_reported("6.0M"))]
    assert costs == sorted(costs)


@pytest.mark.parametrize("model", ["Empty", "single", "Toy", "Lazy", "SharedBlock", "Decoder", "Raises"])
def test_any_model_can_be_searched_and_what_was_not_tried_is_said(model):
    layout, conventions = _network(f"{TOYS}:{model}")
    space = SearchSpace(layout, conventions)
    assert space.skipped
    assert all(solution.total == 1000 for solution in search(space, parse_reported("1,000")))


def test_a_one_dimensional_network_is_offered_no_two_dimensional_convolutions():
    model = nn.Sequential(*(Residual1d() for _ in range(3))).to("meta")
    layout = layout_of(count_parameters(model))
    assert layout.blocks_per_stage() == (3,)
    for family in ("layers added per block", "shortcut type", "squeeze-and-excitation"):
        assert FAMILIES[family](layout) == "the blocks' convolutions are not two-dimensional"


class Residual1d(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = (nn.Conv1d(16, 16, 3, padding=1) for _ in range(2))

    def forward(self, x):
        return x + self.second(torch.relu(self.first(x)))
