"""The two module trees side by side, rows aligned by what the modules compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from torch import nn

from diagnose.diff.align.align import Alignment
from diagnose.diff.explain.change import Change
from diagnose.values import Significance, TreeRow

Mark = tuple[Significance | None, str]
SAME: Mark = (None, "")


def module_tree(
    a: nn.Module, b: nn.Module, alignment: Alignment, found: Sequence[tuple[Change, str]]
) -> tuple[TreeRow, ...]:
    """Return the rows of both trees: modules whose operations are matched share a row.

    A row is folded where nothing at or under it is more than cosmetic.
    """
    partners = _partners(alignment)
    side_a, side_b = _Side(a, _paths(alignment, 0)), _Side(b, _paths(alignment, 1))
    side_a.marks, side_b.marks = _marks(alignment, found)
    side_a.partners, side_b.partners = partners, {theirs: mine for mine, theirs in partners.items()}
    rows = [_row(side_a, side_b, "", "", 0), *_merged(side_a, side_b, (side_a.children(""), side_b.children("")), 1)]
    return tuple(_folded(rows))


@dataclass(slots=True)
class _Side:
    """One module tree: its marks, the paths of the modules that compute something, and the partners of its modules."""

    module: nn.Module
    computing: frozenset[str]
    marks: dict[str, Mark] = field(default_factory=dict)
    partners: dict[str, str] = field(default_factory=dict)

    def children(self, path: str) -> list[str]:
        """Return the paths of the modules registered in one, in order."""
        names = self.module.get_submodule(path)._modules
        return [f"{path}.{name}" if path else name for name, child in names.items() if child is not None]

    def inside(self, path: str, paths: Iterable[str]) -> list[str]:
        """Return those paths of the other tree whose partner is inside a module."""
        held = {theirs for mine, theirs in self.partners.items() if mine.startswith(f"{path}.")}
        return [own_path for own_path in paths if own_path in held]

    def text(self, path: str) -> str:
        """Return a module as it is printed in its parent."""
        child = self.module.get_submodule(path)
        last = path.rpartition(".")[2]
        detail = child.extra_repr() if not list(child.children()) else ""
        text = f"{type(child).__name__}({detail})"
        return f"{last}: {text}" if last else text

    def alone(self, path: str) -> Mark:
        """Return the mark of a module without a partner: what differs there, or that it computes nothing."""
        if path in self.marks:
            return self.marks[path]
        if any(own_path == path or own_path.startswith(f"{path}.") for own_path in self.computing):
            return SAME
        return Significance.COSMETIC, "nothing of it is left in the canonical form"


def _merged(a: _Side, b: _Side, paths: tuple[list[str], list[str]], depth: int) -> list[TreeRow]:
    """Return the rows of two lists of modules and of all below them, in the order of A."""
    units = _units(a, b, *paths)
    rows: list[TreeRow] = []
    waiting = list(paths[1])
    used = {name for _, theirs in units for name in theirs}
    for mine, theirs in units:
        if theirs and theirs[0] in waiting:
            before = [child for child in waiting[: waiting.index(theirs[0])] if child not in used]
            rows += [row for child in before for row in _alone(a, b, None, child, depth)]
            waiting = [child for child in waiting if child not in (*before, *theirs)]
        rows += _unit(a, b, mine, theirs, depth)
    return rows + [row for child in waiting if child not in used for row in _alone(a, b, None, child, depth)]


def _units(a: _Side, b: _Side, mine: list[str], theirs: list[str]) -> list[tuple[list[str], list[str]]]:
    """Return the modules that share rows: a pair, a module with those that it wraps, or a module alone."""
    pairs = {name: a.partners[name] for name in mine if a.partners.get(name) in theirs}
    for name in mine:
        same = [child for child in theirs if child.rpartition(".")[2] == name.rpartition(".")[2]]
        if name not in a.partners and same and same[0] not in b.partners and same[0] not in pairs.values():
            pairs[name] = same[0]
    rest_a = [name for name in mine if name not in pairs]
    rest_b = [name for name in theirs if name not in pairs.values()]
    wrapped = {child: inner for child in rest_b if (inner := b.inside(child, rest_a))}
    inner_a = {name: child for child, names in wrapped.items() for name in names}
    free = [name for name in rest_b if name not in wrapped]
    wraps = {name: inner for name in rest_a if name not in inner_a and (inner := a.inside(name, free))}
    units: list[tuple[list[str], list[str]]] = []
    for name in mine:
        if name in inner_a:
            group = [child for child in rest_a if inner_a.get(child) == inner_a[name]]
            if group[0] == name:
                units.append((group, [inner_a[name]]))
        else:
            units.append(([name], [pairs[name]] if name in pairs else wraps.get(name, [])))
    return units


def _unit(a: _Side, b: _Side, mine: list[str], theirs: list[str], depth: int) -> list[TreeRow]:
    if not theirs:
        return _alone(a, b, mine[0], None, depth)
    around = bool(b.inside(theirs[0], mine))
    if not around and not a.inside(mine[0], theirs):
        inner = a.children(mine[0]), b.children(theirs[0])
        return [_row(a, b, mine[0], theirs[0], depth), *_merged(a, b, inner, depth + 1)]
    if around:
        head, inner = _row(a, b, None, theirs[0], depth), (mine, b.children(theirs[0]))
    else:
        head, inner = _row(a, b, mine[0], None, depth), (a.children(mine[0]), theirs)
    return [replace(head, verdict=Significance.COSMETIC, note="wraps what follows"), *_merged(a, b, inner, depth + 1)]


def _alone(a: _Side, b: _Side, mine: str | None, theirs: str | None, depth: int) -> list[TreeRow]:
    side, path = (a, mine) if mine is not None else (b, theirs or "")
    rows = [_row(a, b, mine, theirs, depth)]
    for child in side.children(path):
        rows += _alone(a, b, child if mine is not None else None, None if mine is not None else child, depth + 1)
    return rows


def _row(a: _Side, b: _Side, mine: str | None, theirs: str | None, depth: int) -> TreeRow:
    if mine is not None and theirs is not None:
        mark = a.marks.get(mine) or b.marks.get(theirs) or SAME
    else:
        mark = a.alone(mine) if mine is not None else b.alone(theirs or "")
    text_a, text_b = (None if path is None else side.text(path) for side, path in ((a, mine), (b, theirs)))
    return TreeRow(depth, text_a, text_b, *mark)


def _folded(rows: Sequence[TreeRow]) -> list[TreeRow]:
    """Fold the rows below which nothing is real or undetermined, and do not repeat a parent's note."""
    result: list[TreeRow] = []
    loud = False
    opened: dict[int, bool] = {}
    for row in reversed(rows):
        loud = row.verdict in (Significance.REAL, Significance.UNDETERMINED) or opened.pop(row.depth + 1, False)
        opened = {depth: value for depth, value in opened.items() if depth <= row.depth}
        opened[row.depth] = opened.get(row.depth, False) or loud
        result.append(replace(row, folded=not loud and row.depth > 0))
    notes: list[str] = []
    for index, row in enumerate(result := result[::-1]):
        del notes[row.depth :]
        if row.note and row.note in notes:
            result[index] = replace(row, note="")
        notes += [""] * (row.depth - len(notes)) + [row.note or (notes[-1] if notes else "")]
    return result


def _paths(alignment: Alignment, index: int) -> frozenset[str]:
    side = (alignment.a, alignment.b)[index]
    return frozenset(node.module_path for node in side.graph.nodes if node.module_path)


def _partners(alignment: Alignment) -> dict[str, str]:
    """Return for each module of A the module of B that holds most of the partners of its operations."""
    votes: dict[str, Counter[str]] = {"": Counter({"": 1})}
    for node_a, node_b in alignment.to_b.items():
        mine = alignment.a.graph.nodes[node_a].module_path.split(".")
        theirs = alignment.b.graph.nodes[node_b].module_path.split(".")
        for level in range(min(len(mine), len(theirs))):
            path = ".".join(mine[: len(mine) - level]), ".".join(theirs[: len(theirs) - level])
            if path[0] and path[1]:
                votes.setdefault(path[0], Counter())[path[1]] += 1
    partners: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(votes, key=lambda name: -max(votes[name].values())):
        best = next((candidate for candidate, _ in votes[name].most_common() if candidate not in taken), None)
        if best is not None:
            partners[name] = best
            taken.add(best)
    return partners


def _marks(alignment: Alignment, found: Sequence[tuple[Change, str]]) -> tuple[dict[str, Mark], dict[str, Mark]]:
    marks: tuple[dict[str, Mark], dict[str, Mark]] = ({}, {})
    for change, mode in found:
        if mode != "train":
            continue
        for side, nodes, graph in ((0, change.nodes_a, alignment.a.graph), (1, change.nodes_b, alignment.b.graph)):
            for node in nodes:
                marks[side].setdefault(graph.nodes[node].module_path, (change.verdict, change.message))
    return marks
