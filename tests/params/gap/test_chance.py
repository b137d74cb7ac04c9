"""A ✓ is never chance: the share of random numbers that the search would meet is right, and decides what stands out."""

import random
from dataclasses import replace

import numpy as np
import pytest

from diagnose.networks import build
from diagnose.params.gap.chance import NEIGHBOURHOOD, STANDS_OUT, Chance
from diagnose.params.gap.known_facts import known_facts
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.other_rows import TableRow
from diagnose.params.gap.parameter_conventions import PLAIN, applicable
from diagnose.params.gap.search import Solution, search
from diagnose.params.gap.search_space import SearchSpace
from diagnose.params.reported import parse_reported
from diagnose.params.table import count_parameters


def space_of(model):
    table = count_parameters(build(model).module)
    layout = layout_of(table)
    return SearchSpace(layout, applicable(table, layout.counts()))


@pytest.fixture(scope="module")
def prodpoly():
    return space_of("prodpoly")


def shares(space, text, **options):
    reported = parse_reported(text)
    chance = Chance(space, **options)
    listed = [(solution, chance.of(solution, reported)) for solution in search(space, reported)[:8]]
    return chance, listed


@pytest.mark.parametrize("text", ["6.0M", "6.01M", "6,012,234"])
def test_the_chance_is_the_share_of_random_numbers_that_as_cheap_edits_meet(prodpoly, text):
    reported = parse_reported(text)
    _, [(first, chance), *_] = shares(prodpoly, text)
    cheap = prodpoly.values[prodpoly.sets.costs <= first.cost]
    generator = random.Random(0)
    middle, half = sum(reported.rounded) / 2, (reported.rounded[1] - reported.rounded[0] + 1) / 2
    met = 0
    for _ in range(4_000):
        value = generator.uniform(middle / NEIGHBOURHOOD, middle * NEIGHBOURHOOD)
        low, high = (value - half, value + 2 * half) if half > 1 else (value - 0.5, value + 0.5)
        met += bool(np.any((cheap >= low) & (cheap <= high)))
    assert chance == pytest.approx(met / 4_000, abs=0.03)


def test_an_exact_number_that_one_plain_edit_gives_stands_out(prodpoly):
    chance, listed = shares(prodpoly, "6,012,234")
    assert chance.stands_out(listed)
    assert listed[0][1] < 1e-4


@pytest.mark.parametrize("text", ["6M", "6.0M"])
def test_a_number_of_few_digits_proves_nothing(prodpoly, text):
    chance, listed = shares(prodpoly, text)
    assert listed[0][1] > STANDS_OUT
    assert not chance.stands_out(listed)


@pytest.mark.parametrize("model", ["prodpoly", "torchvision:resnet50"])
@pytest.mark.parametrize("form", ["{:.1f}M", "{:.2f}M"])
def test_few_random_numbers_get_a_mark(model, form):
    space, generator, marked = space_of(model), random.Random(1), 0
    total = PLAIN.total(space.layout.counts())
    for _ in range(40):
        chance, listed = shares(space, form.format(total * generator.uniform(0.7, 1.4) / 1e6))
        marked += chance.stands_out(listed)
    assert marked <= 5  # 1 in 20 is promised; more than 5 of 40 would then be met in 1 of 70 runs


def test_two_solutions_that_are_as_likely_leave_it_open(prodpoly):
    chance, [(first, share), *_] = shares(prodpoly, "6,012,234")
    twin = replace(first, edits=first.edits[::-1])
    assert not chance.stands_out([(first, share), (twin, share)])
    assert chance.stands_out([(first, share), (twin, 100 * share)])


def test_what_is_stated_and_other_rows_lower_the_chance(prodpoly):
    _, [(_, alone), *_] = shares(prodpoly, "6.0M")
    facts = known_facts(build("prodpoly").ref, ())
    _, [(_, stated), *_] = shares(prodpoly, "6.0M", stated=facts)
    torch = TableRow("torch", space_of("torch").layout, parse_reported("11.2M"))
    _, [(_, joint), *_] = shares(prodpoly, "6.0M", stated=facts, rows=(torch,))
    assert joint < stated <= alone


def test_a_number_that_nothing_else_reaches_is_met_by_its_own_width_alone(prodpoly):
    far = Solution((), PLAIN, 10**12, ("rounded",))
    assert Chance(prodpoly).of(far, parse_reported("1.00T")) == pytest.approx(
        1.5e10 / (1e12 * (NEIGHBOURHOOD - 1 / NEIGHBOURHOOD)), rel=1e-3
    )
