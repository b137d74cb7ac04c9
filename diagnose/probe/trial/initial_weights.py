"""The network of a trial: built from its MODEL text and seed, narrowed, and initialised as the recipe says."""

from __future__ import annotations

from typing import Any

from torch import nn

from diagnose.errors import Option, UsageError
from diagnose.networks import build, parse
from diagnose.networks.origins.aliases import entry_of
from diagnose.networks.process_state import drawing_from
from diagnose.values import InitialWeights

WIDTHS = {"width", "base_channels", "backbone", "head"}
"""Options of aliases that set widths: a model that has one is not narrowed."""


def initialised(model: str, init: str, seed: int) -> nn.Module:
    """Build a model with the initial weights that a recipe asks for.

    The same model, init and seed give the same weights, so trials of one seed are paired.

    Raises:
        DiagnoseError: the model cannot be built, or has no `init_weights` where that is asked for.
    """
    module = build(model, allocate=True, seed=seed).module
    with drawing_from(seed):
        _initialise(module, init, model)
    return module


def _initialise(module: nn.Module, init: str, model: str) -> None:
    if init == InitialWeights.OWN:
        return
    if init == InitialWeights.MMPRETRAIN:
        own: Any = getattr(module, "init_weights", None)
        if own is None:
            raise UsageError(f"{model} has no init_weights(), which the recipe asks for.")
        own()
        return
    for part in module.modules():
        reset: Any = getattr(part, "reset_parameters", None)
        if reset is not None:
            reset()  # torch's default
        if init == InitialWeights.KAIMING and isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


def narrowed(model: str, width: int | None) -> str:
    """Return the MODEL text of a network `width` channels wide in its first stage.

    Raises:
        DiagnoseError: only the built-in aliases without options of their own can be narrowed (exit code 2).
    """
    if width is None:
        return model
    ref = parse(model)
    entry = entry_of(ref.name) if ref.source == "alias" else None
    if entry is None or entry.narrow is None or {key for key, _ in ref.kwargs} & WIDTHS:
        raise UsageError(
            f"{model} cannot be narrowed.", hint="{} narrows the built-in aliases alone.", options=(Option("width"),)
        )
    options = entry.narrow(width)
    arguments = ", ".join(f"{key}={value!r}" for key, value in {**dict(ref.kwargs), **options}.items())
    return f"{ref.name}({arguments})"
