"""From measured differences and stated parameters to a status for each block, and to the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.pipeline.steps.align_steps import StepBlock, steps_of
from diagnose.pipeline.steps.compare_pictures import parts, worse
from diagnose.values import (
    FORM_KINDS,
    FormDifference,
    PictureDifference,
    PipelineStep,
    PipelineVerdict,
    StepDiff,
    StepKind,
    StepStatus,
    StepValue,
)


@dataclass(frozen=True)
class Doubts:
    """What keeps outputs from deciding: random steps, an output that varies without one, a failure of one side."""

    random: bool
    varying: bool
    one_sided: bool


NUMERIC_SETTINGS = frozenset(("by",))
"""Settings that name a library: two libraries may do the same, so these alone make no difference of parameters."""


def judged_block(block: StepBlock, differences: Sequence[PictureDifference | None], *, same_library: bool) -> StepDiff:
    """Return a block with its status, given its difference on each image."""
    steps_a, steps_b = steps_of(block.a), steps_of(block.b)
    settings = differing_settings(steps_a, steps_b)
    if block.random:
        return StepDiff(steps_a, steps_b, stated_status(steps_a, steps_b, same_library=same_library), settings=settings)
    known = [difference for difference in differences if difference is not None]
    if not block.read or not known:
        return StepDiff(steps_a, steps_b, StepStatus.UNTRIED, settings=settings)
    worst: PictureDifference | None = None
    for difference in known:
        worst = worse(worst, difference)
    parted = sum(map(parts, known))
    status = StepStatus.DIFFERS if parted else StepStatus.EQUAL
    return StepDiff(steps_a, steps_b, status, worst, parted, len(known), settings)


def stated_status(
    steps_a: Sequence[PipelineStep], steps_b: Sequence[PipelineStep], *, same_library: bool
) -> StepStatus:
    """Compare random steps by their parameters; no draw is made.

    Equal parameters of two libraries, or in another order, are unclear: the distributions were not compared.
    """
    a, b = ([step for step in steps if step.kind not in FORM_KINDS] for steps in (steps_a, steps_b))
    if same_library and a == b:
        return StepStatus.STATED_EQUAL
    if not a or not b:
        return StepStatus.STATED_DIFFERENT
    if any(step.kind is StepKind.UNREAD for step in (*a, *b)):
        named_alike = same_library and [step.source for step in a] == [step.source for step in b]
        return StepStatus.STATED_DIFFERENT if named_alike else StepStatus.STATED_UNCLEAR
    alike = Counter(map(_parameters, a)) == Counter(map(_parameters, b))
    return StepStatus.STATED_UNCLEAR if alike else StepStatus.STATED_DIFFERENT


def _parameters(step: PipelineStep) -> tuple[StepKind, bool, frozenset[tuple[str, StepValue]]]:
    settings = ((key, value) for key, value in step.settings if key not in NUMERIC_SETTINGS)
    return step.kind, step.random, frozenset(settings)


def differing_settings(
    steps_a: Sequence[PipelineStep], steps_b: Sequence[PipelineStep]
) -> tuple[tuple[str, StepValue | None, StepValue | None], ...]:
    """Return the settings that differ between steps of the same kinds, None where one side lacks one."""
    a, b = (
        {step.kind: dict(step.settings) for step in steps if step.kind not in FORM_KINDS}
        for steps in (steps_a, steps_b)
    )
    return tuple(
        (f"{kind.value} {key}" if len(a) > 1 else key, a[kind].get(key), b[kind].get(key))
        for kind in a
        if kind in b
        for key in dict.fromkeys((*a[kind], *b[kind]))
        if a[kind].get(key) != b[kind].get(key)
    )


def verdict_of(
    steps: Sequence[StepDiff],
    forms: Sequence[FormDifference],
    outputs: Sequence[PictureDifference],
    *,
    doubts: Doubts,
) -> PipelineVerdict:
    """Return the verdict: without random steps the outputs decide; with them, the steps and their parameters."""
    if doubts.varying:  # an output that changes from call to call is compared with nothing
        return PipelineVerdict.UNDETERMINED
    if forms or any(map(parts, outputs)):
        return PipelineVerdict.DIFFERENT
    if not doubts.random:
        return PipelineVerdict.UNDETERMINED if doubts.one_sided or not outputs else PipelineVerdict.SAME
    statuses = {step.status for step in steps}
    if statuses & {StepStatus.DIFFERS, StepStatus.STATED_DIFFERENT}:
        return PipelineVerdict.DIFFERENT
    settled = bool(statuses) and statuses <= {StepStatus.EQUAL, StepStatus.STATED_EQUAL}
    return PipelineVerdict.SAME if settled and not doubts.one_sided else PipelineVerdict.UNDETERMINED
