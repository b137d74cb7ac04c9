"""Two networks compared: `diagnose diff` for Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from diagnose.api.drawable import Drawable
from diagnose.api.given import Inputs, Network, Progress, callers_state_kept, input_texts, is_module, silent, two_models
from diagnose.errors import CannotRun, UsageError
from diagnose.values import Finding, GraphDiff, Proof, Significance, Skipped, WeightMapping

if TYPE_CHECKING:
    from torch import Tensor

    from diagnose.diff.run import ModelComparison
    from diagnose.diff.trained.trained_comparison import TrainedComparison
    from diagnose.diff.weights.checkpoint import Checkpoint

Mode = Literal["eval", "train", "both"]

MODES: dict[str, tuple[bool, ...]] = {"both": (True, False), "train": (True,), "eval": (False,)}

Weights = str | Path | Mapping[str, Any]
"""A checkpoint: its path, or what it holds, a state dict by itself or under "state_dict" or "model"."""

NAMED = 5


@dataclass(frozen=True, repr=False, eq=False)
class NetworkComparison(Drawable):
    """Two networks compared; it holds a private copy of both.

    `diff` has everything that was found; `trained` what the networks compute with given weights, None where that was
    not asked.
    """

    diff: GraphDiff
    trained: TrainedComparison | None
    _examined: ModelComparison = field(repr=False)

    @property
    def verdict(self) -> str:
        """Return "equivalent", "different" or "undetermined", with the given weights where there are any."""
        return self._examined.verdict

    @property
    def differences(self) -> tuple[Finding, ...]:
        """Return what is really different, and what could not be decided; each says which it is."""
        return tuple(finding for finding in self.diff.findings if finding.verdict is not Significance.COSMETIC)

    @property
    def cosmetic(self) -> tuple[Finding, ...]:
        """Return what only looks different."""
        return tuple(finding for finding in self.diff.findings if finding.verdict is Significance.COSMETIC)

    @property
    def mapping(self) -> WeightMapping:
        """Return which tensors of A hold the weights of which tensors of B."""
        return self.diff.mapping

    @property
    def proof(self) -> Proof:
        """Return the largest |Δ| of outputs, gradients and buffers with A's weights in B, in float64."""
        return self.diff.proof

    def rows(self) -> list[dict[str, Any]]:
        """Return the findings: kind, verdict, where, count, message."""
        return [dict(row) for row in self.data["findings"]]

    def convert(
        self, state: Mapping[str, Any], *, to: Literal["a", "b"] | None = None, partial: bool = False
    ) -> dict[str, Tensor]:
        """Return a state dict of one network as one of the other.

        Args:
            state: the state dict, or a checkpoint that has one under "state_dict", "model_state_dict" or "model".
                Prefixes such as "module." are taken off.
            to: the network it is converted for. None takes it as of A, as on the command line, and as of B where
                its names are B's alone.
            partial: return it also where tensors stay as they were initialised, as nothing in `state` fills them.

        Raises:
            UsageError: the state dict is of neither network, or of another one than `to` wants.
            CannotRun: not every tensor is filled, and the result is not to be `partial`.

        Examples:
            >>> import torch
            >>> from torch import nn
            >>> theirs = nn.Sequential(nn.Linear(4, 2), nn.ReLU())
            >>> class Mine(nn.Module):
            ...     def __init__(self):
            ...         super().__init__()
            ...         self.dense = nn.Linear(4, 2)
            ...
            ...     def forward(self, x):
            ...         return self.dense(x).clamp(min=0)
            >>> mine = Mine()
            >>> comparison = compare(mine, theirs, inputs=torch.zeros(1, 4))
            >>> print(comparison.verdict)
            equivalent
            >>> state = comparison.convert(theirs.state_dict())
            >>> mine.load_state_dict(state)
            <All keys matched successfully>
            >>> x = torch.ones(1, 4)
            >>> torch.equal(mine(x), theirs(x))
            True
        """
        from diagnose.diff.run import convert_state

        with callers_state_kept():
            content, result = convert_state(self._examined, state, to_b=self._is_for_b(state, to))
        if result.unfilled and not partial:
            raise CannotRun(
                f"{len(result.unfilled)} of {result.tensors} tensors would stay as they were initialised: "
                f"{', '.join(result.unfilled[:NAMED])}{' …' if len(result.unfilled) > NAMED else ''}.",
                hint="partial=True returns the state dict all the same.",
            )
        inner = next((value for value in content.values() if isinstance(value, dict)), content)
        return dict(inner)

    def _is_for_b(self, state: Mapping[str, Any], to: str | None) -> bool:
        from diagnose.diff.weights.checkpoint import fitted, unwrapped

        if to is not None:
            if to not in ("a", "b"):
                raise UsageError(f"There is no network {to!r}.", hint='to="a" or to="b".')
            return to == "b"
        a, b = self._examined.built
        given = unwrapped(Path("the state dict"), state)
        try:
            fitted(given, a.module, self.diff.a.model)
        except UsageError as of_a:
            try:
                fitted(given, b.module, self.diff.b.model)
            except UsageError:
                raise of_a from None
            return False
        return True

    def save_mapping(self, path: str | Path) -> None:
        """Write which weights of A are which of B, as JSON; raise DiagnoseError where that cannot be written."""
        from diagnose.diff.run import save_mapping

        save_mapping(self.diff, Path(path))


def compare(
    a: Network,
    b: Network,
    *,
    inputs: Inputs = None,
    mode: Mode = "both",
    weights: Literal["transplanted", "own"] = "transplanted",
    weights_a: Weights | None = None,
    weights_b: Weights | None = None,
    initial_weights: bool | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> NetworkComparison:
    """Compare two networks: which differences are real, which only look so, and how sure that is.

    A live module is worked on as a private copy on the CPU, in float32 where it has another precision; that takes its
    memory and, while it is compared, that of a few copies in float64 more. The module itself stays as it is: weights,
    gradients, modes, hooks, device. `result.skipped` says where the copy is another thing than the module was.

    Args:
        a: the candidate, a module or a MODEL text.
        b: the reference, a module or a MODEL text.
        inputs: what both are given, (N, C, H, W) for images; see `diagnose.api.Inputs`. Values are not read.
        mode: compare what is computed in eval mode, in train mode with gradients and buffers, or in both.
        weights: "transplanted" compares the networks, whatever weights they have, by putting A's into B; "own" compares
            what they compute in eval mode with the weights that they have, too.
        weights_a: a checkpoint of A: compare what it computes with these weights.
        weights_b: a checkpoint of B.
        initial_weights: compare the distributions of the weights as initial ones; None does where both are texts, as a
            module's may be trained.
        seed: of the initial weights of texts, and of the proof's random numbers.
        progress: told what begins.

    Raises:
        UsageError: a network, an input or a checkpoint is not what it should be.
        CannotRun: a network cannot be built, copied or captured.

    Examples:
        >>> from torch import nn
        >>> one = nn.Sequential(nn.Linear(8, 8), nn.GELU())
        >>> other = nn.Sequential(nn.Linear(8, 8), nn.GELU(approximate="tanh"))
        >>> comparison = compare(one, other, inputs="1x8")
        >>> print(comparison.verdict)
        different
        >>> comparison.differences[0].where
        ('1',)
    """
    if mode not in MODES:
        raise UsageError(f"There is no mode {mode!r}.", hint=f"Known are {', '.join(MODES)}.")
    if weights not in ("transplanted", "own"):
        raise UsageError(f"There are no weights {weights!r}.", hint='Known are "transplanted" and "own".')
    weighed = weights == "own" or weights_a is not None or weights_b is not None
    if weighed and mode == "train":
        raise UsageError("Given weights are compared in eval mode.", hint='mode="eval" or mode="both".')
    with callers_state_kept():
        from diagnose.diff.report import diff_report
        from diagnose.diff.run import DiffRequest, examine
        from diagnose.networks.inputs import parse_inputs

        model_a, model_b = two_models(a, b)
        progress(f"Comparing {model_a} with {model_b}")
        live = is_module(a) or is_module(b)
        request = DiffRequest(
            model_a,
            model_b,
            parse_inputs(input_texts(inputs)),
            seed,
            (_checkpoint(weights_a, "weights_a"), _checkpoint(weights_b, "weights_b")),
            modes=MODES[mode],
            initial=not live if initial_weights is None else initial_weights,
            own=weights == "own",
        )
        examined = examine(request)
        diff = examined.diff
        if live and initial_weights is None and not weighed:
            note = Skipped(
                "the initial weights", "a module's weights may be trained; initial_weights=True compares them"
            )
            examined = replace(examined, diff=replace(diff, skipped=(*diff.skipped, note)))
        return NetworkComparison(
            diff_report(examined.diff, trained=examined.trained), examined.diff, examined.trained, examined
        )


def _checkpoint(given: Weights | None, name: str) -> Path | Checkpoint | None:
    from diagnose.diff.weights.checkpoint import unwrapped

    if given is None or isinstance(given, Path):
        return given
    return Path(given) if isinstance(given, str) else unwrapped(Path(name), given)
