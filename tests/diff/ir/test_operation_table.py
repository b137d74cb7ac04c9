"""The table of operations: one row says all that the engine knows of one."""

import pytest
import torch

from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.interpreter import run_operation
from diagnose.diff.ir.operation_table import OPERATIONS, ROWS, operation


def test_an_operation_has_one_row() -> None:
    assert len(OPERATIONS) == len(ROWS)


def test_a_row_holds_for_overloads_only_where_it_says_so() -> None:
    assert operation("conv2d.padding").is_layer
    assert operation("bernoulli.float").draws
    assert operation("add").commutative
    assert not operation("add.Tensor").commutative  # its second operand may have a factor


def test_an_operation_is_not_taken_for_one_whose_name_begins_alike() -> None:
    assert operation("ge.Scalar").comparison == "≥"
    assert not operation("gelu").comparison
    assert operation("linear").is_layer
    assert not operation("linear_backward").is_layer


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_view or row.elementwise], ids=lambda row: row.name)
def test_what_is_a_view_or_elementwise_is_that_when_it_runs(row) -> None:
    x = torch.rand(2, 3, 4, dtype=torch.float64) + 0.1
    attributes = {"dim": 1, "start": 0, "stop": 2, "split": (2, 3, 4), "order": (2, 0, 1), "factor": 2.0,
                  "amount": 1.0, "exponent": 2.0, "approximate": "none", "negative_slope": 0.1, "min": 0.2, "max": None,
                  "slots": (("self", "t"),)}  # fmt: skip
    shape = {"slice": (2, 2, 4), "rearrange": (4, 2, 3)}.get(row.name, (2, 3, 4))

    def run(value):
        return run_operation(Node(0, row.name, "", tuple(attributes.items()), (0,), shape), [value])

    if row.is_view:
        assert set(run(x).flatten().tolist()) <= set(x.flatten().tolist())
    else:
        assert torch.equal(run(x.permute(2, 0, 1)), run(x).permute(2, 0, 1))
