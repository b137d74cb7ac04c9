"""Two pipelines on every image: blocks of steps, outputs, and what looks wrong in either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from diagnose.pipeline.faults import ImageEvidence, evidence_of, faults_of
from diagnose.pipeline.runnable import RunnablePipeline
from diagnose.pipeline.steps.align_steps import StepBlock, align_steps
from diagnose.pipeline.steps.compare_pictures import TOLERANCES, form_differences, output_difference, output_unit
from diagnose.pipeline.steps.compare_steps import block_differences
from diagnose.pipeline.steps.judge_steps import Doubts, judged_block, verdict_of
from diagnose.pipeline.steps.trace import Trace, trace
from diagnose.values import FormDifference, PictureDifference, PipelineDiff, Skipped, StepDiff

Pipelines = tuple[RunnablePipeline, RunnablePipeline]


@dataclass(frozen=True)
class ImageComparison:
    """What one image shows of two pipelines; `output` is None where random steps are left out."""

    blocks: tuple[PictureDifference | None, ...]
    output: PictureDifference | None
    forms: tuple[FormDifference, ...]
    evidence: tuple[ImageEvidence, ImageEvidence]
    reproduced: tuple[bool, bool]
    varies: tuple[bool, bool]


def compare_on_images(pipelines: Pipelines, paths: Sequence[Path], left_out: Sequence[Skipped]) -> PipelineDiff:
    """Compare two pipelines on images; an image on which either fails is skipped, with the error as its reason."""
    a, b = pipelines
    blocks = align_steps(a, b)
    skipped, compared, one_sided = list(left_out), [], False
    for path in paths:
        trace_a, trace_b = trace(a, path), trace(b, path)
        failures = [traced for traced in (trace_a, trace_b) if isinstance(traced, Skipped)]
        skipped += failures
        one_sided |= len(failures) == 1
        if isinstance(trace_a, Trace) and isinstance(trace_b, Trace):
            compared.append(_on_image(path, pipelines, (trace_a, trace_b), blocks))
    unfaithful = tuple(_unfaithful(pipelines, compared))
    steps = () if unfaithful else _steps(pipelines, blocks, compared)
    forms = tuple(dict.fromkeys(form for comparison in compared for form in comparison.forms))
    outputs = tuple(comparison.output for comparison in compared if comparison.output is not None)
    varying = tuple(
        pipeline.name
        for side, pipeline in enumerate(pipelines)
        if any(comparison.varies[side] for comparison in compared)
    )
    doubts = Doubts(random=a.random or b.random, varying=bool(varying), one_sided=one_sided)
    facts = a.facts(), b.facts()
    return PipelineDiff(
        *facts,
        images=tuple(comparison.evidence[0].image for comparison in compared),
        steps=steps,
        forms=forms,
        outputs=outputs,
        verdict=verdict_of(steps, forms, outputs, doubts=doubts),
        tolerance=TOLERANCES[output_unit(facts[0].form, facts[1].form)],
        varying=varying,
        faults=tuple(
            fault
            for side, pipeline in enumerate(pipelines)
            for fault in faults_of(pipeline, [comparison.evidence[side] for comparison in compared])
        ),
        skipped=(*skipped, *unfaithful),
    )


def _on_image(
    path: Path, pipelines: Pipelines, traces: tuple[Trace, Trace], blocks: Sequence[StepBlock]
) -> ImageComparison:
    forms = pipelines[0].facts().form, pipelines[1].facts().form
    outputs = traces[0].output, traces[1].output
    random = any(pipeline.random for pipeline in pipelines)
    return ImageComparison(
        blocks=block_differences(path, pipelines, traces, blocks),
        output=None if random else output_difference(path.name, outputs, forms),
        forms=form_differences(outputs, forms),
        evidence=(evidence_of(pipelines[0], traces[0], path), evidence_of(pipelines[1], traces[1], path)),
        reproduced=(traces[0].reproduced, traces[1].reproduced),
        varies=(traces[0].varies, traces[1].varies),
    )


def _steps(
    pipelines: Pipelines, blocks: Sequence[StepBlock], compared: Sequence[ImageComparison]
) -> tuple[StepDiff, ...]:
    same_library = pipelines[0].origin == pipelines[1].origin
    return tuple(
        judged_block(block, [comparison.blocks[index] for comparison in compared], same_library=same_library)
        for index, block in enumerate(blocks)
    )


def _unfaithful(pipelines: Pipelines, compared: Sequence[ImageComparison]) -> Iterator[Skipped]:
    """Yield the pipelines whose calls one by one do not give what the library gives: their steps prove nothing."""
    for side, pipeline in enumerate(pipelines):
        failing = [comparison for comparison in compared if not comparison.reproduced[side]]
        if failing and not any(comparison.varies[side] for comparison in failing):
            reason = f"run one by one, its steps do not give its output for {failing[0].evidence[side].image}"
            yield Skipped(f"the steps of {pipeline.name}", reason)
