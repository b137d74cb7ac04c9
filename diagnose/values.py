"""Every value that crosses a folder: frozen, without torch, with raw numbers and units in the names.

Read this first. A capability measures and returns its own values (`ParamTable`, …), its `report.py` turns them
into a `Report`, and every renderer draws any `Report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Literal

# --------------------------------------------------------------------------------------------- models


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A MODEL as the user typed it, parsed: `source:name(key=value, …)`; an alias has the source "alias"."""

    text: str
    source: str
    name: str
    kwargs: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module or tensor stands in a network's anatomy.

    `stage` is "stem", "stage 1", "transition 1" or "head"; `block` is the path of its residual block, transformer
    layer or dense layer, else ""; `branch` is "residual", "shortcut", "second-order" or "".
    """

    stage: str = ""
    block: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input tensor of a forward pass: its shape with the batch first, and its element type ("float32", "int64").

    `name` is the keyword it is given as, "mask", or its place in one, "batch.mask" or "images.0"; "" is positional.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""

    def __str__(self) -> str:
        text = "x".join(map(str, self.shape))
        typed = text if self.dtype == "float32" else f"{text}:{self.dtype}"
        return f"{self.name}={typed}" if self.name else typed


# ----------------------------------------------------------------------------------------- parameters


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
class Reported:
    """A number as a document states it, and the whole numbers it may stand for, both ends included.

    `rounded` if it was rounded to its last digit, `truncated` if the digits behind were cut off.
    """

    text: str
    unit: int
    rounded: tuple[int, int]
    truncated: tuple[int, int]

    def readings(self, value: float) -> tuple[str, ...]:
        """Return which readings ("rounded", "truncated") a value satisfies."""
        named = (("rounded", self.rounded), ("truncated", self.truncated))
        return tuple(name for name, (low, high) in named if low <= value <= high)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a document states of a model and the gap search must keep: a facet such as "blocks", and the source."""

    facet: str
    source: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A set of edits, with a counting convention, under which a model has the reported number of parameters.

    `total` is the count of the edited model under the convention, `value` the same in the convention's unit; `fits`
    names the readings it satisfies. `verified` is True where the edited model was really built and counted.
    `excluded` names the stated facets that it contradicts; `also` gives the other rows of the same table, each with
    its count and whether it fits.
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
    excluded: tuple[Stated, ...] = ()
    also: tuple[tuple[str, int, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class GapUnit:
    """What one plain edit adds, and between how many of them the gap is under each reading."""

    text: str
    parameters: int
    rounded: tuple[float, float]
    truncated: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ParameterGap:
    """A parameter gap explained: the candidates that close it, the likeliest first.

    `excluded` contradict what a document states; `precisions` gives for each other precision of the reported number
    the candidate that would stand first there, None where nothing fits. `visited` counts the candidates looked at.
    """

    reported: Reported
    total: int
    units: tuple[GapUnit, ...]
    candidates: tuple[Candidate, ...]
    excluded: tuple[Candidate, ...]
    precisions: tuple[tuple[Reported, Candidate | None], ...]
    stated: tuple[Stated, ...]
    visited: int
    skipped: tuple[Skipped, ...] = ()


# ------------------------------------------------------------------------------------------- operations


@dataclass(frozen=True, slots=True)
class FlopRow:
    """What one operator does in one module: `count` calls, `macs` multiply-accumulates, `operations` beside them.

    `path` is the innermost module that runs it, "" the model itself. `elements` are those of its outputs, `read`
    those of its first operand, both over all calls. `activation_bytes` are what it newly writes. `backward` is True
    for what the backward pass does.
    """

    path: str
    op: str
    kind: str
    place: Place
    count: int
    macs: int
    operations: int
    elements: int
    read: int
    activation_bytes: int
    backward: bool = False

    @property
    def flops(self) -> int:
        """Return 2 × MACs plus the other operations."""
        return 2 * self.macs + self.operations


@dataclass(frozen=True, slots=True)
class Uncounted:
    """An operator without a formula: `where` lists the modules that run it; `parameters` says whether it reads any."""

    op: str
    count: int
    where: tuple[str, ...]
    parameters: bool


@dataclass(frozen=True, slots=True)
class LayerBytes:
    """The bytes of the parameters that a module owns itself, each tied parameter at its first path."""

    path: str
    place: Place
    parameter_bytes: int


@dataclass(frozen=True, slots=True)
class FlopTable:
    """A model's operations on given inputs, in the order in which they first ran.

    `convention` says what one of `macs` is. `saved_bytes` is what a training step keeps for its backward pass, None
    where only the forward pass was counted. `skipped` says what the count could not follow.
    """

    rows: tuple[FlopRow, ...]
    convention: str
    uncounted: tuple[Uncounted, ...]
    inputs: tuple[InputSpec, ...]
    layers: tuple[LayerBytes, ...] = ()
    saved_bytes: int | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates of all rows."""
        return sum(row.macs for row in self.rows)

    @property
    def flops(self) -> int:
        """Return 2 × MACs plus all other operations."""
        return sum(row.flops for row in self.rows)

    @property
    def trained(self) -> bool:
        """Return whether a whole training step was counted."""
        return self.saved_bytes is not None

    @property
    def hadamard(self) -> int:
        """Return the elements of the Hadamard products of the forward pass."""
        return sum(row.elements for row in self.rows if row.kind == "Hadamard product")

    @property
    def lower_bound(self) -> bool:
        """Return whether an operator that reads parameters stands outside every total."""
        return any(item.parameters for item in self.uncounted)


# ------------------------------------------------------------------------------------------- judgement


class Verdict(StrEnum):
    """How a difference is judged; "undetermined" is an honest answer."""

    REAL = "real"
    COSMETIC = "cosmetic"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured, counted or tried, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, judged: `where` lists its places, `count` how often it stands there ("×6 blocks")."""

    kind: str
    verdict: Verdict
    where: tuple[str, ...]
    count: int
    message: str
    evidence: tuple[str, ...] = ()


# -------------------------------------------------------------------------------------- graphs and diffs


@dataclass(frozen=True, slots=True)
class Node:
    """One operation or leaf of a graph: `inputs` are the ids of the nodes it reads, `attributes` its constants.

    A leaf has the op "input", "parameter", "buffer" or "constant" and, but for a constant, its `name` in the module
    tree. `source` is "file:line"; `notes` say which rules of the canonical form made the node.
    """

    id: int
    op: str
    module_path: str
    attributes: tuple[tuple[str, Any], ...]
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def get(self, attribute: str, default: Any = None) -> Any:
        """Return the value of an attribute, or `default` where the node has none of that name."""
        return next((value for name, value in self.attributes if name == attribute), default)


@dataclass(frozen=True, slots=True)
class Graph:
    """What a network computes in one mode, in topological order: `nodes[i].id == i`.

    `outputs` are its results; `effects` are nodes that are kept for what they do to a buffer, not for their value.
    `capture` says how it was read: "export" or "recorder".
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    effects: tuple[int, ...]
    training: bool
    capture: str


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


# --------------------------------------------------------------------------------------------- recipes


class NotStated(Enum):
    """What a recipe does not say: a value of its own, equal to nothing that is stated."""

    NOT_STATED = "not stated"

    def __str__(self) -> str:
        return "not stated"


NOT_STATED = NotStated.NOT_STATED


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the learning rate moves: `kind` is "constant", "step", "cosine", "one-cycle" or "other".

    "step" multiplies by `gamma` at each of `milestones`, in epochs; "one-cycle" rises to `peak`. `text` describes
    what is "other", which no probe can run.
    """

    kind: str
    milestones: tuple[float, ...] = ()
    gamma: float = 0.1
    peak: float = 0.0
    text: str = ""

    def __str__(self) -> str:
        if self.kind == "step":
            return f"×{self.gamma:g} at {', '.join(f'{epoch:g}' for epoch in self.milestones)}"
        if self.kind == "one-cycle":
            return f"one-cycle to {self.peak:g}"
        return self.text or self.kind


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Mean and standard deviation of each channel, in units of 0–255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"mean {mean}; std {std}"


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Zero-padding and the side of the random crop, in pixels (0: no crop); the probability of a horizontal flip.

    `other` names what stands beside them, which no probe can run.
    """

    pad: int = 0
    crop: int = 0
    flip: float = 0.0
    other: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"pad {self.pad}, random crop {self.crop}"] if self.crop else []
        parts += [f"horizontal flip {self.flip:g}"] if self.flip else []
        return ", ".join((*parts, *self.other)) or "none"


SettingValue = str | int | float | bool | Schedule | Normalisation | Augmentation | NotStated


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a recipe: what it is set to, and where that is read."""

    key: str
    value: SettingValue
    source: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained. A key that has no setting is not stated; `recipe.fields` lists the keys."""

    name: str
    title: str
    settings: tuple[Setting, ...]

    def get(self, key: str) -> SettingValue:
        """Return the value of a field, `NOT_STATED` where the recipe does not say."""
        return next((setting.value for setting in self.settings if setting.key == key), NOT_STATED)

    def source(self, key: str) -> str:
        """Return where a field's value is read, or an empty string."""
        return next((setting.source for setting in self.settings if setting.key == key), "")

    def moved(self, settings: Iterable[Setting]) -> Recipe:
        """Return this recipe with other settings in place of its own."""
        new = {setting.key: setting for setting in settings}
        kept = tuple(setting for setting in self.settings if setting.key not in new)
        return Recipe(self.name, self.title, (*kept, *new.values()))


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field of two recipes: `status` is "differs", "unstated" (in one of them), "equal" or "both unstated"."""

    key: str
    title: str
    a: SettingValue
    b: SettingValue
    status: str
    verdict: Verdict
    why: str
    source_a: str
    source_b: str


@dataclass(frozen=True, slots=True)
class RecipeDiff:
    """Two recipes compared, every field in order; `findings` are their differences.

    `flagged` is what makes the accuracy of either doubtful, whatever it is compared with.
    """

    a: Recipe
    b: Recipe
    fields: tuple[FieldDiff, ...]
    findings: tuple[Finding, ...]
    flagged: tuple[Finding, ...]

    def having(self, status: str) -> tuple[FieldDiff, ...]:
        """Return the fields of one status."""
        return tuple(field for field in self.fields if field.status == status)


# ---------------------------------------------------------------------------------------------- probes


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What one epoch of a trial came to: the mean training loss, the test accuracy 0–1, and its seconds."""

    epoch: int
    train_loss: float
    test_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One training from one seed: the accuracy 0–1 of its last epoch, None where it did not get there.

    `changed` are the fields that its arm moves, each with the value it is moved to; `steps` and `images` are what
    the whole trial takes. `status` is "done", "diverged in step N", "failed: …" or "not finished". `layout` is that of
    the images in memory, `engine` what runs the forward pass, `micro_batch` the images of one forward pass where a
    batch is divided.
    """

    model: str
    arm: str
    recipe: str
    changed: tuple[tuple[str, str], ...]
    seed: int
    epochs: int
    steps: int
    images: int
    data: str
    device: str
    precision: str
    threads: int
    curve: tuple[EpochResult, ...]
    accuracy: float | None
    status: str
    layout: str = "channels-last"
    engine: str = "eager"
    micro_batch: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What moving a factor does to the accuracy, in points, after so many `steps` and no others: the difference of two
    arms with its interval.

    `verdict` is "effect", "no effect larger than x" (x is `bound`) or "undetermined", and `note` says why where that
    is not the noise alone. `p` is corrected for the number of `tests`, `p_single` is not. `n` is the number of seeds;
    with `diverged` trials among them there is no difference, and it is NaN. `smallest_detectable` is the effect that
    as many seeds show in 80 % of the cases; `seeds_needed` would settle it. `share_of_gap` has its own interval.
    `against` is the arm that it is compared with.
    """

    factor: str
    start: str
    end: str
    model: str
    steps: int
    difference: float
    low: float
    high: float
    n: int
    paired: bool
    p: float
    verdict: str
    bound: float
    smallest_detectable: float
    seeds_needed: int | None
    share_of_gap: float | None
    note: str = ""
    epochs: int = 0
    p_single: float = 1.0
    tests: int = 1
    diverged: int = 0
    share_low: float | None = None
    share_high: float | None = None
    against: str = "start"


# ----------------------------------------------------------------------------------------------- cases


class Ruling(StrEnum):
    """How a claim is judged by its evidence."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a case: what is said, by whom, and in `settings` what its kind needs to test it.

    `holds` is False where the document says that it is not so. `line` is where the case file states it.
    """

    id: str
    kind: str
    says: str
    source: str
    holds: bool
    settings: tuple[tuple[str, Any], ...]
    line: int

    def get(self, key: str, default: Any = None) -> Any:
        """Return a setting, or `default` where the case file leaves it out."""
        return next((value for name, value in self.settings if name == key), default)


@dataclass(frozen=True, slots=True)
class Case:
    """A reproduction and what is claimed of it; `models` maps the case's names to MODEL texts, `trials` is the file of
    trials that goes with it, and `trusted` says whether code that it names may be run."""

    name: str
    title: str
    summary: str
    models: tuple[tuple[str, str], ...]
    claims: tuple[Claim, ...]
    trusted: bool = False
    trials: str = ""

    def model(self, name: str) -> str:
        """Return the MODEL text of one of the case's names."""
        return dict(self.models)[name]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A claim judged: the ruling, the answer in a sentence, and the evidence it was computed from.

    `data` is JSON-able; `reused` says that it stands from an earlier run.
    """

    claim: Claim
    ruling: Ruling
    answer: str
    evidence: tuple[Item, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    reused: bool = False


# --------------------------------------------------------------------------------------------- reports

Cell = str | int | float | None
"""A table's cell: integers are drawn with thousands separators, None as an empty cell."""

Tone = Literal["plain", "verdict", "good", "bad", "caution", "hint", "note"]


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph of plain text. The tone colours it; the words alone carry the meaning.

    "verdict" is the answer in one sentence and stands first; "caution" limits what may be concluded; "hint" says
    which command looks deeper; "note" is said in passing. A pair of backticks marks code, here and in a finding's
    message.
    """

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; numbers are right-aligned. `low_priority` columns go first where the width is short.

    The cells of a `verdict` column are the word of a `Verdict` or a `Ruling`, drawn with its sign.
    """

    title: str
    numeric: bool = False
    low_priority: bool = False
    verdict: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of raw cells, rows as long as `columns`; `total` is a last row set apart; `marked` rows stand out.

    `links` names for each row the `anchor` of the section that it leads to.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    marked: tuple[int, ...] = ()
    note: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One aligned row of two module trees: None where a side has nothing there. `depth` indents from 0."""

    depth: int
    a: str | None
    b: str | None
    verdict: Verdict | None = None
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class AlignedTree:
    """Two module trees side by side with aligned rows."""

    title: str
    a: str
    b: str
    rows: tuple[TreeRow, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, of `value` in the figure's unit."""

    label: str
    value: float
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart from zero; bars are drawn in the given order."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: the change it makes, signed, in the figure's unit."""

    label: str
    change: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From a start through signed steps; `band` is the target interval, `band_label` its name."""

    title: str
    unit: str
    start_label: str
    start: float
    steps: tuple[Step, ...]
    end_label: str
    band: tuple[float, float] | None = None
    band_label: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of points with an optional spread (lower and upper y at each x)."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over a common axis."""

    title: str
    x_unit: str
    y_unit: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A point with its interval."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Points with intervals on one axis, around a reference value."""

    title: str
    unit: str
    intervals: tuple[Interval, ...]
    reference: float = 0.0


Figure = Bars | Waterfall | Curves | Intervals


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; a folded section opens on demand (HTML) or is left to the other formats.

    `verdict` is the word of a `Verdict` or a `Ruling` on what the title says; `anchor` names the section for links.
    """

    title: str
    items: tuple[Prose | Table | AlignedTree | Figure | Section, ...]
    folded: bool = False
    verdict: str = ""
    anchor: str = ""


Item = Prose | Table | AlignedTree | Figure | Section
"""What stands under a section's heading."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a command has to say, drawn by any renderer.

    `schema` is "diagnose.<command>/<version>"; `environment` names versions and platform; `data` is JSON-able and
    holds the raw numbers, and its keys are only ever added.
    """

    schema: str
    title: str
    environment: Mapping[str, str]
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
