"""Hold what changed as values, without names and places; changes of one kind with equal facts are one edit."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from diagnose.diff.ir.digest import plain_value
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base, operation

NUMBERS = ("factor", "amount", "p", "exponent", "negative_slope")
"""The attributes that are named together with their operation."""

GRADED = ("factor", "p")
"""Those of them that grow from block to block in one edit: a rate of dropping, and the factor that makes up for it."""


@dataclass(frozen=True, slots=True)
class GradedNumber:
    """A number that may grow from block to block in one edit; it is equal to every other one."""

    value: float = field(compare=False)


@dataclass(frozen=True, slots=True)
class Term:
    """An operation as findings name it: its word and, where it has one, the number that says most about it."""

    word: str
    attribute: str = ""
    number: Hashable = None


@dataclass(frozen=True, slots=True)
class OperationChain:
    """Operations of A, of B, or of both, that were removed, added, replaced or moved."""

    a: tuple[Term, ...]
    b: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class StochasticDepthRate:
    """Stochastic depth, and its rate where that is known."""

    rate: GradedNumber | None


@dataclass(frozen=True, slots=True)
class BlockChain:
    """A block of operations, one of `repeats` equal ones in a row."""

    terms: tuple[Term, ...]
    repeats: int


@dataclass(frozen=True, slots=True)
class HadamardTerm:
    """A product of two values, and the words of the operations around it, the innermost first."""

    around: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtraArgument:
    """Arguments that an operation has in one network alone, "A" or "B"."""

    word: str
    names: tuple[str, ...]
    side: str


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """An attribute of an operation, with its values in A and in B.

    Only the value in A may be graded: of two factors that are exchanged, each is a change of its own.
    """

    name: str
    a: Hashable
    b: Hashable


@dataclass(frozen=True, slots=True)
class AttributeChanges:
    """The attributes of an operation that differ."""

    word: str
    changes: tuple[AttributeChange, ...]


@dataclass(frozen=True, slots=True)
class ShapeChange:
    """The shape of what an operation draws, or of the weight that it reads, in A and in B."""

    word: str
    a: tuple[int, ...]
    b: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConstantChange:
    """A constant of both graphs, and in words how B's values differ from A's."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class InputOrder:
    """An operation that reads its inputs in another order."""

    word: str


@dataclass(frozen=True, slots=True)
class InputChange:
    """An operation that reads other values: the words of what it reads in A and in B."""

    word: str
    a: tuple[str, ...]
    b: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedWeight:
    """One weight of a network, "A" or "B", that is `count` weights of the other."""

    side: str
    count: int


Facts = (
    OperationChain
    | StochasticDepthRate
    | BlockChain
    | HadamardTerm
    | ExtraArgument
    | AttributeChanges
    | ShapeChange
    | ConstantChange
    | InputOrder
    | InputChange
    | SharedWeight
)


def word(node: Node) -> str:
    """Return an operation's name, with its window where it has one."""
    if node.op == "mean" and len(node.get("over") or ()) > 1:
        return "average over the map"
    return operation(base(node.op)).word or base(node.op)


def terms(nodes: Sequence[Node]) -> tuple[Term, ...]:
    """Return operations as findings name them; constants only where there is nothing else."""
    computing = [_term(node) for node in nodes if node.op != "constant"]
    return tuple(computing or [Term(word(node)) for node in nodes])


def _term(node: Node) -> Term:
    for name in NUMBERS:
        if node.get(name) is not None:
            return Term(word(node), name, graded(name, plain_value(node.get(name))))
    return Term(word(node))


def graded(name: str, value: Hashable) -> Hashable:
    """Return the value of an attribute, as a graded number where it is one."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return GradedNumber(value) if name in GRADED and is_number else value  # type: ignore[arg-type]
