"""Word the findings: sentences from their facts, and names of places."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from diagnose.diff.explain.facts import (
    AttributeChanges,
    BlockChain,
    ConstantChange,
    ExtraArgument,
    Facts,
    GradedNumber,
    HadamardTerm,
    InputChange,
    InputOrder,
    OperationChain,
    ShapeChange,
    SharedWeight,
    StochasticDepthRate,
    Term,
)
from diagnose.diff.ir.graph import Node
from diagnose.values import DifferenceKind

MOST = 12
"""Operations that a sentence lists at most."""

Part = str | GradedNumber
"""A part of a sentence: words, or a number that becomes a range when several changes share the sentence."""

VERBS = {
    DifferenceKind.ADDED: "added",
    DifferenceKind.REMOVED: "removed",
    DifferenceKind.BLOCK_ADDED: "added",
    DifferenceKind.BLOCK_REMOVED: "removed",
    DifferenceKind.TERM_ADDED: "added",
    DifferenceKind.TERM_REMOVED: "removed",
}


def sentence(kind: DifferenceKind, members: Sequence[Facts]) -> str:
    """Return one sentence for changes with equal facts, with the range of each graded number."""
    columns = zip(*(_parts(kind, facts) for facts in members), strict=True)
    return "".join(_ranged([part for part in column if isinstance(part, GradedNumber)]) or str(column[0])
                   for column in columns)  # fmt: skip


def _ranged(numbers: Sequence[GradedNumber]) -> str:
    values = sorted(number.value for number in numbers)
    if not values or values[0] == values[-1]:
        return str(values[0]) if values else ""
    return f"{values[0]} to {values[-1]}"


def _parts(kind: DifferenceKind, facts: Facts) -> list[Part]:
    verb = VERBS.get(kind, "")
    match facts:
        case OperationChain(a, b) if kind is DifferenceKind.REPLACED:
            return [*_chain(a), " replaced by ", *_chain(b)]
        case OperationChain(a, _) if kind is DifferenceKind.MOVED:
            return [*_chain(a), " stands in another place"]
        case OperationChain(a, b):
            return [*_chain(a or b), f" {verb}"]
        case StochasticDepthRate(rate):
            return ["stochastic depth", *((" at rate ", rate) if rate is not None else ()), f" {verb}"]
        case BlockChain(terms, repeats):
            which = f" (one of {repeats} equal ones; which one is undecidable)" if repeats > 1 else ""
            return [f"block {verb}{which}: ", *_chain(terms)]
        case HadamardTerm(around):
            return [f"the Hadamard term {_wrapped(around)} {verb}"]
        case ExtraArgument(word, names, side):
            return [f"{word} has a {' and a '.join(names)} in {side} alone"]
        case AttributeChanges():
            return _attributes(facts)
        case ShapeChange(word, a, b):
            if kind is DifferenceKind.WIDTH:
                return [f"{word}: weight {shown(a)} → {shown(b)}"]
            return [f"{word}: draws {shown(a)} numbers → {shown(b)}"]
        case ConstantChange(name, words):
            return [f"constant{' ' if name else ''}{name}: {words}"]
        case InputOrder(word):
            return [f"{word} reads its inputs in another order"]
        case InputChange(word, words_a, words_b):
            return [f"{word} reads other values: {_several(words_a)} → {_several(words_b)}"]
        case SharedWeight(side, count):
            return [f"one weight in {side} is {count} in {'B' if side == 'A' else 'A'}"]


def _chain(terms: Sequence[Term]) -> list[Part]:
    """Return the words of operations with their numbers, the first ones where there are many."""
    parts: list[Part] = []
    for term in terms[:MOST]:
        number = [f" ({term.attribute} ", _part(term.number), ")"] if term.attribute else []
        parts += [", " if parts else "", term.word, *number]
    return [*parts, f" and {len(terms) - MOST} more"] if len(terms) > MOST else parts


def _several(words: Sequence[str]) -> str:
    return "".join(map(str, _chain([Term(word) for word in words])))


def _attributes(facts: AttributeChanges) -> list[Part]:
    parts: list[Part] = [f"{facts.word}: "]
    for index, change in enumerate(facts.changes):
        parts += [", " if index else "", f"{change.name} ", _part(change.a), " → ", _part(change.b)]
    return parts


def _part(value: Hashable) -> Part:
    return value if isinstance(value, GradedNumber) else shown(value)


def _wrapped(words: Sequence[str]) -> str:
    wrapped = "a ⊙ b"
    for word in words:
        wrapped = f"{word}({wrapped})"
    return wrapped


def shown(value: object) -> str:
    """Return an attribute's value as it is written in a finding."""
    if isinstance(value, tuple):
        return "×".join(map(str, value)) or "()"
    return "none" if value is None else str(value)


def place(nodes: Sequence[Node]) -> str:
    """Return the path of the module that holds all nodes."""
    paths = list(dict.fromkeys(node.module_path for node in nodes if node.op != "constant")) or [""]
    if len(paths) == 1:
        return paths[0] or "the network itself"
    parts = [path.split(".") for path in paths]
    common: list[str] = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    inner = [path for path in paths if path != ".".join(common)]
    if len(inner) == 1:
        return inner[0]
    return ".".join(common) or ", ".join(paths[:3])


def joined(a: Node, b: Node) -> str:
    """Return the place of an operation in A and in B, once where they are the same."""
    place_a, place_b = a.module_path or "the network itself", b.module_path or "the network itself"
    return place_a if place_a == place_b else f"{place_a} ↔ {place_b}"


def sources(nodes: Sequence[Node]) -> tuple[str, ...]:
    """Return the first two lines of source, "file:line", that made the operations."""
    return tuple(dict.fromkeys(node.source for node in nodes if node.source))[:2]
