"""The answer to `diagnose diff`: two MODEL texts become two networks, are given inputs, and are compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diagnose import networks
from diagnose.diff.capture.tape import CannotCapture
from diagnose.diff.compare import MODES, Model, NetworkDiff, compare_networks
from diagnose.diff.trained.compare_trained import compare_trained, loaded
from diagnose.diff.trained.trained_comparison import TrainedComparison
from diagnose.diff.weights.checkpoint import Checkpoint, Conversion, converted, fill, fitted, read, unwrapped
from diagnose.diff.weights.checkpoint_file import save
from diagnose.diff.weights.mapping import WeightMatch, backwards
from diagnose.errors import CannotRun, Option, UsageError
from diagnose.files import check_writable, write_whole
from diagnose.networks import BuiltModel
from diagnose.networks.build_errors import calling
from diagnose.networks.inputs import candidates, with_named_inputs
from diagnose.networks.live.live_network import SOURCE as LIVE
from diagnose.values import Equivalence, GraphDiff, InputSpec, ModelRef, Skipped


@dataclass(frozen=True, slots=True)
class DiffRequest:
    """What is compared: two MODELs, the inputs asked for, the seed of all random numbers, and checkpoints.

    `modes` are those compared, True for train mode. `initial` asks for the initial weights, which a checkpoint
    replaces; `own` for what the networks compute with the weights that they have.
    """

    a: str | ModelRef
    b: str | ModelRef
    asked: tuple[InputSpec, ...] = ()
    seed: int = 0
    weights: tuple[Path | Checkpoint | None, Path | Checkpoint | None] = (None, None)
    modes: tuple[bool, ...] = MODES
    initial: bool = True
    own: bool = False

    @property
    def weighed(self) -> bool:
        """Return whether the networks are compared with given weights, too."""
        return self.own or any(self.weights)


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Two MODELs compared: the diff, the diff with their trained weights, and what a conversion needs.

    `checkpoints` are those that were given, under the names of their network.
    """

    diff: GraphDiff
    trained: TrainedComparison | None
    built: tuple[BuiltModel, BuiltModel]
    matches: tuple[WeightMatch, ...]
    checkpoints: tuple[Checkpoint | None, Checkpoint | None] = (None, None)

    @property
    def verdict(self) -> Equivalence:
        """Return the verdict on the networks and, where they have given weights, on what they compute with these."""
        if self.trained is None or self.diff.verdict is Equivalence.DIFFERENT:
            return self.diff.verdict
        return Equivalence.EQUIVALENT if self.trained.verdict == "equal" else Equivalence(self.trained.verdict)


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
    return examine(DiffRequest(a, b, tuple(asked), seed)).diff


def examine(request: DiffRequest) -> ModelComparison:
    """Build two MODELs, fill them with their checkpoints if there are any, and compare them.

    Raises:
        DiagnoseError: a checkpoint is refused (2), a model cannot be built (2 or 3), or no capture works (3).
    """
    with calling(*map(str, (request.a, request.b))):
        return _examined(request)


def _examined(request: DiffRequest) -> ModelComparison:
    refs = request.a, request.b
    texts = [str(ref) for ref in refs]
    checkpoints = [read(given) if isinstance(given, Path) else given for given in request.weights]
    built = [networks.build(ref, allocate=True, seed=request.seed) for ref in refs]
    for index, checkpoint in enumerate(checkpoints):
        if checkpoint is not None:
            checkpoints[index] = fit = fitted(checkpoint, built[index].module, texts[index])
            fill(fit, built[index].module)  # buffers that no training changes are constants of the graph
    failures: list[Skipped] = []
    network_a, network_b = (Model(text, side.module) for text, side in zip(texts, built, strict=True))
    for inputs in _inputs(built, request.asked):
        try:
            initial = request.initial and not request.weighed
            outcome = compare_networks(
                network_a, network_b, inputs, seed=request.seed, initial=initial, modes=request.modes
            )
        except CannotCapture as error:
            failures.append(Skipped(f"a forward pass at {', '.join(map(str, inputs))}", str(error)))
            continue
        trained = _trained(request, built, checkpoints, outcome) if request.weighed else None
        notes = tuple(note for side in built for note in side.skipped)
        answer = replace(outcome.diff, skipped=(*notes, *failures, *outcome.diff.skipped))
        both = checkpoints[0], checkpoints[1]
        return ModelComparison(answer, trained, (built[0], built[1]), outcome.matches, both)
    reason = failures[-1].reason if failures else "no input shape is known"
    raise CannotRun(
        f"{request.a} and {request.b} could not be captured: {reason}",
        hint="Name inputs that both accept, one for each argument of forward: 1x3x32x32, or ids=1x128:int64, by {}.",
        options=(Option("inputs"),),
    )


def _trained(
    request: DiffRequest,
    built: Sequence[BuiltModel],
    checkpoints: Sequence[Checkpoint | None],
    outcome: NetworkDiff,
) -> TrainedComparison:
    initial = f"its initial weights, seed {request.seed}"
    network_a, network_b = (
        loaded(built_model.module, checkpoint, told="its own weights" if built_model.ref.source == LIVE else initial)
        for built_model, checkpoint in zip(built, checkpoints, strict=True)
    )
    return compare_trained((network_a, network_b), outcome, outcome.inputs, seed=request.seed)


def convert(examined: ModelComparison, checkpoint: Path, target: Path) -> Conversion:
    """Write A's checkpoint as one of B, all at once or not at all.

    Raises:
        DiagnoseError: the checkpoint does not fit A, or the target is the checkpoint itself (2); it cannot be written.
    """
    check_target(checkpoint, target)
    a, b = (built_model.module for built_model in examined.built)
    fit = examined.checkpoints[0]
    if fit is None or not _is_same_file(fit.path, checkpoint):
        fit = fitted(read(checkpoint), a, examined.diff.a.model)
    content, result = converted(fit, examined.matches, (a, b), target)
    save(content, target)
    return result


def convert_state(
    examined: ModelComparison, state: Mapping[str, Any], *, to_b: bool
) -> tuple[dict[str, Any], Conversion]:
    """Return a state dict of A as one of B, or one of B as one of A, and what became of it.

    Raises:
        DiagnoseError: it does not fit the network that it should be of (exit code 2).
    """
    place = Path("the state dict")
    order = (0, 1) if to_b else (1, 0)
    source, target = (examined.built[index] for index in order)
    matches = examined.matches if to_b else backwards(examined.matches)
    fit = fitted(unwrapped(place, state), source.module, str(source.ref))
    return converted(fit, matches, (source.module, target.module), place)


def check_target(checkpoint: Path, target: Path) -> None:
    """Refuse a target that would overwrite the checkpoint (exit code 2), or that cannot be written."""
    check_writable(target)
    if _is_same_file(target, checkpoint):
        raise UsageError(
            f"{target} is the checkpoint itself", hint="Write to another file; nothing is converted in place.",
        )  # fmt: skip


def _is_same_file(path_a: Path, path_b: Path) -> bool:
    return path_a.exists() and path_b.exists() and path_a.samefile(path_b)


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


def _inputs(built: Sequence[BuiltModel], asked: Sequence[InputSpec]) -> list[tuple[InputSpec, ...]]:
    """Return the inputs to try: those of both models, the ones they agree on first."""
    options = [
        candidates(with_named_inputs(built_model.module, asked), built_model.input_shapes, asked)
        for built_model in built
    ]
    common = [inputs for inputs in options[0] if inputs in options[1]]
    return list(dict.fromkeys((*common, *options[0], *options[1])))
