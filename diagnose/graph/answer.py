"""The answer to `diagnose diff`: two MODEL texts become two networks, are given inputs, and are compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnose import sources
from diagnose.errors import USAGE, DiagnoseError
from diagnose.files import check_writable, write_whole
from diagnose.graph.checkpoint_files import save
from diagnose.graph.checkpoints import Checkpoint, Conversion, converted, fill, fitted, read
from diagnose.graph.diff import Model, Outcome, measured, paired
from diagnose.graph.mapping import Move
from diagnose.graph.tape import CannotCapture
from diagnose.graph.trained import Trained, compare_trained, loaded
from diagnose.inputs import candidates, taking
from diagnose.sources import Built
from diagnose.sources.faults import calling
from diagnose.values import GraphDiff, InputSpec, Skipped


@dataclass(frozen=True, slots=True)
class Request:
    """What is compared: two MODEL texts, the inputs asked for, the seed of all random numbers, and checkpoints."""

    a: str
    b: str
    asked: tuple[InputSpec, ...] = ()
    seed: int = 0
    weights: tuple[Path | None, Path | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Examined:
    """Two MODELs compared: the diff, the diff with their trained weights, and what a conversion needs."""

    diff: GraphDiff
    trained: Trained | None
    built: tuple[Built, Built]
    moves: tuple[Move, ...]

    @property
    def verdict(self) -> str:
        """Return "equivalent", "different" or "undetermined": of the networks, and of their trained weights if any."""
        if self.trained is None or self.diff.verdict == "different":
            return self.diff.verdict
        return "equivalent" if self.trained.verdict == "equal" else self.trained.verdict


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
    return examine(Request(a, b, tuple(asked), seed)).diff


def examine(request: Request) -> Examined:
    """Build two MODELs, fill them with their checkpoints if there are any, and compare them.

    Raises:
        DiagnoseError: a checkpoint is refused (2), a model cannot be built (2 or 3), or no capture works (3).
    """
    with calling(request.a, request.b):
        return _examined(request)


def _examined(request: Request) -> Examined:
    texts = request.a, request.b
    checkpoints = [None if path is None else read(path) for path in request.weights]
    built = [sources.build(text, allocate=True, seed=request.seed) for text in texts]
    for index, each in enumerate(checkpoints):
        if each is not None:
            checkpoints[index] = fit = fitted(each, built[index].module, texts[index])
            fill(fit, built[index].module)  # buffers that no training changes are constants of the graph
    failures: list[Skipped] = []
    one, other = (Model(text, each.module) for text, each in zip(texts, built, strict=True))
    for inputs in _inputs(built, request.asked):
        try:
            outcome = measured(one, other, inputs, seed=request.seed, initial=not any(request.weights))
        except CannotCapture as error:
            failures.append(Skipped(f"a forward pass at {', '.join(map(str, inputs))}", str(error)))
            continue
        trained = _trained(request, built, checkpoints, outcome, inputs) if any(request.weights) else None
        notes = tuple(note for each in built for note in each.skipped)
        answer = replace(outcome.diff, skipped=(*notes, *failures, *outcome.diff.skipped))
        return Examined(answer, trained, (built[0], built[1]), outcome.moves)
    reason = failures[-1].reason if failures else "no input shape is known"
    raise DiagnoseError(
        f"{request.a} and {request.b} could not be captured: {reason}",
        hint="Name inputs that both accept, one for each argument: --input 1x3x32x32, or --input ids=1x128:int64.",
    )


def _trained(
    request: Request,
    built: Sequence[Built],
    checkpoints: Sequence[Checkpoint | None],
    outcome: Outcome,
    inputs: Sequence[InputSpec],
) -> Trained:
    one, other = (
        loaded(each.module, checkpoint, seed=request.seed) for each, checkpoint in zip(built, checkpoints, strict=True)
    )
    return compare_trained((one, other), outcome, paired(inputs), seed=request.seed)


def convert(examined: Examined, checkpoint: Path, target: Path) -> Conversion:
    """Write A's checkpoint as one of B, all at once or not at all.

    Raises:
        DiagnoseError: the checkpoint does not fit A, or the target is the checkpoint itself (2); it cannot be written.
    """
    check_target(checkpoint, target)
    a, b = (each.module for each in examined.built)
    fit = fitted(read(checkpoint), a, examined.diff.a.model)
    content, result = converted(fit, examined.moves, (a, b), target)
    save(content, target)
    return result


def check_target(checkpoint: Path, target: Path) -> None:
    """Refuse a target that would overwrite the checkpoint (exit code 2), or that cannot be written."""
    check_writable(target)
    if target.exists() and checkpoint.exists() and target.samefile(checkpoint):
        raise DiagnoseError(
            f"{target} is the checkpoint itself", hint="Write to another file; nothing is converted in place.",
            exit_code=USAGE,
        )  # fmt: skip


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
    write_whole(path, f"{json.dumps(content, indent=1)}\n".encode())


def _inputs(built: Sequence[Built], asked: Sequence[InputSpec]) -> list[tuple[InputSpec, ...]]:
    """Return the inputs to try: those of both models, the ones they agree on first."""
    options = [candidates(taking(each.module, asked), each.input_shapes, asked) for each in built]
    common = [inputs for inputs in options[0] if inputs in options[1]]
    return list(dict.fromkeys((*common, *options[0], *options[1])))
