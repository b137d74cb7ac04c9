"""One call of an operator as a formula sees it, and the work that the formula finds in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor


class OperatorWork(NamedTuple):
    """Multiply-accumulates, and operations beside them."""

    macs: int = 0
    operations: int = 0


class Call(NamedTuple):
    """An operator's arguments in the order of its schema, those that are keyword-only, and what it returned."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any

    def arg(self, index: int, default: Any = None) -> Any:
        """Return a positional argument, or `default` where the call left it out."""
        return self.args[index] if len(self.args) > index else default

    @property
    def out(self) -> Tensor:
        """Return the first tensor of the result."""
        return next(tensors_in(self.result))


Formula = Callable[[Call], OperatorWork | None]
"""The work of a call, or None where the shapes do not tell it."""


@dataclass(frozen=True, slots=True)
class OperatorFormula:
    """An operator's kind and formula; a product's two factors begin at the argument `factors`."""

    kind: str
    formula: Formula
    factors: int = 0


def per_element(operations: int) -> Formula:
    """Return the formula of an operator with a fixed number of operations per element of its output."""
    return lambda call: OperatorWork(0, operations * call.out.numel())


def per_read(operations: int) -> Formula:
    """Return the formula of an operator with a fixed number of operations per element of its first operand."""
    return lambda call: OperatorWork(0, operations * call.args[0].numel())


def nothing(call: Call) -> OperatorWork:
    """Return no work: the operator moves, selects or makes values and computes none."""
    return OperatorWork()


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Yield the tensors among arguments or results, in lists, tuples and dictionaries too."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from tensors_in(value)
    elif isinstance(values, dict):
        yield from tensors_in(list(values.values()))
