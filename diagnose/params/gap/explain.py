"""The answer to "the paper says 6M": the gap in units a person can think in, and the solutions that close it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from diagnose.params.gap.chance import STANDS_OUT, Chance, clearly_likelier
from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.edits.families import FAMILIES, STRUCTURES
from diagnose.params.gap.layout import Layout, layout_of
from diagnose.params.gap.other_figures import StatedNumber
from diagnose.params.gap.parameter_conventions import PLAIN, applicable
from diagnose.params.gap.search import Solution, likeliest_first, search
from diagnose.params.gap.search_space import SearchSpace
from diagnose.params.gap.slips import find_slip
from diagnose.params.gap.verify import verify
from diagnose.params.index.lookup import KnownCounts, nearest_networks
from diagnose.params.index.network_index import network_index
from diagnose.params.reported import other_precisions
from diagnose.values import (
    GapSolution,
    GapUnit,
    IndexAnswer,
    ModelRef,
    NumberSlip,
    ParameterGap,
    ParamTable,
    ReportedNumber,
    StatedFact,
)

MOST_LISTED = 8
MOST_EXCLUDED = 6
MOST_UNITS = 5
_COST_OF_OTHER_PRECISIONS = 2.0
_UNIT_FAMILIES = ("layers added per block", "layers left out per block", "squeeze-and-excitation")


def explain_gap(
    ref: ModelRef,
    model: nn.Module,
    table: ParamTable,
    reported: ReportedNumber,
    *,
    stated: Sequence[StatedFact] = (),
    also: Sequence[StatedNumber] = (),
) -> ParameterGap:
    """Search the edits that give a model its reported number, and build the ones that are listed.

    `model` is on the meta device; `table` is its count; what is `stated` is kept; `also` are other numbers of the
    same document, and solutions that miss one of them fall back.
    """
    layout = layout_of(table)
    space = SearchSpace(layout, applicable(table, layout.counts(), reported))
    judge = _Judge(ref, model, table, Chance(space, stated, also, KnownCounts(ref)))
    kept, excluded = judge.split(search(space, reported))
    listed = [(solution, judge.chance.of(solution, reported)) for solution in kept[:MOST_LISTED]]
    answer = None if reported.readings(table.total) else known_answer(reported, judge.chance)
    stands_out, answer = what_stands_out(listed, answer, judge.chance)
    return ParameterGap(
        reported=reported,
        total=table.total,
        units=_units(layout, table.total, reported),
        solutions=tuple(judge.described(*pair) for pair in listed),
        excluded=tuple(
            judge.described(solution, judge.chance.of(solution, reported)) for solution in excluded[:MOST_EXCLUDED]
        ),
        precisions=tuple(judge.first_at(precision) for precision in other_precisions(reported)),
        stated=tuple(stated),
        visited=len(space.sets),
        skipped=tuple(space.skipped),
        stands_out=stands_out,
        slip=_slip(reported, table.total),
        known=answer,
    )


def what_stands_out(
    listed: Sequence[tuple[Solution, float]], answer: IndexAnswer | None, chance: Chance
) -> tuple[bool, IndexAnswer | None]:
    """Return whether the first solution stands out, and the answer of the index, each seen beside the other.

    A solution and a known network of another count are rivals: only the one that is clearly likelier stands out.
    """
    stands_out = chance.stands_out(listed)
    if not stands_out or answer is None or not answer.matches or answer.matches[0].chance > STANDS_OUT:
        return stands_out, answer
    rival, (first, odds) = answer.matches[0], listed[0]
    if first.total == rival.total:  # the edit makes the known network
        return True, answer
    likelier = clearly_likelier(odds, rival.chance)
    return likelier > 0, replace(answer, stands_out=answer.stands_out and likelier < 0)


def known_answer(reported: ReportedNumber, chance: Chance) -> IndexAnswer:
    """Return which known networks have the reported number, and whether the first is more than chance."""
    assert chance.known is not None
    numbers = chance.rows
    met = [
        (cost, match)
        for cost, match in chance.known.meeting(reported)
        if not any(number.contradicts(match.network) for number in numbers)
    ]
    odds = {cost: chance.of_known(cost, reported) for cost in {cost for cost, _ in met}}
    first = [match for cost, match in met if cost == met[0][0]]
    return IndexAnswer(
        matches=tuple(replace(match, chance=odds[cost]) for cost, match in met),
        nearest=nearest_networks(reported),
        versions=network_index().versions,
        stands_out=bool(met) and odds[met[0][0]] <= STANDS_OUT and len({match.total for match in first}) == 1,
    )


def _slip(reported: ReportedNumber, total: int) -> NumberSlip | None:
    """Return the slip of the pen that gives the network's own number, where few numbers are as near."""
    slip = None if reported.readings(total) else find_slip(reported, total)
    return slip if slip is not None and slip.chance <= STANDS_OUT else None


class _Judge:
    """What excludes a solution, what the other rows and chance say of it, and whether it can be built."""

    def __init__(
        self,
        ref: ModelRef,
        model: nn.Module,
        table: ParamTable,
        chance: Chance,
    ) -> None:
        self._ref, self._model, self._table, self.chance = ref, model, table, chance

    def split(self, solutions: Sequence[Solution]) -> tuple[list[Solution], list[Solution]]:
        """Return the solutions that keep what is stated, and those that do not, the likeliest first."""
        kept = [solution for solution in solutions if not self._excluded(solution)]
        kept.sort(
            key=lambda solution: (sum(not fits for _, _, fits, _ in self._rows(solution)), likeliest_first(solution))
        )
        excluded = [solution for solution in solutions if self._excluded(solution)]
        excluded.sort(
            key=lambda solution: (len(solution.edits), solution.convention is not PLAIN, likeliest_first(solution))
        )
        return kept, excluded

    def first_at(self, precision: ReportedNumber) -> tuple[ReportedNumber, GapSolution | None]:
        """Return another precision of the reported number, with the solution that stands first there."""
        kept, _ = self.split(search(self.chance.space, precision, most_cost=_COST_OF_OTHER_PRECISIONS))
        return precision, self.described(kept[0], self.chance.of(kept[0], precision)) if kept else None

    def described(self, solution: Solution, chance: float) -> GapSolution:
        """Return the solution as a value, really built where that can be done."""
        verified, how, command = verify(solution, self._ref, self._model, self._table)
        sources = [edit.source for edit in solution.edits if edit.source]
        rows = self._rows(solution)
        convention_source = [solution.convention.source] if solution.convention.source else []
        return GapSolution(
            total=solution.total,
            value=solution.value,
            convention=solution.convention.text,
            edits=tuple(edit.text for edit in solution.edits),
            cost=solution.cost,
            fits=solution.fits,
            notes=tuple(filter(None, (*(edit.note for edit in solution.edits), *(note for *_, note in rows)))),
            source="; ".join([*sources, *convention_source]),
            verified=verified,
            how_verified=how if verified else "",
            model=command if verified else "",
            excluded=self._excluded(solution),
            also=tuple((name, count, fits) for name, count, fits, _ in rows),
            chance=chance,
        )

    def _excluded(self, solution: Solution) -> tuple[StatedFact, ...]:
        return tuple(stated for stated in self.chance.stated if stated.facet in solution.facets)

    def _rows(self, solution: Solution) -> tuple[tuple[str, int, bool, str], ...]:
        in_second_order = self.chance.in_second_order
        return tuple((row.text, *row.judge(solution, in_second_order=in_second_order)) for row in self.chance.rows)


def _units(layout: Layout, total: int, reported: ReportedNumber) -> tuple[GapUnit, ...]:
    """Return what plain single edits add, and how many of each the gap is under either reading."""
    up = sum(reported.rounded) > 2 * total
    units = []
    for edit in _plain_edits(layout):
        edited = edit.apply(layout)
        added = PLAIN.total(edited.counts()) - total if edited is not None else 0
        if added and (added > 0) == up:
            rounded, truncated = (
                sorted((bound - total) / added for bound in reading)
                for reading in (reported.rounded, reported.truncated)
            )
            units.append(GapUnit(edit.text, added, (rounded[0], rounded[1]), (truncated[0], truncated[1])))

    def strangeness(unit: GapUnit) -> tuple[bool, float]:
        low, high = unit.rounded
        whole = math.floor(high) >= max(1, math.ceil(low))
        return not whole, abs(math.log(max(high, 1e-9)))

    return tuple(sorted(units, key=strangeness)[:MOST_UNITS])


def _plain_edits(layout: Layout) -> list[Edit]:
    """Return the edits that serve as units: one layer more or fewer per block, one block in one stage."""
    made: list[Edit] = []
    for family in (*(FAMILIES[name] for name in _UNIT_FAMILIES), STRUCTURES["blocks per stage"]):
        edits = family(layout)
        made += [] if isinstance(edits, str) else edits
    depth = sum(layout.blocks_per_stage())
    single = (edit for edit in made if edit.cost == 1.0 or edit.family == "fewer layers per block")
    return [edit for edit in single if abs(sum(dict(edit.parameters).get("blocks", (depth,))) - depth) <= 1]
