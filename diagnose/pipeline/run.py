"""The one way in: two pipelines compared on images, or one examined."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from diagnose.networks.process_state import drawing_from, quiet, restored
from diagnose.pipeline.compare_pipelines import compare_on_images
from diagnose.pipeline.faults import evidence_of, faults_of
from diagnose.pipeline.sample_images import images_in, write_samples
from diagnose.pipeline.sources.load_pipeline import load_pipeline
from diagnose.pipeline.steps.compare_pictures import without_batch
from diagnose.pipeline.steps.trace import trace
from diagnose.values import PipelineDiff, PipelineExamination, PipelineOutput, Skipped


def compare_pipelines(a: str, b: str, *, images: Path | None = None, train: bool = False) -> PipelineDiff:
    """Compare what two pipelines give to a network, on the images of a folder, else on drawn ones.

    Raises:
        DiagnoseError: a pipeline or the folder is not there (exit code 2), or a pipeline cannot be read or run (3).
    """
    with _undisturbed(), _images(images) as (paths, left_out):
        pipelines = load_pipeline(a, train=train), load_pipeline(b, train=train)
        return compare_on_images(pipelines, paths, left_out)


def examine_pipeline(text: str, *, images: Path | None = None, train: bool = False) -> PipelineExamination:
    """Say what one pipeline gives to a network, and what looks wrong in it.

    Raises:
        DiagnoseError: as of `compare_pipelines`.
    """
    with _undisturbed(), _images(images) as (paths, left_out):
        pipeline = load_pipeline(text, train=train)
        outputs, evidence, skipped = [], [], list(left_out)
        for path in paths:
            traced = trace(pipeline, path)
            if isinstance(traced, Skipped):
                skipped.append(traced)
                continue
            values = without_batch(traced.output)
            bounds = float(values.min()), float(values.max())
            outputs.append(PipelineOutput(path.name, values.shape, str(values.dtype), *bounds))
            evidence.append(evidence_of(pipeline, traced, path))
        return PipelineExamination(pipeline.facts(), tuple(outputs), faults_of(pipeline, evidence), tuple(skipped))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Within, pipelines may draw, print and change the import path; all is as it was afterwards."""
    with quiet(), restored(), drawing_from(0):
        yield


@contextmanager
def _images(folder: Path | None) -> Iterator[tuple[tuple[Path, ...], tuple[Skipped, ...]]]:
    with ExitStack() as stack:
        if folder is not None:
            yield images_in(folder.absolute())
        else:
            yield write_samples(Path(stack.enter_context(TemporaryDirectory()))), ()
