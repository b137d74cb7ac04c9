"""The kinds of claim that a case file may state. A new one is one file and one entry here."""

from __future__ import annotations

from diagnose.case.kind import Kind
from diagnose.case.kinds import (
    accuracy,
    cause,
    gap,
    norm_kind,
    operation_count,
    parameter_count,
    polynomial_degree,
    recipe,
    same_function,
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        parameter_count.KIND,
        gap.KIND,
        same_function.KIND,
        cause.KIND,
        norm_kind.KIND,
        polynomial_degree.KIND,
        recipe.KIND,
        accuracy.KIND,
        operation_count.KIND,
    )
}
"""Every kind by its name; nothing here loads torch before something is measured."""
