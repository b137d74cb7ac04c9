"""What is said of pipelines: every sentence of their reports."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.values import (
    FORM_KINDS,
    FormDifference,
    FormKind,
    PictureDifference,
    PictureUnit,
    PipelineDiff,
    PipelineExamination,
    PipelineFault,
    PipelineFaultKind,
    PipelineStep,
    PipelineVerdict,
    StepDiff,
    StepKind,
    StepStatus,
    StepValue,
)
from diagnose.wording import counted

STATUS_WORDS = {
    StepStatus.EQUAL: "the same",
    StepStatus.DIFFERS: "differs",
    StepStatus.UNTRIED: "cannot be compared alone",
    StepStatus.STATED_EQUAL: "random, the same code and parameters",
    StepStatus.STATED_DIFFERENT: "random, other parameters",
    StepStatus.STATED_UNCLEAR: "random, not settled by its parameters",
}

BARE = frozenset(("rule", "interpolation", "by", "stated", "to"))
"""Settings of which the value says what it is."""

MOST_SETTINGS = 4
"""How many settings that differ the answer names; the finding names all."""

UNREAD = "A step that cannot be read is compared by the final output alone."
RANDOM = (
    "Random steps were left out, and their stated parameters were compared: one draw proves nothing, and how the draws "
    "are distributed was not tested."
)
JPEG = "Other images, and other versions of the libraries that decode them, may differ."


def value_text(value: StepValue | None) -> str:
    """Return a setting as a reader expects it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "x".join(str(side) for side in value) if _is_size(value) else ", ".join(f"{part:g}" for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_size(value: tuple[float, ...]) -> bool:
    return len(value) == 2 and all(isinstance(side, int) for side in value)


def step_text(step: PipelineStep) -> str:
    """Return a step with its settings: "resize: rule short side, size 256"."""
    name = f"{step.source}, unread" if step.kind is StepKind.UNREAD else step.kind.value
    name = f"random {name}" if step.random else name
    settings = settings_of(step)
    return f"{name}: {settings}" if settings else name


def settings_of(step: PipelineStep) -> str:
    """Return the settings of a step: "short side, size 256, bilinear"."""
    return ", ".join(
        value_text(value) if key in BARE and isinstance(value, str) else f"{key} {value_text(value)}"
        for key, value in step.settings
    )


def steps_text(steps: Sequence[PipelineStep], *, named: bool) -> str:
    """Return what some steps do to the picture, one after another, with the names of the steps where asked."""
    shown = [step for step in steps if step.kind not in FORM_KINDS]
    texts = [step_text(step) if named else settings_of(step) for step in shown]
    return "; ".join(filter(None, texts)) or "–"


def kinds_text(step: StepDiff) -> str:
    """Return the name of some steps that stand to each other."""
    names = dict.fromkeys(
        part.source if part.kind is StepKind.UNREAD else part.kind.value
        for part in (*step.steps_a, *step.steps_b)
        if part.kind not in FORM_KINDS
    )
    return ", ".join(names) or "form"


def settings_text(step: StepDiff) -> str:
    """Return the settings that differ: "size 232 against 235"."""
    if not step.steps_a or not step.steps_b:
        return "in B alone" if not step.steps_a else "in A alone"
    return "; ".join(f"{key} {value_text(a)} against {value_text(b)}" for key, a, b in step.settings)


def distance_text(difference: PictureDifference) -> str:
    """Return how far two pictures are apart."""
    if difference.greatest is None or difference.mean is None:
        return f"{shape_text(difference.shape_a)} against {shape_text(difference.shape_b)}"
    if not difference.greatest:
        return "0"
    return f"up to {difference.greatest:.3g} {difference.unit.value}, {difference.mean:.3g} on average"


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as 3x224x224."""
    return "x".join(map(str, shape))


def form_text(form: FormDifference) -> str:
    """Return a difference in how the outputs are written down."""
    names = {FormKind.ORDER: "colour order", FormKind.LAYOUT: "layout", FormKind.TYPE: "type", FormKind.RANGE: "range"}
    return f"{names[form.kind]} {form.a} against {form.b}"


def verdict_text(diff: PipelineDiff) -> str:
    """Return the answer in one sentence."""
    a, b = diff.a.name, diff.b.name
    if diff.verdict is PipelineVerdict.SAME and diff.random:
        return f"{a} and {b} are the same code with the same parameters, and their other steps give the same pictures."
    if diff.verdict is PipelineVerdict.SAME:
        images = counted(len(diff.images), "image")
        return f"{a} and {b} give the network the same on all {images}: {_tolerance(diff)} apart at most."
    if diff.verdict is PipelineVerdict.DIFFERENT:
        return f"{a} and {b} do not give the network the same: {_first(diff)}."
    return f"Whether {a} and {b} give the network the same is undetermined: {_open(diff)}."


def _tolerance(diff: PipelineDiff) -> str:
    unit = diff.outputs[0].unit if diff.outputs else PictureUnit.OUTPUT
    return f"{diff.tolerance:g} {unit.value}"


def _first(diff: PipelineDiff) -> str:
    first = diff.first
    if first is not None:
        settings = settings_text(first) if len(first.settings) <= MOST_SETTINGS else ""
        return f"the first step that differs is {kinds_text(first)}" + (f" ({settings})" if settings else "")
    if diff.forms:
        return ", ".join(map(form_text, diff.forms))
    return "at which step cannot be told"


def _open(diff: PipelineDiff) -> str:
    if diff.varying:
        return f"{' and '.join(diff.varying)} gave two outputs for one image, so a step is random that does not say so"
    if not diff.images:
        return "no image went through both"
    if diff.random:
        return "random steps of which the parameters settle nothing"
    return "one of them fails on an image that the other takes"


def end_text(diff: PipelineDiff, worst: PictureDifference) -> str:
    """Return how far apart the outputs are on the worst image."""
    apart = distance_text(worst)
    if worst.greatest is None:
        return f"What reaches the network has other shapes: {apart} on {worst.image}."
    images = counted(len(diff.outputs), "image")
    return f"What reaches the network differs by {apart}, on {worst.image}, the worst of {images}."


def step_message(step: StepDiff, *, reaches: bool) -> str:
    """Return the message of a finding about some steps; `reaches` says whether the outputs differ."""
    settings = settings_text(step)
    named = f"{kinds_text(step)}: {settings}" if settings else kinds_text(step)
    if step.status is StepStatus.EQUAL:
        return f"{named}, and the pictures are the same on all {counted(step.tried, 'image')}"
    if step.status is StepStatus.DIFFERS and step.worst is not None:
        where = f"{distance_text(step.worst)} on {step.worst.image}, from the same picture"
        suffix = "" if reaches else "; it does not reach the output"
        return f"{named}; {where}; on {step.parted} of {counted(step.tried, 'image')}{suffix}"
    return f"{named}; {STATUS_WORDS[step.status]}"


def fault_text(fault: PipelineFault) -> str:
    """Return what looks wrong in one pipeline, with what shows it."""
    values = f"values from {fault.low:.4g} to {fault.high:.4g}"
    said = {
        PipelineFaultKind.TWICE_DIVIDED: f"divides by 255 twice: black to white become {values}",
        PipelineFaultKind.STATISTICS_TOO_LARGE: f"normalises {values} by a mean and a deviation made for 0 to 255",
        PipelineFaultKind.STATISTICS_TOO_SMALL: f"normalises {values} by a mean and a deviation made for 0 to 1",
        PipelineFaultKind.STATISTICS_REVERSED: "normalises by a known mean of the channels in the other colour order",
        PipelineFaultKind.NO_ANTIALIAS: "makes images smaller without antialias: "
        f"{fault.high:.3g} grey levels on average from PIL's resize on {fault.image}",
    }
    return f"{fault.pipeline} {said[fault.kind]}"


def alone_text(examination: PipelineExamination) -> str:
    """Return the answer about one pipeline."""
    shapes = dict.fromkeys(output.shape for output in examination.outputs)
    name, faults = examination.pipeline.name, len(examination.faults)
    looks = "nothing looks wrong by itself" if not faults else f"{counted(faults, 'thing')} may be wrong"
    if not shapes:
        return f"{name} took none of the images."
    sizes = shape_text(next(iter(shapes))) if len(shapes) == 1 else "images of several sizes"
    return f"{name} gives the network {sizes}; {looks}."
