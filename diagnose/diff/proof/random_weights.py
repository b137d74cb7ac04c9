"""Randomness under control: weights for a proof, and the sample of every random operation that lets everything survive.

A zero-initialised head or last norm makes any two networks agree, so that a proof first fills all weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from diagnose.diff.ir.operation_table import operation
from diagnose.diff.ir.skeleton import Skeleton
from diagnose.diff.proof.doubles import call_in_double
from diagnose.values import InputSpec


class ProofArithmetic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within this mode nothing is dropped, and all is computed in float64, also where a network asks for float32.

    A Bernoulli draw is 1, a uniform or normal one ½: with it, u < 0.9, u > 0.1 and ⌊0.9 + u⌋ all keep, at any rate
    below one half.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func._opname
        if kwargs.get("generator") is not None:
            return func(*args, **kwargs)  # drawn on purpose
        if operation(name.removesuffix("_")).draws:
            return self._drawn(func, name, args, kwargs)
        return call_in_double(func, args, kwargs)

    def _drawn(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        if name == "native_dropout":
            rate = float(args[1]) if args[2] is not False else 0.0
            return args[0] / (1.0 - rate), torch.ones_like(args[0], dtype=torch.bool)
        row = operation(name.removesuffix("_"))
        if row.sample is None:
            return call_in_double(func, args, kwargs)
        if name.endswith("_"):
            return torch.ops.aten.fill_.Scalar(args[0], row.sample)
        return torch.full_like(call_in_double(func, args, kwargs), row.sample)


def roles(skeletons: Iterable[Skeleton]) -> dict[str, str]:
    """Return for each weight the argument that it is of the first operation that reads it: "weight", "running_var"."""
    found: dict[str, str] = {}
    for skeleton in skeletons:
        for node in skeleton.graph.nodes:
            names = [name for name, _ in node.get("slots") or ()]
            if len(names) != len(node.inputs):
                continue
            for name, value in zip(names, node.inputs, strict=True):
                leaf = skeleton.graph.nodes[value]
                if operation(leaf.op).is_weight:
                    found.setdefault(leaf.name, f"norm {name}" if operation(node.op).is_norm else name)
    return found


def fill(state: dict[str, Tensor], kinds: dict[str, str], generator: torch.Generator) -> None:
    """Fill weights and running statistics with random numbers that keep activations near unit scale."""
    with torch.no_grad():
        for name, tensor in state.items():
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            kind = kinds.get(name, "")
            if kind in ("norm weight", "norm running_var"):
                tensor.copy_(0.5 + noise.abs().clamp(max=2.0) * 0.5)
            elif kind in ("norm bias", "norm running_mean", "bias"):
                tensor.copy_(0.3 * noise)
            elif tensor.ndim < 2:
                tensor.copy_(0.5 + 0.5 * noise)
            else:
                fan_in = max(1, tensor[0].numel())
                tensor.copy_(noise * (1.4 / fan_in**0.5))


def samples(
    inputs: Iterable[InputSpec], generator: torch.Generator, dtype: torch.dtype, scale: float = 1.0
) -> tuple[Tensor, ...]:
    """Return random inputs: normal numbers in `dtype` for a float, whole numbers below the input's bound else."""
    made = []
    for spec in inputs:
        if spec.dtype.startswith(("float", "bfloat")):
            made.append((scale * torch.randn(spec.shape, generator=generator, dtype=torch.float64)).to(dtype))
        elif spec.dtype == "bool":
            made.append(torch.rand(spec.shape, generator=generator) < 0.5)
        else:
            made.append(torch.randint(0, spec.below, spec.shape, generator=generator, dtype=getattr(torch, spec.dtype)))
    return tuple(made)


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Return a module's parameters and buffers by every name that they have."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
