"""From a `ModelRef` to an `nn.Module`: which origin builds it, with or without weights, and what is restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnose.errors import DiagnoseError, UsageError
from diagnose.interrupts import is_real
from diagnose.networks.build_errors import explain
from diagnose.networks.model_text import parse
from diagnose.networks.origins.origin import BuiltModel, ModelFactory
from diagnose.networks.origins.registry import origin
from diagnose.values import ModelRef, Skipped

if TYPE_CHECKING:
    from torch import nn


MOST_PARAMETERS = 1_000_000
"""How many tensors parameters() may yield."""


def build(
    ref: ModelRef | str, *, allocate: bool = False, pretrained: bool = False, seed: int | None = None
) -> BuiltModel:
    """Build a model and return it in eval mode.

    Args:
        ref: a MODEL text or what `parse` made of it.
        allocate: give it weights; else its parameters stand on the meta device. Where it cannot be built so, it is
            built with weights, which are then dropped, and `skipped` says so.
        pretrained: download its published weights, which implies `allocate`.
        seed: the seed of the initial weights; None draws from the present random state. The random state, the default
            dtype and device, the import path and the working folder are restored in either case.

    Raises:
        DiagnoseError: the model is not found or its arguments are wrong (exit code 2), or its code failed (3).
    """
    from diagnose.networks.process_state import drawing_from, quiet, restored

    ref = parse(ref) if isinstance(ref, str) else ref
    with quiet(), restored():
        try:
            with drawing_from(seed):
                prepared = origin(ref.source).prepare(ref, pretrained=pretrained)
            module, skipped = _construct(ref, prepared, allocate=allocate or pretrained, seed=seed)
            shapes, notes = prepared.input_shapes(module), prepared.notes(module)
        except BaseException as error:
            if is_real(error):
                raise
            raise explain(error, ref) from error
    return BuiltModel(ref, module, shapes, prepared.origin, notes, skipped)


def _construct(
    ref: ModelRef, prepared: ModelFactory, *, allocate: bool, seed: int | None
) -> tuple[nn.Module, tuple[Skipped, ...]]:
    from diagnose.networks.meta import WithoutWeights, to_meta
    from diagnose.networks.process_state import drawing_from, restored

    if allocate:
        with drawing_from(seed):
            return _checked(ref, prepared.make()), prepared.skipped(True)
    if prepared.bare is not None:
        return _checked(ref, prepared.bare()), prepared.skipped(False)
    try:
        with restored(), drawing_from(seed), WithoutWeights():
            module = _checked(ref, prepared.make())
        return to_meta(module), ()
    except DiagnoseError:
        raise
    except Exception as error:
        reason = explain(error, ref).message
    with drawing_from(seed):
        module = to_meta(_checked(ref, prepared.make()))
    return module, (Skipped("building without weights", f"{reason} It was built with weights, which were dropped."),)


def _checked(ref: ModelRef, made: object) -> nn.Module:
    from torch import Tensor, nn

    if not isinstance(made, nn.Module):
        raise UsageError(f"{ref.text} returned {_article(type(made).__name__)}, not a torch.nn.Module.")
    for number, parameter in enumerate(made.parameters()):
        if not isinstance(parameter, Tensor):
            noun = _article(type(parameter).__name__)
            raise UsageError(f"parameters() of {ref.text} yields {noun}, not tensors.")
        if number == MOST_PARAMETERS:
            raise UsageError(f"parameters() of {ref.text} does not end.")
    made.eval()
    return made


def _article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
