"""Run the nodes of a graph on numbers: the meaning of every operation of the canonical form.

Random operations take the sample in which everything survives: a dropout scales by 1/(1 − p), a Bernoulli draw is 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.kernels import call_aten, filled
from diagnose.diff.ir.operation_table import operation


@dataclass(slots=True)
class Execution:
    """The results of an execution besides its values: the running statistics after each norm, by node id."""

    statistics: dict[int, tuple[Tensor, ...]] = field(default_factory=dict)


def evaluate(node: Node, inputs: Sequence[Tensor], constants: Mapping[str, Tensor], run: Execution) -> Any:
    """Return the value of one node, or a tuple of values, from those of its inputs.

    Raises:
        RuntimeError, TypeError, ValueError, IndexError: torch refuses the operation on these inputs.
    """
    if node.op == "constant":
        return constants[str(node.get("digest"))]
    if operation(node.op).keeps_statistics:
        return _norm(node, inputs, run)
    return run_operation(node, inputs)


def run_operation(node: Node, inputs: Sequence[Tensor]) -> Any:
    """Return the value of a node that is no leaf and keeps no statistics, from those of its inputs."""
    row = operation(node.op)
    if row.run is not None:
        return row.run(node, inputs)
    if row.sample is not None:
        return filled(node, row.sample)
    return call_aten(node, inputs)


def _norm(node: Node, inputs: Sequence[Tensor], run: Execution) -> Any:
    """Run a norm on copies of its running statistics, and keep the updated copies."""
    names = [name for name, _ in node.get("slots")]
    values = [value.detach().clone() if name.startswith("running") else value
              for name, value in zip(names, inputs, strict=True)]  # fmt: skip
    attributes = tuple((k, 0.0 if k == "momentum" and v is None else v) for k, v in node.attributes)
    result = call_aten(replace(node, attributes=attributes), values)
    run.statistics[node.id] = tuple(
        value for name, value in zip(names, values, strict=True) if name.startswith("running")
    )
    return result
