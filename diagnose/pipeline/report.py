"""What `diagnose pipeline` says: the answer, the steps side by side, what reaches the network, and what looks wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from diagnose.environment import environment
from diagnose.pipeline import phrases
from diagnose.pipeline.steps.compare_pictures import parts, worse
from diagnose.values import (
    FORM_KINDS,
    Column,
    Finding,
    PictureDifference,
    PipelineDiff,
    PipelineExamination,
    PipelineFault,
    PipelineFaultKind,
    PipelineVerdict,
    Preprocessing,
    Prose,
    Report,
    Section,
    Significance,
    StepDiff,
    StepKind,
    StepStatus,
    Table,
)

SCHEMA = "diagnose.pipeline/1"
PACKAGES = ("torch", "torchvision", "timm", "mmpretrain", "mmcv-lite", "pillow", "opencv-python-headless")

SIGNIFICANCES = {
    StepStatus.DIFFERS: Significance.REAL,
    StepStatus.STATED_DIFFERENT: Significance.REAL,
    StepStatus.STATED_UNCLEAR: Significance.UNDETERMINED,
    StepStatus.UNTRIED: Significance.UNDETERMINED,
    StepStatus.EQUAL: Significance.COSMETIC,
}
"""How the steps of each status count; a step that is stated equal is no finding."""

BY_TRAINING = frozenset((PipelineFaultKind.NO_ANTIALIAS, PipelineFaultKind.STATISTICS_REVERSED))
"""What is a fault only where the network was trained otherwise, which is not known here."""


def diff_report(diff: PipelineDiff) -> Report:
    """Return the report of two pipelines compared."""
    sections = [Section("", tuple(_answer(diff))), Section("Steps", (_steps(diff),))]
    if diff.outputs:
        sections.append(Section("What reaches the network", (_outputs(diff),), folded=True))
    sections.append(Section("Every step of each", (_every_step((diff.a, diff.b)),), folded=True))
    sections.append(Section("Where the pipelines are read", (_sources((diff.a, diff.b)),), folded=True))
    return Report(
        schema=SCHEMA,
        title=f"Pipeline {diff.a.name} against {diff.b.name}",
        environment=environment(PACKAGES),
        sections=tuple(sections),
        findings=(*_step_findings(diff), *_form_findings(diff), *map(_fault_finding, diff.faults)),
        skipped=diff.skipped,
        data={
            "verdict": diff.verdict.value,
            "a": asdict(diff.a),
            "b": asdict(diff.b),
            "images": list(diff.images),
            "steps": [_step_data(step) for step in diff.steps],
            "forms": [asdict(form) for form in diff.forms],
            "outputs": [_difference_data(output) for output in diff.outputs],
            "tolerance": diff.tolerance,
            "varying": list(diff.varying),
            "faults": [asdict(fault) for fault in diff.faults],
        },
    )


def examination_report(examination: PipelineExamination) -> Report:
    """Return the report of one pipeline."""
    pipeline = examination.pipeline
    rows = tuple(
        (output.image, phrases.shape_text(output.shape), output.dtype, f"{output.low:.4g}", f"{output.high:.4g}")
        for output in examination.outputs
    )
    columns = (Column("Image"), Column("Shape"), Column("Type", low_priority=True), Column("Lowest"), Column("Highest"))
    said = [Prose(phrases.alone_text(examination), "verdict"), *map(Prose, pipeline.notes)]
    if any(step.random for step in pipeline.steps):
        said.append(Prose(phrases.RANDOM, "caution"))
    steps = tuple((phrases.step_text(step), step.source) for step in pipeline.steps)
    return Report(
        schema=SCHEMA,
        title=f"Pipeline {pipeline.name}",
        environment=environment(PACKAGES),
        sections=(
            Section("", tuple(said)),
            Section("Steps", (Table("", (Column("Step"), Column("In its code", low_priority=True)), steps),)),
            Section("What reaches the network", (Table("", columns, rows),)),
        ),
        findings=tuple(map(_fault_finding, examination.faults)),
        skipped=examination.skipped,
        data={
            "a": asdict(pipeline),
            "outputs": [asdict(output) for output in examination.outputs],
            "faults": [asdict(fault) for fault in examination.faults],
        },
    )


def _answer(diff: PipelineDiff) -> list[Prose]:
    said = [Prose(phrases.verdict_text(diff), "verdict")]
    worst = _worst(diff.outputs)
    if worst is not None and parts(worst):
        said.append(Prose(phrases.end_text(diff, worst)))
    steps = (*diff.a.steps, *diff.b.steps)
    if diff.random:
        said.append(Prose(phrases.RANDOM, "caution"))
    if any(step.kind is StepKind.UNREAD and not step.random for step in steps):
        said.append(Prose(phrases.UNREAD, "caution"))
    if diff.verdict is PipelineVerdict.SAME:
        said.append(Prose(phrases.JPEG, "caution"))
    return said


def _worst(outputs: Sequence[PictureDifference]) -> PictureDifference | None:
    worst: PictureDifference | None = None
    for output in outputs:
        worst = worse(worst, output)
    return worst


def _steps(diff: PipelineDiff) -> Table:
    columns = (Column("Step"), Column("A"), Column("B"), Column("From the same picture"), Column("Difference"))
    rows = tuple(_row(step) for step in diff.steps)
    marked = tuple(index for index, step in enumerate(diff.steps) if step is diff.first)
    return Table("", columns, rows, marked=marked, note=f"A is {diff.a.name}, B is {diff.b.name}.")


def _row(step: StepDiff) -> tuple[str, ...]:
    alike = [part.kind for part in step.steps_a if part.kind not in FORM_KINDS] == [
        part.kind for part in step.steps_b if part.kind not in FORM_KINDS
    ]
    text_a = phrases.steps_text(step.steps_a, named=not alike)
    text_b = phrases.steps_text(step.steps_b, named=not alike)
    distance = phrases.distance_text(step.worst) if step.worst is not None else ""
    shown_b = "as A" if text_a == text_b and not step.settings else text_b
    return phrases.kinds_text(step), text_a, shown_b, phrases.STATUS_WORDS[step.status], distance


def _every_step(pipelines: Sequence[Preprocessing]) -> Table:
    rows = tuple(
        (side, phrases.step_text(step), step.source)
        for side, pipeline in zip("AB", pipelines, strict=True)
        for step in pipeline.steps
    )
    return Table("", (Column("Pipeline"), Column("Step"), Column("In its code")), rows)


def _outputs(diff: PipelineDiff) -> Table:
    unit = diff.outputs[0].unit.value
    columns = (
        Column("Image"), Column("A"), Column("B"), Column(f"Greatest, {unit}", numeric=True),
        Column("Mean", numeric=True),
    )  # fmt: skip
    rows = tuple(
        (
            output.image,
            phrases.shape_text(output.shape_a),
            phrases.shape_text(output.shape_b),
            output.greatest,
            output.mean,
        )
        for output in diff.outputs
    )
    return Table("", columns, rows)


def _sources(pipelines: Sequence[Preprocessing]) -> Table:
    rows = tuple((pipeline.name, pipeline.origin, " ".join(pipeline.notes)) for pipeline in pipelines)
    return Table("", (Column("Pipeline"), Column("Read in"), Column("Note")), rows)


# ---------------------------------------------------------------------------------------------- findings


def _step_findings(diff: PipelineDiff) -> list[Finding]:
    reaches = diff.verdict is PipelineVerdict.DIFFERENT
    findings = []
    for step in diff.steps:
        if step.status not in SIGNIFICANCES or (step.status is StepStatus.EQUAL and not _shows(step)):
            continue
        significance = SIGNIFICANCES[step.status]
        if step.status is StepStatus.DIFFERS and not reaches:
            significance = Significance.COSMETIC
        message = phrases.step_message(step, reaches=reaches)
        kind = f"pipeline.{phrases.kinds_text(step)}"
        findings.append(Finding(kind, significance, (diff.a.name, diff.b.name), max(step.parted, 1), message))
    return findings


def _shows(step: StepDiff) -> bool:
    return bool(step.settings) or not step.steps_a or not step.steps_b


def _form_findings(diff: PipelineDiff) -> list[Finding]:
    names = (diff.a.name, diff.b.name)
    return [
        Finding(f"pipeline.{form.kind.value}", Significance.REAL, names, 1, phrases.form_text(form))
        for form in diff.forms
    ]


def _fault_finding(fault: PipelineFault) -> Finding:
    significance = Significance.UNDETERMINED if fault.kind in BY_TRAINING else Significance.REAL
    return Finding(f"pipeline.{fault.kind.value}", significance, (fault.pipeline,), 1, phrases.fault_text(fault))


# -------------------------------------------------------------------------------------------------- data


def _step_data(step: StepDiff) -> dict[str, Any]:
    return {
        "status": step.status.value,
        "a": [asdict(part) for part in step.steps_a],
        "b": [asdict(part) for part in step.steps_b],
        "worst": None if step.worst is None else _difference_data(step.worst),
        "parted": step.parted,
        "tried": step.tried,
        "settings": [{"name": name, "a": a, "b": b} for name, a, b in step.settings],
    }


def _difference_data(difference: PictureDifference) -> dict[str, Any]:
    """Return a difference for JSON, which has no NaN: there it is null, as for shapes that differ."""
    data = asdict(difference)
    for key in ("greatest", "mean"):
        if data[key] is not None and not math.isfinite(data[key]):
            data[key] = None
    return data
