"""Two parameter tables side by side: tensors matched by role (stage, block, kind, shape), never by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diagnose.values import ParamRow, ParamTable


@dataclass(frozen=True, slots=True)
class ParameterDifference:
    """What one of two models has and the other has not: `parameters` is positive where B has it."""

    stage: str
    what: str
    blocks: int
    parameters: int


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Parameters per stage and kind of A and B, and the differences that make up the gap between the totals."""

    cells: tuple[tuple[str, str, int, int], ...]
    differences: tuple[ParameterDifference, ...]


Role = tuple[str, int]
"""A stage and the number of the block in it, 0 outside blocks."""


def side_by_side(a: ParamTable, b: ParamTable) -> SideBySide:
    """Match two tables and return what differs; the differences add up to B's total minus A's."""
    in_a, in_b = _by_role(a), _by_role(b)
    cells = Counter[tuple[str, str]]()
    counts = ({}, {})  # type: tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]
    for side, table in zip(counts, (a, b), strict=True):
        for row in table.rows:
            key = (row.place.stage, row.kind)
            side[key] = side.get(key, 0) + row.parameters
            cells.setdefault(key, 0)
    order = {stage: i for i, stage in enumerate(_stage_order(a, b))}
    keys = sorted(cells, key=lambda key: order[key[0]])
    roles = sorted({**in_a, **in_b}, key=lambda role: (order[role[0]], role[1]))
    unmatched = [item for role in roles for item in _unmatched(role, in_a.get(role), in_b.get(role))]
    return SideBySide(
        cells=tuple((*key, counts[0].get(key, 0), counts[1].get(key, 0)) for key in keys),
        differences=tuple(_grouped(unmatched)),
    )


def _stage_order(a: ParamTable, b: ParamTable) -> list[str]:
    """Return the stages of both tables: stem, stages with their transitions, heads."""

    def rank(stage: str) -> tuple[int, float]:
        word, _, number = stage.partition(" ")
        if number.isdecimal():
            return (1, int(number) + 0.5 * (word == "transition"))
        return ({"stem": 0, "head": 3, "auxiliary head": 2}.get(stage, 1), 0)

    return sorted(dict.fromkeys(row.place.stage for row in (*a.rows, *b.rows)), key=rank)


def _by_role(table: ParamTable) -> dict[Role, list[ParamRow]]:
    """Return the counted rows of each block, and of each stage outside its blocks."""
    numbers: dict[str, int] = {}
    seen: dict[str, int] = {}
    roles: dict[Role, list[ParamRow]] = {}
    for row in table.rows:
        block = row.place.block
        if block and block not in numbers:
            seen[row.place.stage] = numbers[block] = seen.get(row.place.stage, 0) + 1
        if row.tied_to is None:
            roles.setdefault((row.place.stage, numbers.get(block, 0)), []).append(row)
    return roles


Unmatched = tuple[str, str, int]


def _unmatched(role: Role, a: list[ParamRow] | None, b: list[ParamRow] | None) -> Iterator[Unmatched]:
    """Yield (stage, what, signed parameters) of what has no partner of the same kind and shape in the same role."""
    stage, number = role
    if number and not (a and b):
        rows, sign = (a, -1) if a else (b or [], 1)
        yield stage, f"block {number}", sign * sum(row.parameters for row in rows or [])
        return
    left = Counter((row.kind, row.shape) for row in a or [])
    left.subtract(Counter((row.kind, row.shape) for row in b or []))
    for rows, sign in ((a or [], 1), (b or [], -1)):
        spare = {key: sign * count for key, count in left.items() if sign * count > 0}
        for row in reversed(rows):
            key = (row.kind, row.shape)
            if spare.get(key):
                spare[key] -= 1
                branch = f" in the {row.place.branch} branch" if row.place.branch else ""
                yield stage, f"{row.kind}{branch}", -sign * row.parameters


def _grouped(unmatched: Iterable[Unmatched]) -> Iterator[ParameterDifference]:
    """Yield one difference for what is alike in several stages: a whole block stays by itself."""
    groups: dict[tuple[str, bool], dict[str, int]] = {}
    for stage, what, parameters in unmatched:
        key = (f"{stage}, {what}" if what.startswith("block ") else what, parameters > 0)
        stages = groups.setdefault(key, {})
        stages[stage] = stages.get(stage, 0) + parameters
    for (what, _), stages in groups.items():
        named = ", ".join(stages)
        yield ParameterDifference(named, what, len(stages), sum(stages.values()))
