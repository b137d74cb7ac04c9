"""The proof by numbers: A's weights in B, and then outputs, gradients and buffers side by side, in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from diagnose.diff.align.outputs import ResultPairs
from diagnose.diff.capture.results import run
from diagnose.diff.proof.distance import PROOF, Distance, distance_between, distances_between, largest_delta
from diagnose.diff.proof.doubles import in_double
from diagnose.diff.proof.random_weights import ProofArithmetic, fill, samples, state_of
from diagnose.diff.weights.fixed import kept_values
from diagnose.diff.weights.mapping import WeightMatch, transplant
from diagnose.diff.weights.state_kinds import StateKind, state_kinds, temporary_buffers
from diagnose.networks.process_state import attributes_kept, in_mode
from diagnose.values import InputSpec, Proof, Skipped

INPUTS = 2


@dataclass(slots=True)
class Transplant:
    """The two networks as the proof runs them: copies in one element type, A filled, B holding A's weights.

    `results` says for each mode which result of A is which of B; `kinds` what training makes of each tensor. The values
    of `kept` are constants of each network: they are neither filled at random nor moved.
    """

    a: nn.Module
    b: nn.Module
    dtype: torch.dtype
    matches: tuple[WeightMatch, ...]
    results: Mapping[bool, ResultPairs]
    kinds: tuple[dict[str, StateKind], dict[str, StateKind]]
    kept: tuple[set[str], set[str]]

    @property
    def moved(self) -> list[WeightMatch]:
        """Return the matches along which A's weights come into B."""
        return [match for match in self.matches if match.b.name not in self.kept[1]]

    def run(self, tensors: tuple[Tensor, ...], *, training: bool) -> tuple[list[Tensor], list[Tensor]]:
        """Run both on the same inputs and return the results that belong together, in the modules' present mode."""
        pairs = self.results[training] if training in self.results else next(iter(self.results.values()))
        return outputs(self.a, tensors, pairs.a), outputs(self.b, tensors, pairs.b)


def set_up_transplant(
    a: nn.Module,
    b: nn.Module,
    matches: tuple[WeightMatch, ...],
    roles_of: tuple[dict[str, str], dict[str, str]],
    inputs: Sequence[InputSpec],
    results: Mapping[bool, ResultPairs],
    *,
    seed: int = 0,
) -> Transplant:
    """Copy both networks in float64, fill A with random numbers and what A does not give B, and transplant.

    What neither training nor a forward pass changes keeps its values.
    """
    copy_a, copy_b = in_double(a), in_double(b)
    states = state_of(copy_a), state_of(copy_b)
    kinds = state_kinds(copy_a, inputs), state_kinds(copy_b, inputs)
    kept = kept_values(matches, states, kinds, (temporary_buffers(copy_a), temporary_buffers(copy_b)))
    prepared = Transplant(copy_a, copy_b, torch.float64, matches, results, kinds, kept)
    generator = torch.Generator().manual_seed(seed)
    fill(_distinct(_without(states[0], kept[0])), roles_of[0], generator)
    whole = {id(states[1][match.b.name]) for match in matches if not match.b.views}
    free = {name: tensor for name, tensor in _distinct(states[1]).items() if id(tensor) not in whole}
    fill(_without(free, kept[1]), roles_of[1], generator)
    _calibrate(copy_a, inputs, generator)
    transplant(prepared.moved, *states)
    return prepared


def _without(state: dict[str, Tensor], names: set[str]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name not in names}


def _calibrate(module: nn.Module, inputs: Sequence[InputSpec], generator: torch.Generator) -> None:
    """Give batch norms the statistics of a batch, so that activations do not grow without bound in eval mode."""
    norms = [layer for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    try:
        with torch.no_grad(), in_mode(module, training=True), ProofArithmetic():  # type: ignore[no-untyped-call]
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
    by_mode = [None if None in part else all(PROOF.holds(*distances) for distances in part if distances is not None)
               for part in (parts[:1], parts[1:])]  # fmt: skip
    proof = Proof("float64", INPUTS, evaluation, training, gradients, buffers, PROOF.atol, PROOF.rtol, agrees, *by_mode)
    return proof, tuple(skipped)


def _attempt(what: str, skipped: list[Skipped], measure: Callable[[], Any]) -> Any:
    try:
        return measure()
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError) as error:
        skipped.append(Skipped(what, f"{type(error).__name__}: {str(error).strip()[:200]}"))
        return None


def _eval(prepared: Transplant, drawn: Sequence[tuple[Tensor, ...]]) -> list[Distance]:
    found: list[Distance] = []
    with torch.no_grad(), in_mode(prepared.a, training=False), in_mode(prepared.b, training=False), ProofArithmetic():  # type: ignore[no-untyped-call]
        for tensors in drawn:
            found += distances_between(*prepared.run(tensors, training=False))
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
                forward += distances_between(*step(prepared, tensors, index))
                state_a, state_b = state_of(prepared.a), state_of(prepared.b)
                scale = max((float(t.grad.abs().max()) for t in state_a.values() if t.grad is not None), default=0.0)
                for match in prepared.moved:
                    left, right = state_a[match.a.name], state_b[match.b.name]
                    if left.requires_grad and right.requires_grad:
                        read = match.a.read(gradient_of(left)), match.b.read(gradient_of(right))
                        gradients.append(distance_between(*read, scale=scale))
                    elif not isinstance(left, nn.Parameter) and not isinstance(right, nn.Parameter):
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
    transplant(loud.moved, state_of(loud.a), state_of(loud.b))
    plain = samples(inputs, generator, prepared.dtype)
    return any(_parts(*case) for case in ((prepared, large), (prepared, larger), (loud, plain)))


def _parts(prepared: Transplant, tensors: tuple[Tensor, ...]) -> bool:
    found = _attempt("", [], lambda: _eval(prepared, [tensors]))
    return found is not None and not PROOF.holds(*found)


def gradient_of(tensor: Tensor) -> Tensor:
    """Return a tensor's gradient, zeros where it got none."""
    return tensor.grad if tensor.grad is not None else torch.zeros_like(tensor)


def step(prepared: Transplant, tensors: tuple[Tensor, ...], seed: int) -> list[list[Tensor]]:
    """Run both forward and backward, the loss a random projection of the results that belong together."""
    found = []
    with torch.enable_grad(), ProofArithmetic():  # type: ignore[no-untyped-call]
        for results in prepared.run(tensors, training=True):
            generator = torch.Generator().manual_seed(seed)
            loss = torch.zeros((), dtype=torch.float64)
            for result in results:
                weight = torch.randn(result.shape, generator=generator, dtype=torch.float64)
                if result.requires_grad:
                    projected = (result * weight).sum()
                    loss = loss + (projected.real + projected.imag if projected.is_complex() else projected)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            found.append([result.detach() for result in results])
    return found


def outputs(module: nn.Module, tensors: tuple[Tensor, ...], places: Sequence[str]) -> list[Tensor]:
    """Return the tensors at some places of a module's results, on copies of the inputs.

    Raises:
        KeyError: nothing stands at one of them.
    """
    with attributes_kept(module):
        results = run(module, tuple(tensor.clone() for tensor in tensors))
    return [{**results.tensors, **results.left}[place] for place in places]


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
