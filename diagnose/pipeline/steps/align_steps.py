"""Which steps of two pipelines stand to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product

from diagnose.pipeline.runnable import RunnablePipeline, RunnableStep
from diagnose.values import FORM_KINDS, PipelineStep, PixelForm, StepKind

SegmentKey = tuple[tuple[StepKind, bool], ...]


@dataclass(frozen=True)
class Segment:
    """Calls of which the last alone may change the picture; those before it change how it is written down.

    `start` is the number of calls of the pipeline before it, `given` the form of the picture that it gets.
    """

    calls: tuple[RunnableStep, ...]
    start: int
    given: PixelForm | None

    @property
    def end(self) -> int:
        """Return the number of calls of the pipeline up to its end."""
        return self.start + len(self.calls)

    @property
    def steps(self) -> tuple[PipelineStep, ...]:
        """Return its steps in order."""
        return tuple(step for call in self.calls for step in call.steps)

    @property
    def key(self) -> SegmentKey:
        """Return what it does to the picture, and whether by random numbers."""
        return tuple((step.kind, step.random) for step in self.steps if step.kind not in FORM_KINDS)


@dataclass(frozen=True)
class StepBlock:
    """Segments of two pipelines that stand to each other; `read` is false for what follows an unread step."""

    a: tuple[Segment, ...]
    b: tuple[Segment, ...]
    read: bool = True

    @property
    def random(self) -> bool:
        """Say whether it has a step that draws random numbers."""
        return any(step.random for step in (*steps_of(self.a), *steps_of(self.b)))


def steps_of(segments: Sequence[Segment]) -> tuple[PipelineStep, ...]:
    """Return the steps of some segments, in order."""
    return tuple(step for segment in segments for step in segment.steps)


def segments_of(pipeline: RunnablePipeline) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Part a pipeline after each call that changes the picture, and before the first that is unread.

    What only changes how the last picture is written down is in no segment: it changes no picture.
    """
    segments: list[Segment] = []
    start, given = 0, None
    for index, call in enumerate(pipeline.calls):
        if call.form is None:
            return tuple(segments), (Segment(pipeline.calls[start:], start, given),)
        if call.changes_picture:
            segments.append(Segment(pipeline.calls[start : index + 1], start, given))
            start, given = index + 1, call.form
    return tuple(segments), ()


def align_steps(a: RunnablePipeline, b: RunnablePipeline) -> tuple[StepBlock, ...]:
    """Return the steps of two pipelines in blocks, in order, each segment in one block.

    Steps of the same kinds have each other for partners. What stands between partners is one block, with any
    number of steps on either side. Steps of the same kind that stand in another order are in one block, too.
    """
    (read_a, rest_a), (read_b, rest_b) = segments_of(a), segments_of(b)
    blocks: list[StepBlock] = []
    matcher = SequenceMatcher(None, [part.key for part in read_a], [part.key for part in read_b], autojunk=False)
    for tag, start_a, end_a, start_b, end_b in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(read_a[start_a:end_a], read_b[start_b:end_b], strict=True)
            blocks += [StepBlock((part_a,), (part_b,)) for part_a, part_b in pairs]
        else:
            blocks.append(StepBlock(read_a[start_a:end_a], read_b[start_b:end_b]))
    if rest_a or rest_b:
        paired = next((index for index, block in enumerate(blocks) if not _partners(block)), len(blocks))
        # A step without a partner may have one in what is not read.
        open_a = tuple(segment for block in blocks[paired:] for segment in block.a)
        open_b = tuple(segment for block in blocks[paired:] for segment in block.b)
        return (*blocks[:paired], StepBlock(open_a + rest_a, open_b + rest_b, read=False))
    return _reordered(tuple(blocks))


def _partners(block: StepBlock) -> bool:
    return len(block.a) == len(block.b) == 1 and block.a[0].key == block.b[0].key


def _kinds(segments: Sequence[Segment]) -> Counter[tuple[StepKind, bool]]:
    return Counter(kind for segment in segments for kind in segment.key)


def _reordered(blocks: tuple[StepBlock, ...]) -> tuple[StepBlock, ...]:
    """Make one block of two that have the same kind of step without a partner, and of what stands between them."""
    alone = [index for index, block in enumerate(blocks) if not _partners(block)]
    for first, second in product(alone, alone):
        if first != second and _kinds(blocks[first].a) & _kinds(blocks[second].b):
            low, high = sorted((first, second))
            span = blocks[low : high + 1]
            joined = StepBlock(
                tuple(segment for block in span for segment in block.a),
                tuple(segment for block in span for segment in block.b),
            )
            return _reordered((*blocks[:low], joined, *blocks[high + 1 :]))
    return blocks
