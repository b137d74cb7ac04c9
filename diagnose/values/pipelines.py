"""Preprocessing pipelines: their steps in one vocabulary, and the comparison of two of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from diagnose.values.findings import Skipped


class StepKind(StrEnum):
    """What a step of preprocessing does to an image."""

    DECODE = "decode"
    COLOUR_ORDER = "colour order"
    RESIZE = "resize"
    CROP = "crop"
    PAD = "pad"
    FLIP = "flip"
    COLOUR = "colour"
    RANGE = "range"
    NORMALISE = "normalise"
    LAYOUT = "layout"
    TYPE = "type"
    UNREAD = "unread"


FORM_KINDS = frozenset((StepKind.COLOUR_ORDER, StepKind.RANGE, StepKind.LAYOUT, StepKind.TYPE))
"""What changes how a picture is written down, and not the picture."""

StepValue = str | int | float | bool | tuple[float, ...]
"""What a setting of a step may be; sizes are (height, width)."""


@dataclass(frozen=True, slots=True)
class PipelineStep:
    """One step: what it does, its settings, and the words of the library for it.

    A random step has the distribution's parameters as its settings. Means and standard deviations are in grey levels,
    0 to 255, of the values that the step is given.
    """

    kind: StepKind
    settings: tuple[tuple[str, StepValue], ...] = ()
    source: str = ""
    random: bool = False


@dataclass(frozen=True, slots=True)
class PixelForm:
    """How a picture is written down: "RGB" or "BGR", "HWC" or "CHW", the type, and the grey levels in one unit.

    `levels` is 1 where values go to 255, and 255 where they go to 1. `normalised` says that mean and standard
    deviation are taken out.
    """

    order: str = "RGB"
    layout: str = "HWC"
    dtype: str = "uint8"
    levels: float = 1.0
    normalised: bool = False


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What is known of a pipeline; `form` is that of its output, None where a step cannot be read."""

    name: str
    origin: str
    steps: tuple[PipelineStep, ...]
    form: PixelForm | None
    notes: tuple[str, ...] = ()


class StepStatus(StrEnum):
    """How two pipelines stand to one step, both given the same picture.

    `UNTRIED`: the picture cannot be given to both. `STATED`: a random step, of which the parameters are compared.
    """

    EQUAL = "equal"
    DIFFERS = "differs"
    UNTRIED = "untried"
    STATED_EQUAL = "stated equal"
    STATED_DIFFERENT = "stated different"
    STATED_UNCLEAR = "stated unclear"


class PictureUnit(StrEnum):
    """The unit of a difference of two pictures."""

    LEVELS = "grey levels"
    DEVIATIONS = "standard deviations"
    OUTPUT = "units of the output"


@dataclass(frozen=True, slots=True)
class PictureDifference:
    """The difference of two pictures on one image: the greatest and the mean of its absolute values.

    Where the shapes differ, both are None: pixels have no partners.
    """

    image: str
    unit: PictureUnit
    greatest: float | None
    mean: float | None
    shape_a: tuple[int, ...]
    shape_b: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StepDiff:
    """Steps of two pipelines that stand to each other; either may have none.

    `worst` is the greatest difference over the images, both sides given the same picture; `parted` counts the images
    on which the steps part, `tried` those on which they could be tried. `settings` are the settings that differ.
    """

    steps_a: tuple[PipelineStep, ...]
    steps_b: tuple[PipelineStep, ...]
    status: StepStatus
    worst: PictureDifference | None = None
    parted: int = 0
    tried: int = 0
    settings: tuple[tuple[str, StepValue | None, StepValue | None], ...] = ()


class FormKind(StrEnum):
    """How two outputs may be written down differently."""

    ORDER = "colour order"
    LAYOUT = "layout"
    TYPE = "type"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class FormDifference:
    """A difference in how the two outputs are written down."""

    kind: FormKind
    a: str
    b: str


class PipelineFaultKind(StrEnum):
    """What looks wrong in one pipeline alone."""

    TWICE_DIVIDED = "divided by 255 twice"
    STATISTICS_TOO_LARGE = "statistics of 0 to 255 on values of 0 to 1"
    STATISTICS_TOO_SMALL = "statistics of 0 to 1 on values of 0 to 255"
    STATISTICS_REVERSED = "statistics of the other colour order"
    NO_ANTIALIAS = "made smaller without antialias"


@dataclass(frozen=True, slots=True)
class PipelineFault:
    """A fault that the numbers show; `low` and `high` bound the values that show it, on `image`.

    For `NO_ANTIALIAS`, `high` is the difference in grey levels from the same resize with antialias; `low` is 0.
    """

    kind: PipelineFaultKind
    pipeline: str
    low: float
    high: float
    image: str = ""


class PipelineVerdict(StrEnum):
    """The outcome of a comparison; `SAME` holds within the tolerance, on the images that were tried."""

    SAME = "same"
    DIFFERENT = "different"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class PipelineDiff:
    """Two pipelines compared on images.

    `outputs` are the differences of what reaches the network, one for each image; empty where random steps, which were
    left out, make them meaningless. `varying` are the names of the pipelines that gave two outputs for one image
    though no step says that it is random. `tolerance` is absolute, in the units of the output.
    """

    a: Preprocessing
    b: Preprocessing
    images: tuple[str, ...]
    steps: tuple[StepDiff, ...]
    forms: tuple[FormDifference, ...]
    outputs: tuple[PictureDifference, ...]
    verdict: PipelineVerdict
    tolerance: float
    varying: tuple[str, ...] = ()
    faults: tuple[PipelineFault, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def first(self) -> StepDiff | None:
        """Return the first steps that part, None where none do."""
        parting = (StepStatus.DIFFERS, StepStatus.STATED_DIFFERENT)
        return next((step for step in self.steps if step.status in parting), None)

    @property
    def random(self) -> bool:
        """Say whether either pipeline has a step that draws random numbers."""
        return any(step.random for step in (*self.a.steps, *self.b.steps))


@dataclass(frozen=True, slots=True)
class PipelineOutput:
    """What one pipeline gives for one image: shape, type and extreme values."""

    image: str
    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PipelineExamination:
    """One pipeline alone: what it gives for each image, and what looks wrong."""

    pipeline: Preprocessing
    outputs: tuple[PipelineOutput, ...]
    faults: tuple[PipelineFault, ...]
    skipped: tuple[Skipped, ...] = ()
