"""Find the changes of matched operations: in attributes, random draws, shapes of weights, and inputs."""

from __future__ import annotations

from dataclasses import replace

from diagnose.diff.align.align import Alignment
from diagnose.diff.align.regions import Pair
from diagnose.diff.explain.change import BY_RATE, Change, significance_of
from diagnose.diff.explain.facts import (
    AttributeChange,
    AttributeChanges,
    ExtraArgument,
    Facts,
    InputChange,
    InputOrder,
    ShapeChange,
    graded,
    word,
)
from diagnose.diff.explain.phrases import joined, sources
from diagnose.diff.ir.digest import label_attributes
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base, operation
from diagnose.diff.proof.localise import Observation
from diagnose.values import DifferenceKind, Significance

BY_DRAW = ("a random operation is compared by what it draws, not by numbers",)
OTHER_SHAPES = ("the weights have other shapes",)


def pair_changes(alignment: Alignment, pair: Pair, seen: Observation | None, *, balanced: bool) -> list[Change]:
    """Return the changes of two matched operations by themselves.

    Where both networks have as many parameters, `balanced`, another shape of a weight may be another way to hold it.
    """
    return [
        *_arguments(alignment, pair, seen),
        *_attributes(alignment, pair, seen),
        *_draws(alignment, pair),
        *_width(alignment, pair, seen, balanced=balanced),
    ]


def _nodes(alignment: Alignment, pair: Pair) -> tuple[Node, Node]:
    return alignment.a.graph.nodes[pair[0]], alignment.b.graph.nodes[pair[1]]


def _change(
    alignment: Alignment, pair: Pair, kind: DifferenceKind, facts: Facts,
    judged: tuple[Significance, tuple[str, ...]], *, certain: bool = False,
) -> Change:  # fmt: skip
    """Return a change of two matched operations; `judged` is its verdict and the evidence for it."""
    a, b = _nodes(alignment, pair)
    evidence = (*judged[1], *sources([a, b]))
    return Change(kind, judged[0], facts, joined(a, b), evidence, (pair[0],), (pair[1],), certain)


def _judged(seen: Observation | None) -> tuple[Significance, tuple[str, ...]]:
    return significance_of([seen] if seen else [])


def _extra_arguments(a: Node, b: Node) -> tuple[str, ...]:
    """Return the names of the inputs that one of two operations has alone."""
    if len(a.inputs) == len(b.inputs) or a.get("slots") is None:
        return ()
    return tuple(sorted({name for name, _ in a.get("slots")} ^ {name for name, _ in b.get("slots") or ()}))


def _arguments(alignment: Alignment, pair: Pair, seen: Observation | None) -> list[Change]:
    a, b = _nodes(alignment, pair)
    names = _extra_arguments(a, b)
    if not names:
        return []
    facts = ExtraArgument(word(a), names, "A" if len(a.inputs) > len(b.inputs) else "B")
    return [_change(alignment, pair, DifferenceKind.ATTRIBUTE, facts, _judged(seen))]


def _attributes(alignment: Alignment, pair: Pair, seen: Observation | None) -> list[Change]:
    a, b = _nodes(alignment, pair)
    mine, theirs = dict(label_attributes(a)), dict(label_attributes(b))
    left_out = {"slots", *_extra_arguments(a, b)}
    different = sorted(name for name in {*mine, *theirs} - left_out if mine.get(name) != theirs.get(name))
    if not different:
        return []
    changes = tuple(AttributeChange(name, graded(name, mine.get(name)), theirs.get(name))
                    for name in different)  # fmt: skip
    certain = bool(_rates(a) & set(different))
    judged = (Significance.REAL, BY_RATE) if certain else _judged(seen)
    facts = AttributeChanges(word(a), changes)
    change = _change(alignment, pair, DifferenceKind.ATTRIBUTE, facts, judged, certain=certain)
    return [replace(change, sizes=not certain and seen is not None and seen.other_size)]


def _rates(node: Node) -> set[str]:
    """Return the attributes that are rates at which an operation draws: the p of a distance is none."""
    return {"p", "dropout_p"} if operation(node.op).draws else {"dropout_p"}


def _draws(alignment: Alignment, pair: Pair) -> list[Change]:
    """Return the change of a mask's shape: one number for each sample, for each channel, for each element."""
    a, b = _nodes(alignment, pair)
    if base(a.op) != "bernoulli" or [size == 1 for size in a.shape] == [size == 1 for size in b.shape]:
        return []
    facts, judged = ShapeChange(word(a), a.shape, b.shape), (Significance.REAL, BY_DRAW)
    return [_change(alignment, pair, DifferenceKind.ATTRIBUTE, facts, judged, certain=True)]


def _width(alignment: Alignment, pair: Pair, seen: Observation | None, *, balanced: bool) -> list[Change]:
    """Return the change of a weight's shape. Other shapes of activations alone are a consequence, and no change."""
    a, b = _nodes(alignment, pair)
    mine = [alignment.a.graph.nodes[value].shape for value in a.inputs if alignment.a.weights[value]]
    theirs = [alignment.b.graph.nodes[value].shape for value in b.inputs if alignment.b.weights[value]]
    if not mine or not theirs or mine[0] == theirs[0]:
        return []
    facts = ShapeChange(word(a), mine[0], theirs[0])
    judged = _judged(seen) if balanced else (Significance.REAL, OTHER_SHAPES)
    return [_change(alignment, pair, DifferenceKind.WIDTH, facts, judged, certain=not balanced)]


def wiring_changes(alignment: Alignment, pair: Pair, seen: Observation) -> list[Change]:
    """Return the change of two matched operations that do not read the same values."""
    a, _ = _nodes(alignment, pair)
    mine = [alignment.to_b.get(value, -1) for value in alignment.a.inputs(pair[0])]
    theirs = alignment.b.inputs(pair[1])
    facts: Facts = InputOrder(word(a))
    if sorted(mine) != sorted(theirs):
        words_a = tuple(word(alignment.a.graph.nodes[value]) for value in alignment.a.inputs(pair[0]))
        facts = InputChange(word(a), words_a, tuple(word(alignment.b.graph.nodes[value]) for value in theirs))
    elif mine == theirs or not alignment.a.position_matters(pair[0]):
        return []
    return [_change(alignment, pair, DifferenceKind.WIRING, facts, significance_of([seen]))]
