"""The diff of two networks: which weights are the same, the proof by numbers, and the findings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from diagnose.values.findings import Finding, Skipped
from diagnose.values.reports import TreeRow


class Equivalence(StrEnum):
    """Whether two networks compute the same function.

    "Equal by numbers" is between proven and undetermined: outputs, gradients and buffers agree with every weight
    matched, and the form is not proven.
    """

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    NUMBERS = "equal by numbers"
    UNDETERMINED = "undetermined"


class DifferenceKind(StrEnum):
    """What a finding of a diff is about."""

    ADDED = "operation added"
    REMOVED = "operation removed"
    REPLACED = "operation replaced"
    MOVED = "operation moved"
    BLOCK_ADDED = "block added"
    BLOCK_REMOVED = "block removed"
    TERM_ADDED = "second-order term added"
    TERM_REMOVED = "second-order term removed"
    ATTRIBUTE = "attribute changed"
    WIDTH = "width changed"
    WIRING = "wiring changed"
    SHARING = "parameter sharing"
    OUTPUTS = "outputs"
    CONSTANT = "constant"
    TRAINING = "training"
    GRADIENTS = "gradients"
    PATH = "path"
    RANDOM_PATH = "random path"
    INITIAL_WEIGHTS = "initial weights"
    TRAINED_WEIGHTS = "trained weights"
    UNUSED = "unused parameters"
    CAPTURE = "capture"
    NAMING = "naming"
    REGISTRATION = "registration order"
    REWRITE = "equivalent rewrite"
    NO_OP = "no-op module"
    IN_PLACE = "in-place"
    PREPROCESSING = "preprocessing"


@dataclass(frozen=True, slots=True)
class WeightPair:
    """One entry of a weight mapping: tensor `a` of A holds what tensor `b` of B holds, after `transform` (of A's)."""

    a: str
    b: str
    transform: str = ""


@dataclass(frozen=True, slots=True)
class WeightMapping:
    """Which tensors of A and B hold the same weights, and which have no counterpart."""

    pairs: tuple[WeightPair, ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """The largest |Δ| after the transplant, None where it was not run; `atol` and `rtol` are what it is held to.

    `agrees` says whether all that was run is within them, `inference` and `training` whether that of one mode is.
    """

    dtype: str
    inputs: int
    eval: float | None
    train: float | None
    gradients: float | None
    buffers: float | None
    atol: float
    rtol: float
    agrees: bool | None
    inference: bool | None = None
    training: bool | None = None


@dataclass(frozen=True, slots=True)
class DiffSide:
    """One of the two networks of a diff: its size, and how it was captured."""

    model: str
    nodes: int
    parameters: int
    capture: str


class SizeOutcome(StrEnum):
    """What another size of the input showed."""

    EQUAL = "equal"
    APART = "apart"
    A_ALONE = "only A runs"
    B_ALONE = "only B runs"


@dataclass(frozen=True, slots=True)
class SizeTrial:
    """Both networks at inputs of another size, in eval mode and with A's weights in B."""

    inputs: tuple[str, ...]
    outcome: SizeOutcome


@dataclass(frozen=True, slots=True)
class Validity:
    """What a diff holds for: the inputs and the modes that were compared, and what other sizes of the input showed.

    `branches` on values were followed both ways, one at a time.
    """

    inputs: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    sizes: tuple[SizeTrial, ...] = ()
    branches: int = 0

    @property
    def limited(self) -> bool:
        """Return whether the networks are known to be apart at another size."""
        return any(trial.outcome is SizeOutcome.APART for trial in self.sizes)


@dataclass(frozen=True, slots=True)
class GraphDiff:
    """The two networks compared; `inference` and `training` are verdicts on one mode, None where it was left out."""

    verdict: Equivalence
    a: DiffSide
    b: DiffSide
    matched: int
    same_form: bool
    mapping: WeightMapping
    proof: Proof
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    tree: tuple[TreeRow, ...]
    validity: Validity = Validity()
    inference: Equivalence | None = None
    training: Equivalence | None = None
