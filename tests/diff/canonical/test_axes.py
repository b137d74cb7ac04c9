"""Arrangements of axes, held against torch's own reshape, permute and slices."""

from math import prod

import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnose.diff.canonical.axes import (
    Arrangement,
    composed,
    normal,
    permuted,
    refinement,
    reshaped,
)
from diagnose.diff.canonical.axis_moves import cut_before, fronted, rows_in_order, with_last


def arranged(x: torch.Tensor, arrangement: Arrangement) -> torch.Tensor:
    return x.reshape(arrangement.split).permute(arrangement.order).reshape(arrangement.shape)


def numbered(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.arange(prod(shape)).reshape(shape)


SHAPES = st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=4).map(tuple)


@st.composite
def arrangements(draw: st.DrawFn) -> tuple[tuple[int, ...], Arrangement]:
    split = draw(SHAPES)
    order = tuple(draw(st.permutations(range(len(split)))))
    atoms = [split[index] for index in order]
    cut = draw(st.integers(0, len(atoms) - 1))
    shape = (*atoms[:cut], prod(atoms[cut:]))
    source = draw(st.sampled_from([split, (prod(split),), (split[0], prod(split[1:]))]))
    return source, Arrangement(split, order, shape)


@given(arrangements())
def test_the_normal_form_does_the_same(case) -> None:
    source, arrangement = case
    x = numbered(source)

    assert torch.equal(arranged(x, normal(arrangement)), arranged(x, arrangement))
    assert normal(normal(arrangement)) == normal(arrangement)


@given(arrangements(), st.data())
def test_a_composition_does_one_after_the_other(case, data) -> None:
    source, first = case
    x = numbered(source)
    order = tuple(data.draw(st.permutations(range(len(first.shape)))))
    second = permuted(first.shape, order)

    whole = composed(first, second)

    assert whole is not None
    assert torch.equal(arranged(x, whole), arranged(x, first).permute(order))


@given(arrangements(), st.data())
def test_a_slice_moves_before_an_arrangement(case, data) -> None:
    source, arrangement = case
    dim = data.draw(st.integers(0, len(arrangement.shape) - 1))
    size = arrangement.shape[dim]
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, size))
    x = numbered(source)

    cut = cut_before(source, arrangement, dim, (start, stop))

    if cut is not None:
        piece = x.narrow(cut.dim, cut.start, cut.stop - cut.start)
        assert torch.equal(arranged(piece, cut.arrangement), arranged(x, arrangement).narrow(dim, start, stop - start))


@given(arrangements(), st.data())
def test_features_brought_to_the_front_make_a_choice_of_pieces_a_slice(case, data) -> None:
    source, arrangement = case
    dim = data.draw(st.integers(0, len(arrangement.shape) - 1))
    size = arrangement.shape[dim]
    length = data.draw(st.sampled_from([divisor for divisor in range(1, size + 1) if size % divisor == 0]))
    start = length * data.draw(st.integers(0, size // length - 1))
    x = numbered(source)

    front = fronted(source, arrangement, dim, (start, start + length))

    if front is not None:
        lead = len(source) - 1
        order = (*range(lead), *(lead + index for index in front.order))
        features = x.reshape(*source[:-1], *front.split).permute(order).reshape(source)
        assert torch.equal(arranged(features, front.arrangement), arranged(x, arrangement))
        assert cut_before(source, arrangement, dim, (start, start + length)) is None
        assert cut_before(source, front.arrangement, dim, (start, start + length)) is not None


def test_queries_of_each_head_are_brought_to_the_front() -> None:
    by_head = Arrangement((5, 2, 3, 4), (2, 0, 1, 3), (3, 5, 2, 4))
    front = fronted((5, 24), by_head, 0, (1, 2))
    assert front is not None
    assert (front.split, front.order) == ((2, 3, 4), (1, 0, 2))


@given(arrangements())
def test_a_linear_layer_may_come_before_an_arrangement(case) -> None:
    source, arrangement = case
    x, weight = numbered(source).double(), torch.randn(5, arrangement.shape[-1], dtype=torch.float64)
    expected = arranged(x, arrangement) @ weight.T

    after = with_last(source, arrangement, 5)
    rows = rows_in_order(source, arrangement)

    if after is not None:
        assert torch.allclose(arranged(x @ weight.T, after), expected)
    if rows is not None:
        product = arranged(x, rows.before) @ weight.T
        back = Arrangement((*rows.atoms, 5), (*rows.order, len(rows.atoms)), expected.shape)
        assert torch.allclose(arranged(product, back), expected)


def test_incompatible_factors_have_no_refinement() -> None:
    assert refinement((2, 3), (3, 2)) is None
    assert refinement((2, 6), (4, 3)) == (2, 2, 3)
    assert reshaped((2, 6), (4, 3)) == Arrangement((12,), (0,), (4, 3))
