"""The answer to `diagnose diff`: two MODEL texts become two networks, are given inputs, and are compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from diagnose import sources
from diagnose.errors import USAGE, DiagnoseError
from diagnose.files import replacing
from diagnose.graph.diff import Model, alignments, diff
from diagnose.graph.mapping import moves, transplant
from diagnose.graph.randomness import state_of
from diagnose.graph.tape import CannotCapture
from diagnose.inputs import candidates
from diagnose.sources import Built
from diagnose.values import GraphDiff, InputSpec, Skipped


def compare(a: str, b: str, *, asked: Sequence[InputSpec] = (), seed: int = 0) -> GraphDiff:
    """Build and compare two MODELs.

    Args:
        a: a MODEL text.
        b: a MODEL text.
        asked: the inputs of the forward pass; else what the models' sources say.
        seed: of the initial weights, and of the proof's.

    Raises:
        DiagnoseError: a model cannot be built (2 or 3), or no capture works (3).
    """
    built = [sources.build(text, allocate=True, seed=seed) for text in (a, b)]
    failures: list[Skipped] = []
    for inputs in _inputs(built, asked):
        try:
            answer = diff(Model(a, built[0].module), Model(b, built[1].module), inputs, seed=seed)
        except CannotCapture as error:
            failures.append(Skipped(f"a forward pass at {', '.join(map(str, inputs))}", str(error)))
            continue
        notes = tuple(note for each in built for note in each.skipped)
        return replace(answer, skipped=(*notes, *failures, *answer.skipped))
    reason = failures[-1].reason if failures else "no input shape is known"
    raise DiagnoseError(
        f"{a} and {b} could not be captured: {reason}", hint="Name an input that both accept, as --input 1x3x32x32."
    )


def convert(a: str, b: str, checkpoint: Path, target: Path, *, asked: Sequence[InputSpec] = ()) -> tuple[str, ...]:
    """Write A's checkpoint as one of B; return the names of B that nothing in A fills.

    Raises:
        DiagnoseError: the checkpoint does not fit A, or the networks have no common weights.
    """
    built = [sources.build(text, allocate=True, seed=0) for text in (a, b)]
    state = _loaded(checkpoint)
    try:
        built[0].module.load_state_dict(state)
    except RuntimeError as error:
        lines = str(error).strip().splitlines()
        raise DiagnoseError(f"{checkpoint} is no checkpoint of {a}: {lines[0]}", exit_code=USAGE) from error
    for inputs in _inputs(built, asked):
        try:
            moved = moves(alignments(built[0].module, built[1].module, inputs))
        except CannotCapture:
            continue
        written = transplant(moved, state_of(built[0].module), state_of(built[1].module))
        result = built[1].module.state_dict()
        torch.save(result, target)
        return tuple(
            name
            for name, tensor in result.items()
            if tensor.is_floating_point() and written.get(name) != tensor.numel()
        )
    raise DiagnoseError(f"{a} and {b} could not be captured", hint="Name an input that both accept with --input.")


def save_mapping(answer: GraphDiff, path: Path) -> None:
    """Write the weight mapping as JSON: pairs of names with their transform, and what has no counterpart."""
    mapping = answer.mapping
    content = {
        "schema": "diagnose.mapping/1",
        "a": answer.a.model,
        "b": answer.b.model,
        "pairs": [[pair.a, pair.b, pair.transform] for pair in mapping.pairs],
        "only_a": list(mapping.only_a),
        "only_b": list(mapping.only_b),
    }
    with replacing(path) as file:
        file.write(f"{json.dumps(content, indent=1, ensure_ascii=False)}\n".encode())


def _inputs(built: Sequence[Built], asked: Sequence[InputSpec]) -> list[tuple[InputSpec, ...]]:
    """Return the inputs to try: those of both models, the ones they agree on first."""
    options = [candidates(each.module, each.input_shapes, asked) for each in built]
    common = [inputs for inputs in options[0] if inputs in options[1]]
    return list(dict.fromkeys((*common, *options[0], *options[1])))


def _loaded(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise DiagnoseError(f"cannot read {path}: {error}", exit_code=USAGE) from error
    except Exception as error:  # torch raises its own unpickling error for anything that is not plain tensors
        raise DiagnoseError(
            f"{path} holds more than tensors; it is not loaded", hint="Save its state dict alone.", exit_code=USAGE
        ) from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise DiagnoseError(f"{path} holds no state dict", exit_code=USAGE)
    return state
