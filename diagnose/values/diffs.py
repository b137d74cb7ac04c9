"""The diff of two networks: which weights are the same, the proof by numbers, and the findings."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.values.findings import Finding, Skipped
from diagnose.values.reports import TreeRow


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
    """The largest |Δ| after the transplant, None where it was not run; `atol` and `rtol` are what it is held to."""

    dtype: str
    inputs: int
    eval: float | None
    train: float | None
    gradients: float | None
    buffers: float | None
    atol: float
    rtol: float
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class DiffSide:
    """One of the two networks of a diff: its size, and how it was captured."""

    model: str
    nodes: int
    parameters: int
    capture: str


@dataclass(frozen=True, slots=True)
class GraphDiff:
    """The two networks compared: `verdict` is "equivalent", "different" or "undetermined"."""

    verdict: str
    a: DiffSide
    b: DiffSide
    matched: int
    same_form: bool
    mapping: WeightMapping
    proof: Proof
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    tree: tuple[TreeRow, ...]
