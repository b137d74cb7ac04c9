"""What a document may have counted in place of this network at this input: other inputs, and small edits of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch import nn

from diagnose.errors import DiagnoseError
from diagnose.flops.predict import Prediction
from diagnose.flops.reported.edits import EDITS
from diagnose.networks import build
from diagnose.networks.inputs import with_named_inputs
from diagnose.params.gap.build_edited import CannotEditError
from diagnose.params.gap.edits.families import edits_by_key
from diagnose.params.gap.known_facts import known_facts
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.verify import edited_model
from diagnose.params.table import count_parameters
from diagnose.values import FlopTable, InputSpec, ModelRef

SIDES = (32, 64, 96, 112, 128, 160, 176, 192, 224, 240, 256, 288, 299, 300, 320, 331, 384, 448, 480, 512)
"""Heights and widths that image classification networks are published at."""

LENGTHS = (16, 32, 64, 77, 128, 197, 256, 384, 512, 1024, 2048, 4096)
"""Lengths of token sequences that language models are published at."""

SIZED = {
    ("torchvision", "vit"): "image_size",
    **{("timm", family): "img_size" for family in ("vit", "deit", "deit3", "beit", "swin", "swinv2", "eva", "eva02")},
}
"""The argument that sets the image size of the families whose position embeddings fix it, by source and name."""

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Batch sizes that a figure may have been taken of in place of one image."""

MOST_COST = 2.0
MOST_BUILT = 24
SLACK = 0.03
"""How far a prediction from shapes may lie from the count, as a share of it."""

ROUNDING = 1.5
"""How far MACs at another input size may lie from what its area says."""

CONTRADICTION = 2.0
"""The cost of an edit of what a document states."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A network and an input to be counted in place of the one at hand; `cost` says how implausible it is."""

    model: Callable[[], nn.Module]
    inputs: tuple[InputSpec, ...]
    cost: float
    edits: tuple[str, ...] = ()
    source: str = ""
    note: str = ""
    against: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A counted model: its table, how it is built anew on the meta device, and with weights on the CPU."""

    ref: ModelRef
    model: nn.Module
    table: FlopTable
    rebuilt: Callable[[], nn.Module]
    with_weights: Callable[[], nn.Module]


Wanted = Callable[[float, float], bool]
"""Whether some number of MACs between two may give the reported one."""


def variants(subject: Subject, wanted: Wanted) -> Iterator[Variant]:
    """Yield every variant whose MACs may be as wanted, and some that turn out not to be."""
    yield from _other_inputs(subject, wanted)
    for edit in EDITS:
        edited = subject.rebuilt()
        if edit.apply(edited):
            yield Variant(lambda edited=edited: edited, subject.table.inputs, 1.0, (edit.text,), edit.source)  # type: ignore[misc]
    yield from _edited(subject, wanted)


def _other_inputs(subject: Subject, wanted: Wanted) -> Iterator[Variant]:
    inputs, macs = subject.table.inputs, subject.table.macs
    batch = inputs[0].shape[0]
    if len({spec.shape[0] for spec in inputs}) == 1:
        for batch_size in BATCHES:
            if batch_size != batch and wanted(macs * batch_size // batch, macs * batch_size // batch):
                specs = tuple(replace(spec, shape=(batch_size, *spec.shape[1:])) for spec in inputs)
                yield Variant(lambda: subject.model, specs, 1.25)
    if len(inputs) != 1:
        return
    shape, (sizes, axes) = inputs[0].shape, _resizable(inputs[0])
    for size in sizes:
        # Convolutions grow with the area, attention with its square; strides round.
        grown = (size / shape[-1]) ** len(axes)
        low, high = min(grown, grown**2) / ROUNDING, max(grown, grown**2) * ROUNDING
        if size != shape[-1] and wanted(macs * low, macs * high):
            resized = tuple(size if axis in axes else n for axis, n in enumerate(shape))
            yield Variant(lambda size=size: _sized(subject, size), (replace(inputs[0], shape=resized),), 1.0)  # type: ignore[misc]


def _sized(subject: Subject, size: int) -> nn.Module:
    """Return the model for images of a size: built so where its position embeddings fix it, else the same."""
    argument = SIZED.get((subject.ref.source, next(iter(subject.ref.name.split("_")))))
    if argument is None:
        return subject.model
    kwargs = {**dict(subject.ref.kwargs), argument: size}
    call = ", ".join(f"{key}={value!r}" for key, value in kwargs.items())
    ref = replace(subject.ref, text=f"{subject.ref.text.partition('(')[0]}({call})", kwargs=tuple(kwargs.items()))
    return build(ref).module


def _resizable(spec: InputSpec) -> tuple[Sequence[int], tuple[int, ...]]:
    """Return the usual sizes of an input, and the axes that have them: a square image's two, or a sequence's one."""
    axes = len(spec.shape)
    if axes >= 4 and spec.shape[-1] == spec.shape[-2]:
        return SIDES, (axes - 2, axes - 1)
    if axes == 2 and spec.dtype.startswith("int"):
        return LENGTHS, (1,)
    return (), ()


def _edited(subject: Subject, wanted: Wanted) -> Iterator[Variant]:
    """Yield edits of the parameter gap search, one at a time, the likeliest first."""
    inputs = subject.table.inputs
    table = count_parameters(subject.model, (inputs,))
    layout = layout_of(table)
    prediction = Prediction(layout, subject.table)
    kept = {fact.facet: fact.source for fact in known_facts(subject.ref, ())}
    built = 0
    for edit in sorted(edits_by_key(layout).values(), key=lambda edit: edit.cost):
        changed = edit.apply(layout) if edit.cost <= MOST_COST else None
        predicted = prediction.of(changed) if changed is not None else 0.0
        if not wanted(predicted * (1 - SLACK), predicted * (1 + SLACK)):
            continue
        try:
            model, how, _ = edited_model((edit,), subject.ref, subject.model, table)
        except (DiagnoseError, CannotEditError, AttributeError):
            continue
        against = kept.get(edit.facet, "")
        yield Variant(
            model=lambda model=model: with_named_inputs(model, inputs),  # type: ignore[misc]
            inputs=inputs,
            cost=edit.cost + (CONTRADICTION if against else 0.0),
            edits=(edit.text,),
            source=edit.source,
            note=how,
            against=against,
        )
        built += 1
        if built == MOST_BUILT:
            return
