"""The table of a model's operations: one pass on meta tensors, which allocates and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from diagnose.errors import in_one_line
from diagnose.flops.module_stack import ModuleStack
from diagnose.flops.operator_call import tensors_in
from diagnose.flops.tally import Tally, kept_bytes
from diagnose.networks.anatomy import Anatomy, anatomy
from diagnose.networks.build_errors import as_exceptions
from diagnose.networks.inputs import tensors
from diagnose.networks.process_state import in_mode
from diagnose.params.usage import storage_key
from diagnose.values import FlopRow, FlopTable, InputSpec, LayerBytes, Skipped, UncountedOperator

CONVENTION = "one MAC is one multiplication and one addition; FLOPs are 2 × MACs plus every other operation"


def count_operations(
    model: nn.Module, candidates: Sequence[tuple[InputSpec, ...]], *, train: bool = False
) -> FlopTable | Skipped:
    """Return the operations of a model on the meta device, on the first of the candidate inputs that it runs on.

    `train` counts a forward pass in train mode and the backward pass to its parameters; without it the forward pass
    runs in eval mode. Where no candidate runs, the reason is returned. Train and eval mode are restored.
    """
    reasons = []
    for inputs in candidates:
        try:
            return _counted(model, tensors(inputs), inputs, train=train)
        except Exception as error:  # whatever a model raises is the reason, not a crash of ours
            table = _counted_otherwise(model, inputs, str(error), train=train)
            if table is not None:
                return table
            reasons.append(_reason(inputs, error))
    return Skipped("the operations", "; ".join(reasons) or "no input is known, and none was given")


def count_with_values(
    model: nn.Module, candidates: Sequence[tuple[InputSpec, ...]], why: str, *, train: bool = False
) -> FlopTable | Skipped:
    """Count a model that has weights by really running it, as where its path depends on the values that it computes.

    The inputs are random numbers, and zeros where they are no floats, from a seed of their own. `why` shapes alone did
    not do becomes part of what the table says.
    """
    reasons = []
    for inputs in candidates:
        generator = torch.Generator().manual_seed(0)
        given = tuple(
            torch.randn(tensor.shape, generator=generator).to(tensor.dtype) if tensor.is_floating_point() else tensor
            for tensor in tensors(inputs, device="cpu")
        )
        try:
            table = _counted(model, given, inputs, train=train)
        except Exception as error:  # as above
            reasons.append(_reason(inputs, error))
            continue
        said = (
            f"{why.rstrip('.')}. It was run with random weights on random numbers; other values may take another path"
        )
        return replace(table, skipped=(*table.skipped, Skipped(BY_SHAPES, said)))
    return Skipped("the operations", "; ".join(reasons))


def _reason(inputs: tuple[InputSpec, ...], error: Exception) -> str:
    return f"{', '.join(map(str, inputs))}: {shorten(in_one_line(error), MOST_SAID, placeholder=' …')}"


BY_SHAPES = "counting by shapes alone"
"""What is skipped where a network was really run."""

MOST_SAID = 240
"""Characters of an error that are told."""


def _counted_otherwise(model: nn.Module, inputs: tuple[InputSpec, ...], error: str, *, train: bool) -> FlopTable | None:
    """Count a model that a forward pass on the meta device stops, by what it says; None where nothing helps."""
    context: AbstractContextManager[Any]
    skipped: tuple[Skipped, ...] = ()
    if "nested_tensor" in error:
        context, skipped = _without_packing(), (Skipped("packing away what a mask pads", _PADDED),)
    elif "meta" in error.lower():
        context = torch.device("meta")  # it makes tensors and forgets to say where
    else:
        return None
    try:
        with context:
            table = _counted(model, tensors(inputs), inputs, train=train)
    except Exception:  # the first error says more
        return None
    return replace(table, skipped=skipped)


_PADDED = "how much it saves depends on the mask's values; the padding is counted like all else"


@contextmanager
def _without_packing() -> Iterator[None]:
    """Switch the fast path of nn.TransformerEncoder off, which packs sequences into tensors without a shape."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def count_forward(
    model: nn.Module, inputs: tuple[InputSpec, ...], *, training: bool = False, whole: bool = True
) -> FlopTable:
    """Return the operations of a forward pass in train or eval mode; raise what the model raises.

    Where they are not `whole`, every composite operator is taken apart, as a dispatch mode outside inference mode sees
    it. The MACs are the same.
    """
    return _counted(model, tensors(inputs), inputs, train=False, training=training, whole=whole)


@as_exceptions()
def _counted(
    model: nn.Module,
    given: tuple[Tensor, ...],
    inputs: tuple[InputSpec, ...],
    *,
    train: bool,
    training: bool | None = None,
    whole: bool = True,
) -> FlopTable:
    stack = ModuleStack(model)
    # A lazy layer takes its shape from the first pass; what it does is counted in the second.
    lazy = any(is_lazy(tensor) for tensor in (*model.parameters(), *model.buffers()))
    with in_mode(model, training=train if training is None else training):
        if lazy:
            with torch.no_grad():
                model(*given)
        parameters, buffers = list(model.parameters()), list(model.buffers())
        tally = Tally(stack, parameters, buffers)
        saved = None
        if train:
            saved = _train(model, given, tally, stack)
        else:
            _infer(model, given, tally, stack, whole=whole)
    places = anatomy(model)
    return FlopTable(
        rows=tuple(_rows(tally, places)),
        convention=CONVENTION,
        uncounted=tuple(
            UncountedOperator(name.removeprefix("aten::"), item.count, tuple(item.where), item.parameters)
            for name, item in tally.unknown.items()
        ),
        inputs=inputs,
        layers=tuple(_layers(model, places)),
        saved_bytes=saved,
    )


def _infer(model: nn.Module, given: Sequence[Tensor], tally: Tally, stack: ModuleStack, *, whole: bool) -> None:
    with torch.inference_mode() if whole else torch.no_grad(), stack.following(), tally:
        model(*given)


def _train(model: nn.Module, given: Sequence[Tensor], tally: Tally, stack: ModuleStack) -> int:
    """Run a forward and a backward pass and return the bytes that were kept between them, parameters apart."""
    owned = {storage_key(tensor) for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        if storage_key(tensor) not in owned:
            kept[storage_key(tensor)] = tensor.untyped_storage()
        return tensor

    with torch.enable_grad(), stack.following():
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), tally:
            result = model(*given)
        tally.backward = True
        backward(model, result, tally)
    return kept_bytes(kept.values())


def backward(model: nn.Module, result: Any, counter: AbstractContextManager[Any]) -> None:
    """Compute, under `counter`, the gradients of a model's parameters from ones at every tensor that it returned.

    Raises:
        ValueError: nothing that it returned depends on one.
    """
    results = [tensor for tensor in _outputs(result) if tensor.requires_grad]
    if not results:
        raise ValueError("no output depends on a trainable parameter, so there is no backward pass")
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    ones = [torch.ones_like(tensor) for tensor in results]
    with counter:
        torch.autograd.grad(results, wanted, ones, allow_unused=True)


def _outputs(result: Any) -> list[Tensor]:
    """Return the tensors of a model's output; an object's are those of its attributes."""
    found = list(tensors_in(result))
    return found or list(tensors_in(dict(vars(result)) if hasattr(result, "__dict__") else None))


def _rows(tally: Tally, places: Anatomy) -> Iterator[FlopRow]:
    for (path, op, kind, backward), sums in tally.sums.items():
        yield FlopRow(
            path=path,
            op=op,
            kind=kind,
            place=places.place(path),
            count=sums.count,
            macs=sums.macs,
            operations=sums.operations,
            elements=sums.elements,
            read=sums.read,
            activation_bytes=sums.activation_bytes,
            backward=backward,
        )


def _layers(model: nn.Module, places: Anatomy) -> Iterator[LayerBytes]:
    seen: set[int] = set()
    for path, module in model.named_modules():
        own = [p for p in module._parameters.values() if p is not None and id(p) not in seen and not is_lazy(p)]
        seen.update(map(id, own))
        if own:
            yield LayerBytes(path, places.place(path), sum(p.numel() * p.element_size() for p in own))
