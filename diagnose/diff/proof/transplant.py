"""The proof by numbers: A's weights in B, and then outputs, gradients and buffers side by side, in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from diagnose.diff.proof.distance import PROOF, Distance, distance_between, distances_between, largest_delta
from diagnose.diff.proof.random_weights import DropoutKeepsAll, fill, samples, state_of
from diagnose.diff.weights.mapping import WeightMatch, transplant
from diagnose.networks.process_state import attributes_kept, in_mode
from diagnose.values import InputSpec, Proof, Skipped

INPUTS = 2


@dataclass(slots=True)
class Transplant:
    """The two networks as the proof runs them: copies in one element type, A filled, B holding A's weights."""

    a: nn.Module
    b: nn.Module
    dtype: torch.dtype
    matches: tuple[WeightMatch, ...]


def set_up_transplant(
    a: nn.Module,
    b: nn.Module,
    matches: tuple[WeightMatch, ...],
    kinds: tuple[dict[str, str], dict[str, str]],
    inputs: Sequence[InputSpec],
    *,
    seed: int = 0,
) -> Transplant:
    """Copy both networks in float64, fill A with random numbers and what A does not give B, and transplant."""
    dtype = torch.float64
    copy_a, copy_b = (copy.deepcopy(module).to(dtype) for module in (a, b))
    generator = torch.Generator().manual_seed(seed)
    state_a, state_b = state_of(copy_a), state_of(copy_b)
    fill(_distinct(state_a), kinds[0], generator)
    whole = {id(state_b[match.b.name]) for match in matches if not match.b.views}
    free = {name: tensor for name, tensor in _distinct(state_b).items() if id(tensor) not in whole}
    fill(free, kinds[1], generator)
    _calibrate(copy_a, inputs, generator)
    transplant(matches, state_a, state_b)
    return Transplant(copy_a, copy_b, dtype, matches)


def _calibrate(module: nn.Module, inputs: Sequence[InputSpec], generator: torch.Generator) -> None:
    """Give batch norms the statistics of a batch, so that activations do not grow without bound in eval mode."""
    norms = [layer for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    try:
        with torch.no_grad(), in_mode(module, training=True), DropoutKeepsAll():  # type: ignore[no-untyped-call]
            module(*samples(inputs, generator, torch.float64))
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError):
        return  # the proof itself will say what does not run
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _distinct(state: dict[str, Tensor]) -> dict[str, Tensor]:
    seen: set[int] = set()
    return {name: tensor for name, tensor in state.items() if not (id(tensor) in seen or seen.add(id(tensor)))}  # type: ignore[func-returns-value]


def prove(
    prepared: Transplant, inputs: Sequence[InputSpec], *, seed: int = 0, modes: Sequence[bool] = (True, False)
) -> tuple[Proof, tuple[Skipped, ...]]:
    """Compare outputs in eval and train mode, gradients, and buffers after one step; None where one cannot run.

    Of `modes`, True is train mode, and gradients and buffers belong to it; a mode that is not among them is not run.
    """
    skipped: list[Skipped] = []
    generator = torch.Generator().manual_seed(seed + 1)
    drawn = [samples(inputs, generator, prepared.dtype) for _ in range(INPUTS)]
    evaluated = trained = None
    if False in modes:
        evaluated = _attempt("outputs in eval mode", skipped, lambda: _eval(prepared, drawn))
    if True in modes:
        trained = _attempt("outputs in train mode, gradients and buffers", skipped, lambda: _train(prepared, drawn))
    parts = [evaluated, *(trained or (None, None, None))]
    run = [part for part in parts if part is not None]
    agrees = all(PROOF.holds(*part) for part in run) if run else None
    deltas = [None if part is None else largest_delta(part) for part in parts]
    for name, delta in zip(("outputs in eval mode", "outputs in train mode"), deltas, strict=False):
        if delta == float("inf"):
            skipped.append(Skipped(f"max |Δ| of the {name}", "the outputs have other shapes, or values overflow"))
    evaluation, training, gradients, buffers = (None if delta == float("inf") else delta for delta in deltas)
    proof = Proof("float64", INPUTS, evaluation, training, gradients, buffers, PROOF.atol, PROOF.rtol, agrees)
    return proof, tuple(skipped)


def _attempt(what: str, skipped: list[Skipped], measure: Callable[[], Any]) -> Any:
    try:
        return measure()
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError) as error:
        skipped.append(Skipped(what, f"{type(error).__name__}: {str(error).strip()[:200]}"))
        return None


def _eval(prepared: Transplant, drawn: Sequence[tuple[Tensor, ...]]) -> list[Distance]:
    found: list[Distance] = []
    with torch.no_grad(), in_mode(prepared.a, training=False), in_mode(prepared.b, training=False), DropoutKeepsAll():  # type: ignore[no-untyped-call]
        for tensors in drawn:
            found += distances_between(outputs(prepared.a, tensors), outputs(prepared.b, tensors))
    return found


def _train(
    prepared: Transplant, drawn: Sequence[tuple[Tensor, ...]]
) -> tuple[list[Distance], list[Distance], list[Distance]]:
    """Run one step of both in train mode on each input, and compare what comes out and what it leaves behind."""
    forward: list[Distance] = []
    gradients: list[Distance] = []
    buffers: list[Distance] = []
    with in_mode(prepared.a, training=True), in_mode(prepared.b, training=True):
        for index, tensors in enumerate(drawn):
            with restored_state(prepared.a), restored_state(prepared.b):
                outputs_a, outputs_b = (_step(module, tensors, index) for module in (prepared.a, prepared.b))
                forward += distances_between(outputs_a, outputs_b)
                state_a, state_b = state_of(prepared.a), state_of(prepared.b)
                scale = max((float(t.grad.abs().max()) for t in state_a.values() if t.grad is not None), default=0.0)
                for match in prepared.matches:
                    left, right = state_a[match.a.name], state_b[match.b.name]
                    if isinstance(left, nn.Parameter) or isinstance(right, nn.Parameter):
                        read = match.a.read(_gradient(left)), match.b.read(_gradient(right))
                        gradients.append(distance_between(*read, scale=scale))
                    else:
                        buffers.append(distance_between(match.a.read(left), match.b.read(right)))
    return forward, gradients, buffers


def stress(prepared: Transplant, inputs: Sequence[InputSpec]) -> bool:
    """Say whether two networks that agreed part on large inputs, with large weights, or at another size."""
    generator = torch.Generator().manual_seed(11)
    grown = [replace(spec, shape=(*spec.shape[:2], *(size + 3 for size in spec.shape[2:]))) for spec in inputs]
    large = samples(inputs, generator, prepared.dtype, scale=1e3)
    larger = samples(grown, generator, prepared.dtype)
    loud = copy.deepcopy(prepared)
    with torch.no_grad():
        for parameter in loud.a.parameters():
            parameter.mul_(8.0)
    transplant(loud.matches, state_of(loud.a), state_of(loud.b))
    plain = samples(inputs, generator, prepared.dtype)
    return any(_parts(*case) for case in ((prepared, large), (prepared, larger), (loud, plain)))


def _parts(prepared: Transplant, tensors: tuple[Tensor, ...]) -> bool:
    found = _attempt("", [], lambda: _eval(prepared, [tensors]))
    return found is not None and not PROOF.holds(*found)


def _gradient(tensor: Tensor) -> Tensor:
    return tensor.grad if tensor.grad is not None else torch.zeros_like(tensor)


def _step(module: nn.Module, tensors: tuple[Tensor, ...], seed: int) -> list[Tensor]:
    """Run forward and backward, the loss a random projection of the outputs."""
    with torch.enable_grad(), DropoutKeepsAll():  # type: ignore[no-untyped-call]
        results = outputs(module, tensors)
        generator = torch.Generator().manual_seed(seed)
        loss = torch.zeros((), dtype=torch.float64)
        for result in results:
            weight = torch.randn(result.shape, generator=generator, dtype=torch.float64)
            if result.requires_grad:
                loss = loss + (result * weight).sum()
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]
    return [result.detach() for result in results]


def outputs(module: nn.Module, tensors: tuple[Tensor, ...]) -> list[Tensor]:
    """Return the tensors among a module's results, on copies of the inputs."""
    with attributes_kept(module):
        result = module(*(tensor.clone() for tensor in tensors))
    return [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, Tensor)]


@contextmanager
def restored_state(module: nn.Module) -> Iterator[None]:
    """Give a module its buffers back, and no gradients."""
    buffers = {name: buffer.detach().clone() for name, buffer in module.named_buffers()}
    for parameter in module.parameters():
        parameter.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                buffer.copy_(buffers[name])
        for parameter in module.parameters():
            parameter.grad = None
