"""Checkpoints: read without running anything that they hold, filled into a network, converted, written whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diagnose.diff.proof.random_weights import state_of
from diagnose.diff.weights.checkpoint_file import content_of, is_safetensors
from diagnose.diff.weights.mapping import WeightMatch, transplant
from diagnose.errors import UsageError, in_one_line

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""The keys under which training scripts keep the state dict beside the optimiser and the epoch."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
"""What DistributedDataParallel, torch.compile and training frameworks put before every name."""

COUNTER = "num_batches_tracked"
NAMED = 5


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state dict and where it stood: under the key `wrapper` beside the entries `beside`, names after `prefix`."""

    path: Path
    state: dict[str, Tensor]
    wrapper: str = ""
    beside: Mapping[str, Any] | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a checkpoint: tensors of B that nothing in A fills, of A that B has no place for, other losses.

    `filled` counts the tensors of B that A fills, `tensors` all that B's checkpoint holds.
    """

    target: Path
    filled: int
    tensors: int
    unfilled: tuple[str, ...]
    unused: tuple[str, ...]
    dropped: tuple[str, ...]


def read(path: Path) -> Checkpoint:
    """Read a checkpoint's state dict; no code of the file's is run.

    Raises:
        DiagnoseError: as of `content_of`, or it holds no state dict (exit code 2).
    """
    return unwrapped(path, content_of(path))


def unwrapped(path: Path, content: object) -> Checkpoint:
    """Return the state dict in what a file holds, by itself or under a key of `WRAPPERS`; `path` names it in errors.

    Raises:
        DiagnoseError: there is none (exit code 2).
    """
    if isinstance(content, Mapping):
        if content and _is_state(content):
            return Checkpoint(path, dict(content))
        for key in WRAPPERS:
            inner = content.get(key)
            if isinstance(inner, dict) and inner and _is_state(inner):
                return Checkpoint(path, dict(inner), key, {name: v for name, v in content.items() if name != key})
    raise UsageError(
        f"{path} holds no state dict",
        hint=f"A dictionary from names to tensors, by itself or under {', '.join(map(repr, WRAPPERS))}.",
    )


def _is_state(content: Mapping[Any, Any]) -> bool:
    return all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items())


def fitted(checkpoint: Checkpoint, module: nn.Module, model: str) -> Checkpoint:
    """Return the checkpoint under the module's own names: a common prefix stripped, what it need not hold added.

    It need not hold a counter of batches, nor a tied tensor under more than one of its names.

    Raises:
        DiagnoseError: names are missing, unexpected, or of another shape; the message names them (exit code 2).
    """
    wanted = module.state_dict()
    state, prefix = _stripped(checkpoint.state, wanted)
    missing = [name for name in wanted if name not in state]
    aliases = _aliases(module)
    for name in missing.copy():
        tied = next((state[alias] for alias in aliases.get(name, ()) if alias in state), None)
        if tied is not None or name.endswith(COUNTER):  # checkpoints older than the counters have none
            state[name] = wanted[name].detach().clone() if tied is None else tied
            missing.remove(name)
    unexpected = [name for name in state if name not in wanted]
    reshaped = [
        f"{name} ({_shape(state[name])} in the file, {_shape(wanted[name])} in the model)"
        for name in wanted
        if name in state and isinstance(wanted[name], Tensor) and state[name].shape != wanted[name].shape
    ]
    faults = (("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped))
    if any(names for _, names in faults):
        said = "; ".join(f"{len(names)} {what}: {_some(names)}" for what, names in faults if names)
        raise UsageError(
            f"{checkpoint.path} is no checkpoint of {model}: {said}",
            hint="Name the MODEL with the options that it was trained with, as in torch(num_classes=10).",
        )
    return Checkpoint(checkpoint.path, state, checkpoint.wrapper, checkpoint.beside, prefix)


def fill(checkpoint: Checkpoint, module: nn.Module) -> None:
    """Load a fitted checkpoint into a module, each tensor in the module's own element type.

    Raises:
        DiagnoseError: the module's own loading refuses (exit code 2).
    """
    try:
        module.load_state_dict(checkpoint.state)
    except (RuntimeError, KeyError, TypeError) as error:
        raise UsageError(f"{checkpoint.path} cannot be loaded: {in_one_line(error)}") from error


def _stripped(state: Mapping[str, Tensor], wanted: Mapping[str, Any]) -> tuple[dict[str, Tensor], str]:
    """Drop prefixes that all names share, as long as that makes more of them fit."""
    best, prefix = dict(state), ""
    current, taken = best, ""
    while found := next(
        (known_prefix for known_prefix in PREFIXES if all(name.startswith(known_prefix) for name in current)), None
    ):
        current = {name.removeprefix(found): tensor for name, tensor in current.items()}
        taken += found
        if sum(name in wanted for name in current) > sum(name in wanted for name in best):
            best, prefix = current, taken
    return dict(best), prefix


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def converted(
    checkpoint: Checkpoint, matches: Iterable[WeightMatch], networks: tuple[nn.Module, nn.Module], path: Path
) -> tuple[dict[str, Any], Conversion]:
    """Return A's fitted checkpoint as one of B, and what became of it.

    It has the form that it had, where the file can hold that. A tensor of B takes the element type of what fills it;
    one that nothing fills keeps B's initial values, and one that is filled in part counts as unfilled.
    """
    aliases = [_aliases(module) for module in networks]
    source = checkpoint.state
    state = {name: tensor.detach().clone() for name, tensor in networks[1].state_dict().items()}
    matches = [match for match in matches if match.a.name in source and match.b.name in state]
    for name, dtype in _dtypes(matches, source).items():
        state[name] = state[name].to(dtype)
    written = transplant(matches, source, state)
    used = {match.a.name for match in matches}
    for name_a, name_b in _counters(matches):
        if name_a in source and name_b in state:
            state[name_b], written[name_b] = source[name_a].clone(), source[name_a].numel()
            used.add(name_a)
    for name, names in aliases[1].items():
        filled = next((tied_name for tied_name in names if tied_name in written), name)
        if name in state and filled in state:
            state[name], written[name] = state[filled], written.get(filled, 0)
    bare = not checkpoint.wrapper or is_safetensors(path)
    beside = checkpoint.beside or {}
    kept = {name: value for name, value in beside.items() if isinstance(value, (int, float, str)) and not bare}
    unfilled = tuple(name for name, tensor in state.items() if written.get(name) != tensor.numel())
    unused = tuple(name for name in source if used.isdisjoint(aliases[0].get(name, (name,))))
    dropped = tuple(str(name) for name in beside if name not in kept)
    result = Conversion(path, len(state) - len(unfilled), len(state), unfilled, unused, dropped)
    return state if bare else {**kept, checkpoint.wrapper: state}, result


def _aliases(module: nn.Module) -> dict[str, list[str]]:
    """Return all names of each tensor, by each of them: a tied one has several."""
    names: dict[int, list[str]] = {}
    state = state_of(module)
    for name, tensor in state.items():
        names.setdefault(id(tensor), []).append(name)
    return {name: names[id(tensor)] for name, tensor in state.items()}


def _dtypes(matches: Iterable[WeightMatch], source: Mapping[str, Tensor]) -> dict[str, torch.dtype]:
    """Return the element type of each tensor of B: the one that holds all that is written into it."""
    found: dict[str, torch.dtype] = {}
    for match in matches:
        dtype = source[match.a.name].dtype
        found[match.b.name] = torch.promote_types(found.get(match.b.name, dtype), dtype)
    return found


def _counters(matches: Iterable[WeightMatch]) -> list[tuple[str, str]]:
    """Return which counter of batches is which: that of the norm whose running means are."""
    ends = "running_mean"
    return [
        (f"{match.a.name.removesuffix(ends)}{COUNTER}", f"{match.b.name.removesuffix(ends)}{COUNTER}")
        for match in matches
        if match.a.name.endswith(ends) and match.b.name.endswith(ends)
    ]
