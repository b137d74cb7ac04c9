"""The two module trees side by side, rows aligned by what the modules compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from torch import nn

from diagnose.graph.align import Alignment
from diagnose.graph.changes import Change
from diagnose.values import TreeRow, Verdict


def module_tree(
    a: nn.Module, b: nn.Module, alignment: Alignment, found: Sequence[tuple[Change, str]]
) -> tuple[TreeRow, ...]:
    """Return the rows of both trees: modules whose operations are matched share a row."""
    partners = _partners(alignment)
    marks_a, marks_b = _marks(alignment, found)
    rows: list[TreeRow] = []
    names_a, names_b = ([name for name, _ in each.named_modules(remove_duplicate=False)] for each in (a, b))
    waiting = [name for name in names_b if name not in set(partners.values())]
    position = {name: index for index, name in enumerate(names_b)}
    last = -1
    for name in names_a:
        other = partners.get(name)
        if other is not None:
            rows += [_row(None, each, b, marks_b) for each in waiting if last < position[each] < position[other]]
            waiting = [each for each in waiting if not last < position[each] < position[other]]
            last = max(last, position[other])
        if other is None:
            rows.append(_row_a(name, a, marks_a))
        else:
            mark, note = marks_a.get(name) or marks_b.get(other) or (None, "")
            rows.append(TreeRow(_depth(name), _text(a, name), _text(b, other), mark, note, _is_quiet(name, marks_a)))
    return (*rows, *(_row(None, each, b, marks_b) for each in waiting))


def _partners(alignment: Alignment) -> dict[str, str]:
    """Return which module of B does what a module of A does, by most of their operations; parents follow children."""
    votes: dict[str, Counter[str]] = {"": Counter({"": 1})}
    for one, other in alignment.to_b.items():
        mine = alignment.a.graph.nodes[one].module_path.split(".")
        theirs = alignment.b.graph.nodes[other].module_path.split(".")
        for level in range(min(len(mine), len(theirs))):
            path = ".".join(mine[: len(mine) - level]), ".".join(theirs[: len(theirs) - level])
            if path[0] and path[1]:
                votes.setdefault(path[0], Counter())[path[1]] += 1
    partners: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(votes, key=lambda name: -max(votes[name].values())):
        best = next((other for other, _ in votes[name].most_common() if other not in taken), None)
        if best is not None:
            partners[name] = best
            taken.add(best)
    return partners


def _marks(
    alignment: Alignment, found: Sequence[tuple[Change, str]]
) -> tuple[dict[str, tuple[Verdict, str]], dict[str, tuple[Verdict, str]]]:
    marks: tuple[dict[str, tuple[Verdict, str]], dict[str, tuple[Verdict, str]]] = ({}, {})
    for change, mode in found:
        if mode != "train":
            continue
        for side, nodes, graph in ((0, change.nodes_a, alignment.a.graph), (1, change.nodes_b, alignment.b.graph)):
            for node in nodes:
                marks[side].setdefault(graph.nodes[node].module_path, (change.verdict, change.message))
    return marks


def _row_a(name: str, module: nn.Module, marks: dict[str, tuple[Verdict, str]]) -> TreeRow:
    mark, note = marks.get(name, (None, ""))
    return TreeRow(_depth(name), _text(module, name), None, mark, note, _is_quiet(name, marks))


def _row(_: None, name: str, module: nn.Module, marks: dict[str, tuple[Verdict, str]]) -> TreeRow:
    mark, note = marks.get(name, (None, ""))
    return TreeRow(_depth(name), None, _text(module, name), mark, note, _is_quiet(name, marks))


def _is_quiet(name: str, marks: dict[str, tuple[Verdict, str]]) -> bool:
    """Say whether nothing in a module differs, so that it may be folded."""
    return bool(name) and not any(path == name or path.startswith(f"{name}.") for path in marks)


def _depth(name: str) -> int:
    return name.count(".") + 1 if name else 0


def _text(module: nn.Module, name: str) -> str:
    child = module.get_submodule(name)
    last = name.rpartition(".")[2]
    detail = child.extra_repr() if not list(child.children()) else ""
    text = f"{type(child).__name__}({detail})"
    return f"{last}: {text}" if last else text
