"""Parameters: rows and tables of counts, reported counts, and candidates that explain a gap."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.values.findings import Skipped
from diagnose.values.known_networks import IndexAnswer
from diagnose.values.models import InputSpec, Place


@dataclass(frozen=True, slots=True)
class ParamRow:
    """One parameter tensor. `path` is its name in the module tree, `parameters` its number of elements.

    A tied parameter is counted at its first path; at the others `tied_to` names that path and `parameters` is 0.
    `used` is None where the forward pass could not run.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    place: Place
    trainable: bool = True
    tied_to: str | None = None
    used: bool | None = None


@dataclass(frozen=True, slots=True)
class BufferRow:
    """One buffer tensor; a persistent one stands in the state dict."""

    path: str
    kind: str
    shape: tuple[int, ...]
    elements: int
    place: Place
    persistent: bool
    floating: bool


@dataclass(frozen=True, slots=True)
class ParamTable:
    """A model's parameters and buffers in the order of registration.

    `inputs` are those of the forward pass that told which are used, None where none could run.
    """

    rows: tuple[ParamRow, ...]
    buffers: tuple[BufferRow, ...]
    inputs: tuple[InputSpec, ...] | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def total(self) -> int:
        """Return the number of parameters, a tied one counted once."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """Return the parameters that require a gradient."""
        return sum(row.parameters for row in self.rows if row.trainable)

    @property
    def frozen(self) -> int:
        """Return the parameters that require no gradient."""
        return self.total - self.trainable

    @property
    def unused(self) -> int | None:
        """Return the parameters that the forward pass never reads, or None where it could not run."""
        if any(row.used is None for row in self.rows):
            return None
        return sum(row.parameters for row in self.rows if not row.used)

    @property
    def buffer_elements(self) -> int:
        """Return the elements of all buffers, persistent or not."""
        return sum(row.elements for row in self.buffers)


@dataclass(frozen=True, slots=True)
class ReportedNumber:
    """A number as a document states it, and the whole numbers it may stand for, both ends included.

    `rounded` if it was rounded to its last digit, `truncated` if the digits behind were cut off. Where a size in bytes
    was given (`of_bytes`), these are the numbers of float32 that it holds.
    """

    text: str
    unit: int
    rounded: tuple[int, int]
    truncated: tuple[int, int]
    of_bytes: bool = False

    @property
    def is_exact(self) -> bool:
        """Return whether it stands for one whole number alone."""
        return self.rounded == self.truncated and self.rounded[0] == self.rounded[1]

    @property
    def widest(self) -> tuple[int, int]:
        """Return the least and the largest number that it may stand for under either reading."""
        return min(self.rounded[0], self.truncated[0]), max(self.rounded[1], self.truncated[1])

    def readings(self, value: float) -> tuple[str, ...]:
        """Return which readings ("rounded", "truncated") a value satisfies."""
        named = (("rounded", self.rounded), ("truncated", self.truncated))
        return tuple(name for name, (low, high) in named if low <= value <= high)


@dataclass(frozen=True, slots=True)
class StatedFact:
    """What a document states of a model and the gap search must keep: a facet such as "blocks", and the source."""

    facet: str
    source: str


@dataclass(frozen=True, slots=True)
class GapSolution:
    """A set of edits, with a counting convention, under which a model has the reported number of parameters.

    `total` is the count of the edited model under the convention, `value` the same in the convention's unit; `fits`
    names the readings it satisfies. `verified` is True where the edited model was really built and counted; `model` is
    the MODEL text that builds it, empty where it takes surgery.
    `excluded` names the stated facets that it contradicts; `also` gives the other rows of the same table, each with
    its count and whether it fits. `chance` is the share of random numbers of the same size and precision that a
    solution as cheap would meet, from 0 to 1.
    """

    total: int
    value: float
    convention: str
    edits: tuple[str, ...]
    cost: float
    fits: tuple[str, ...]
    notes: tuple[str, ...] = ()
    source: str = ""
    verified: bool = False
    how_verified: str = ""
    model: str = ""
    excluded: tuple[StatedFact, ...] = ()
    also: tuple[tuple[str, int, bool], ...] = ()
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class GapUnit:
    """What one plain edit adds, and between how many of them the gap is under each reading."""

    text: str
    parameters: int
    rounded: tuple[float, float]
    truncated: tuple[float, float]


@dataclass(frozen=True, slots=True)
class NumberSlip:
    """A digit "misread", or two "swapped": the number that may have been meant, and how often chance is as near."""

    kind: str
    meant: str
    chance: float


@dataclass(frozen=True, slots=True)
class ParameterGap:
    """A parameter gap explained: the solutions that close it, the likeliest first.

    `excluded` contradict what a document states; `precisions` gives for each other precision of the reported number
    the solution that would stand first there, None where nothing fits. `visited` counts the sets of edits looked at.
    `stands_out` says whether the first solution is more than chance and clearly likelier than the others;
    `slip` is the slip of the pen that turns the reported number into the network's own, where one does; `known` is what
    the index of known networks says of it, None where the network has the number itself.
    """

    reported: ReportedNumber
    total: int
    units: tuple[GapUnit, ...]
    solutions: tuple[GapSolution, ...]
    excluded: tuple[GapSolution, ...]
    precisions: tuple[tuple[ReportedNumber, GapSolution | None], ...]
    stated: tuple[StatedFact, ...]
    visited: int
    skipped: tuple[Skipped, ...] = ()
    stands_out: bool = False
    slip: NumberSlip | None = None
    known: IndexAnswer | None = None
