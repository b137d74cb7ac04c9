"""The one dispatch mode that sees every operator of a forward or backward pass and tallies its work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from diagnose.flops.formulas.elementwise import MADE, MOVE
from diagnose.flops.formulas.formula_registry import Treatment, rule
from diagnose.flops.formulas.products import PRODUCT
from diagnose.flops.formulas.shapes import known_result
from diagnose.flops.module_stack import ModuleStack
from diagnose.flops.operator_call import Call, OperatorFormula, OperatorWork, tensors_in
from diagnose.params.usage import storage_key

LINEAR, OF_ACTIVATIONS, HADAMARD = "linear", "product of activations", "Hadamard product"

_FACTORS_OF_HADAMARD = {"aten::mul": 0, "aten::multiply": 0, "aten::addcmul": 1}
"""Operators that multiply element by element, and the argument at which their two factors begin."""

Key = tuple[str, str, str, bool]
"""Path, operator, kind, and whether it belongs to the backward pass."""


@dataclass(slots=True)
class Sums:
    """What one operator does in one module, over all its calls."""

    count: int = 0
    macs: int = 0
    operations: int = 0
    elements: int = 0
    read: int = 0
    activation_bytes: int = 0


@dataclass(slots=True)
class UnknownOperator:
    """The calls of an operator without a formula; the keys of `where` are the modules, in order."""

    count: int = 0
    where: dict[str, None] = field(default_factory=dict)
    parameters: bool = False


class Tally(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Run every operator as it is and tally its work by module, operator and kind.

    In inference mode PyTorch hands over composite operators whole (`linear`, `matmul`, `scaled_dot_product_attention`);
    one that has no formula is taken apart. With gradients it hands over their parts.

    `constant` holds the memory of what does not depend on the network's input: parameters, buffers, and what is
    computed from them alone. It tells a Hadamard product from the scaling by a parameter.
    """

    supports_higher_order_operators = True

    def __init__(self, stack: ModuleStack, parameters: Iterable[Tensor], buffers: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sums: dict[Key, Sums] = {}
        self.unknown: dict[str, UnknownOperator] = {}
        self.backward = False
        self._stack = stack
        # The storages are kept alive, so that none of their keys is given to another.
        self._constant = {storage_key(tensor): tensor.untyped_storage() for tensor in (*parameters, *buffers)}
        self._weights = frozenset(map(storage_key, parameters))
        self._of_weights = set(self._weights)  # and what is computed from weights alone: casts, masks, norms of them

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operator and count it."""
        kwargs = kwargs or {}
        treatment = rule(func)
        if treatment is Treatment.VIEW:
            return func(*args, **kwargs)
        if treatment is Treatment.DECOMPOSED:
            with self:
                return func.decompose(*args, **kwargs)
        known = isinstance(treatment, OperatorFormula) and isinstance(func, OpOverload)
        result = known_result(func._schema.name, args) if known else None
        if result is None:
            result = func(*args, **kwargs)
        self._record(func, treatment, Call(args, kwargs, result))
        return result

    def _record(self, func: Any, treatment: OperatorFormula | Treatment, call: Call) -> None:
        given = list(tensors_in((call.args, call.kwargs)))
        results = list(tensors_in(call.result))
        if not results:
            return
        keys = {storage_key(tensor) for tensor in given}
        made = [tensor for tensor in results if storage_key(tensor) not in keys]
        name = _name(func)
        constant = name in MADE or all(key in self._constant for key in keys)
        of_weights = constant and name not in MADE and not keys.isdisjoint(self._of_weights)
        self._follow(results, constant=constant, of_weights=of_weights)
        if treatment is Treatment.MAYBE_VIEW and not made:
            return
        work = None
        if isinstance(treatment, OperatorFormula):
            work = _work(treatment, call)
        elif treatment is Treatment.MAYBE_VIEW:
            work = OperatorWork()
        path = self._stack.of_gradient() if self.backward else self._stack.current()
        if work is None:
            packed = any(isinstance(value, torch.ScriptObject) for value in call.args)  # weights of a quantized layer
            self._set_aside(name, path, reads_weights=packed or not keys.isdisjoint(self._of_weights))
            return
        kind = treatment.kind if isinstance(treatment, OperatorFormula) else "data movement"
        kind = self._refined(kind, name, treatment, call)
        sums = self.sums.setdefault((path, name.rpartition("::")[2], kind, self.backward), Sums())
        sums.count += 1
        sums.macs += work.macs
        sums.operations += work.operations
        sums.elements += results[0].numel()
        sums.read += given[0].numel() if given else 0
        sums.activation_bytes += sum(tensor.numel() * tensor.element_size() for tensor in made)

    def _follow(self, results: Iterable[Tensor], *, constant: bool, of_weights: bool) -> None:
        """Note which results depend on the network's input: memory once constant may be written in place."""
        for tensor in results:
            key = storage_key(tensor)
            if constant:
                self._constant[key] = tensor.untyped_storage()
                if of_weights:
                    self._of_weights.add(key)
            elif key in self._constant and key not in self._weights:
                del self._constant[key]
                self._of_weights.discard(key)

    def _refined(self, kind: str, name: str, treatment: OperatorFormula | Treatment, call: Call) -> str:
        """Return the kind of a product by what its factors are."""
        if kind == PRODUCT and isinstance(treatment, OperatorFormula):
            weighted = any(self._is_constant(factor) for factor in call.args[treatment.factors : treatment.factors + 2])
            return LINEAR if weighted or self.backward else OF_ACTIVATIONS
        if self.backward or name not in _FACTORS_OF_HADAMARD:
            return kind
        begin = _FACTORS_OF_HADAMARD[name]
        a, b = call.args[begin : begin + 2]
        both = isinstance(a, Tensor) and isinstance(b, Tensor) and a.ndim > 0 and a.shape == b.shape
        return HADAMARD if both and not self._is_constant(a) and not self._is_constant(b) else kind

    def _is_constant(self, value: Any) -> bool:
        return not isinstance(value, Tensor) or storage_key(value) in self._constant

    def _set_aside(self, name: str, path: str, *, reads_weights: bool) -> None:
        unknown = self.unknown.setdefault(name, UnknownOperator())
        unknown.count += 1
        unknown.where[path] = None
        unknown.parameters |= reads_weights


def _work(entry: OperatorFormula, call: Call) -> OperatorWork | None:
    """Return the work of a call; None for arithmetic on complex numbers, for which no formula here is written."""
    if entry.kind != MOVE and any(tensor.dtype.is_complex for tensor in tensors_in((call.args, call.result))):
        return None
    try:
        return entry.formula(call)
    except (IndexError, TypeError, ValueError, AttributeError, RuntimeError):
        return None  # an overload with other arguments than the formula knows is listed, not guessed


def _name(func: Any) -> str:
    """Return an operator's name without its overload and without the mark of being in place."""
    schema = getattr(func, "_schema", None)
    if schema is None:
        return str(func)
    name: str = schema.name
    namespace, _, bare = name.rpartition("::")
    return f"{namespace}::{bare.removesuffix('_') or bare}"


def kept_bytes(storages: Iterable[torch.UntypedStorage]) -> int:
    """Return the bytes of memory that the storages stand for, each counted once."""
    return sum({storage._cdata: storage.nbytes() for storage in storages}.values())
