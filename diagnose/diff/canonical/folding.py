"""Constant folding: what is computed from constants alone is a constant, in float64 as a proof computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from torch import Tensor, no_grad

from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.interpreter import run_operation
from diagnose.diff.ir.kernels import filled
from diagnose.diff.ir.operation_table import base, operation
from diagnose.diff.proof.doubles import doubled
from diagnose.diff.proof.random_weights import ProofArithmetic

MOST = 1 << 20
"""Elements of a constant that is computed, at most."""

GENERATORS = frozenset({"arange", "linspace", "logspace", "eye", "tril_indices", "triu_indices", "scalar_tensor"})
"""The operations that make a constant of numbers alone."""


def folded_value(node: Node, nodes: Sequence[Node], constants: Mapping[str, Tensor]) -> Tensor | None:
    """Return what a node computes where all that it reads is constant; None where it is not, or cannot be run."""
    row = operation(node.op)
    if row.is_leaf or row.draws or row.sample is not None or row.keeps_statistics or prod(node.shape) > MOST:
        return None
    if not node.inputs and base(node.op) not in GENERATORS:
        return None
    values = []
    for value_id in node.inputs:
        value = value_of(nodes[value_id], constants)
        if value is None:
            return None
        values.append(value)
    try:
        with no_grad(), ProofArithmetic():  # type: ignore[no-untyped-call]
            result = run_operation(node, values)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError):
        return None
    if not isinstance(result, Tensor) or tuple(result.shape) != node.shape or not result.numel():
        return None
    return result.contiguous()


def value_of(node: Node, constants: Mapping[str, Tensor]) -> Tensor | None:
    """Return what a constant, or a tensor of one number, holds; None for any other node."""
    if node.op == "fill" and prod(node.shape) <= MOST:
        return filled(node, node.get("value"))
    if node.op != "constant":
        return None
    tensor = constants.get(str(node.get("digest")))
    return None if tensor is None or tensor.is_meta else doubled(tensor)
