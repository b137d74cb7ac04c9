"""How an operator is treated: by its formula, as a view, by what it decomposes into, or as one that has no formula."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any

import torch
from torch._ops import OpOverload

from diagnose.flops.formulas import backward, elementwise, layers, products
from diagnose.flops.operator_call import OperatorFormula, per_element

REGISTRY: dict[str, OperatorFormula] = {**products.ENTRIES, **layers.ENTRIES, **elementwise.ENTRIES, **backward.ENTRIES}
"""Operator, as "namespace::name" of any overload, → its kind and formula."""

HIGHER_ORDER: dict[str, OperatorFormula] = {"flex_attention": REGISTRY["aten::_scaled_dot_product_attention_math"]}
"""Operators that take functions, by name; what a score function adds is not looked for."""

POINTWISE = OperatorFormula(layers.ELEMENTWISE, per_element(1))
COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd


class Treatment(Enum):
    """What to do with an operator that has no entry."""

    VIEW = "another shape of the same memory"
    MAYBE_VIEW = "another shape of the same memory, or a copy where that cannot be"
    DECOMPOSED = "counted by what it is made of"
    UNKNOWN = "without a formula"


@cache
def rule(operator: Any) -> OperatorFormula | Treatment:
    """Return the entry of an operator overload, or how it is treated without one.

    An operator in place, `relu_`, has the entry of its name without the underscore.
    """
    if not isinstance(operator, OpOverload):
        return HIGHER_ORDER.get(str(operator), Treatment.UNKNOWN)
    name = operator._schema.name
    entry = REGISTRY.get(name) or REGISTRY.get(name.removesuffix("_"))
    if entry is not None:
        return entry
    if torch.Tag.inplace_view in operator.tags:  # `transpose_` changes the shape that a tensor has of its memory
        return Treatment.VIEW
    composite = operator.has_kernel_for_dispatch_key(COMPOSITE)
    if _is_view(operator):
        return Treatment.MAYBE_VIEW if composite else Treatment.VIEW
    if torch.Tag.pointwise in operator.tags:
        return POINTWISE
    return Treatment.DECOMPOSED if composite else Treatment.UNKNOWN


def _is_view(operator: OpOverload) -> bool:
    """Return whether the schema says that every result aliases an operand and none is written."""
    aliases = [result.alias_info for result in operator._schema.returns]
    return bool(aliases) and all(alias is not None and not alias.is_write for alias in aliases)
