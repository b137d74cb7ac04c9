"""What `diagnose flops` says of its answer: the verdict, the tables, and the raw numbers."""

from __future__ import annotations

from diagnose.environment import environment
from diagnose.flops.convention import KINDS
from diagnose.flops.count import BY_SHAPES
from diagnose.flops.operation_data import flops_data
from diagnose.flops.phrases import check_section, reported_section, reported_verdict
from diagnose.flops.run import CountedModel, FlopsAnswer
from diagnose.flops.tables import BY, counts_table, totals_table
from diagnose.values import Bar, Bars, Cell, Column, FlopTable, Prose, Report, Section, Table, Tone

SCHEMA = "diagnose.flops/1"


def flops_report(answer: FlopsAnswer, *, by: str | None = None) -> Report:
    """Return the report of counted models.

    The table that `by` chooses, one of `BY`, stands open and the others are folded. Without a choice it is "stage",
    or none where other tools or a reported number are asked about.
    """
    asked_more = answer.reported is not None or any(model.checks for model in answer.models)
    opened = by or (None if asked_more else "stage")
    names = ", ".join(model.ref.text for model in answer.models)
    opening: list[Prose | Table] = [*reported_verdict(answer), *_verdicts(answer), totals_table(answer)]
    if not asked_more and not answer.train:
        opening.append(
            Prose(
                "`--cross-check` explains what other tools count, `--reported 0.56G` which convention gives a figure, "
                "`--train` adds the backward pass.",
                "hint",
            )
        )
    sections = [Section("", tuple(opening))]
    if answer.reported is not None:
        sections += [reported_section(model, answer.reported) for model in answer.models]
    sections += [check_section(model) for model in answer.models if model.checks]
    sections += [section for model in answer.models for section in _uncounted(model)]
    for grouping in sorted(BY, key=lambda kind: kind != opened):
        sections.append(Section(f"By {grouping}", (counts_table(answer, grouping),), folded=grouping != opened))
    sections += [_figure(answer), _conventions(answer)]
    return Report(
        schema=SCHEMA,
        title=f"MACs and FLOPs of {names}" + (", one training step" if answer.train else ""),
        environment=environment(("torch", "torchvision", "mmpretrain", "timm")),
        sections=tuple(sections),
        skipped=answer.skipped,
        data=flops_data(answer),
    )


def _verdicts(answer: FlopsAnswer) -> list[Prose]:
    first: Tone = "verdict" if answer.reported is None else "plain"
    said = [Prose(_side_by_side(answer) if len(answer.models) > 1 else _of_one(answer), first)]
    for model in answer.models:
        if any(item.what == BY_SHAPES for item in model.table.skipped):
            text = f"The path of {model.ref.text} depends on values; this is what one run on random numbers takes."
            said.append(Prose(text, "caution"))
        if model.table.lower_bound:
            ops = ", ".join(item.op for item in model.table.uncounted if item.parameters)
            said.append(
                Prose(
                    f"The totals of {model.ref.text} are lower bounds: operators without a formula read its "
                    f"parameters, {ops}.",
                    "caution",
                )
            )
        beside = [item for item in model.table.uncounted if not item.parameters]
        if beside:
            ops = ", ".join(f"{item.op} ×{item.count}" for item in beside)
            said.append(
                Prose(f"The totals of {model.ref.text} leave out operators without a formula: {ops}.", "caution")
            )
    if len({model.table.inputs for model in answer.models}) > 1:
        said.append(Prose("The models were counted on different inputs; `--input` gives all of them one.", "caution"))
    return said


def _of_one(answer: FlopsAnswer) -> str:
    (model,) = answer.models
    table = model.table
    run = "A training step" if answer.train else "The forward pass"
    return (
        f"{run} of {model.ref.text} ({model.origin}) on {_input(table)} takes {_macs(table)} MACs, or {table.flops:,} "
        f"FLOPs: {_beside(table)}."
    )


def _side_by_side(answer: FlopsAnswer) -> str:
    """Say the MACs of several models in one sentence, those with the same number together."""
    same: dict[tuple[str, str], list[str]] = {}
    for model in answer.models:
        same.setdefault((_macs(model.table), _input(model.table)), []).append(model.ref.text)
    base = answer.models[0]
    parts: list[str] = []
    for (macs, given), names in same.items():
        named = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        verb = "both take" if len(names) == 2 else "all take" if len(names) > 2 else "takes"
        own = next(model.table.macs for model in answer.models if model.ref.text == names[0])
        parts.append(f"{named} {verb} {macs} MACs on {given}{_compared(own, base) if parts else ''}")
    run = "one training step" if answer.train else "a forward pass"
    products = ", ".join(f"{m.ref.text} {m.table.hadamard:,}" for m in answer.models if m.table.hadamard)
    beside = f" Hadamard products, beside the MACs: {products} elements." if products else ""
    return f"In {run}, {'; '.join(parts)}.{beside}"


def _compared(macs: int, base: CountedModel) -> str:
    if not base.table.macs:
        return ""
    change = macs / base.table.macs - 1
    return f", {abs(change):.1%} {'fewer' if change < 0 else 'more'} than {base.ref.text}"


def _macs(table: FlopTable) -> str:
    return f"at least {table.macs:,}" if table.lower_bound else f"{table.macs:,}"


def _input(table: FlopTable) -> str:
    return ", ".join(map(str, table.inputs))


def _beside(table: FlopTable) -> str:
    operations = sum(row.operations for row in table.rows)
    counted = f"2 per MAC and {operations:,} other operations"
    if not table.hadamard:
        return counted
    return f"{counted}, among them {table.hadamard:,} in Hadamard products, which MACs leave out"


def _uncounted(model: CountedModel) -> list[Section]:
    items = model.table.uncounted
    if not items:
        return []
    rows: list[tuple[Cell, ...]] = [
        (item.op, item.count, _places(item.where), "yes" if item.parameters else "no") for item in items
    ]
    columns = (Column("Operator"), Column("Calls", True), Column("Where"), Column("Reads parameters"))
    what = Prose("These operators have no formula and stand in no total, neither as MACs nor as FLOPs.", "caution")
    return [Section(f"Not counted in {model.ref.text}", (what, Table("", columns, tuple(rows))))]


def _places(where: tuple[str, ...]) -> str:
    named = ", ".join(path or "(the model itself)" for path in where[:3])
    return f"{named} and {len(where) - 3} more" if len(where) > 3 else named


def _figure(answer: FlopsAnswer) -> Section:
    if len(answer.models) > 1:
        bars = tuple(Bar(model.ref.text, model.table.macs) for model in answer.models)
        return Section("Side by side", (Bars("MACs of each model", "MACs", bars),), folded=True)
    kinds: dict[str, int] = {}
    for row in answer.models[0].table.rows:
        kinds[row.kind] = kinds.get(row.kind, 0) + row.flops
    largest = sorted(((kind, flops) for kind, flops in kinds.items() if flops), key=lambda item: -item[1])
    bars = tuple(Bar(kind, flops) for kind, flops in largest)
    return Section("Where they are", (Bars("FLOPs by kind of operator", "FLOPs", bars),), folded=True)


def _conventions(answer: FlopsAnswer) -> Section:
    met = {row.kind for model in answer.models for row in model.table.rows}
    rows = tuple((kind, text) for kind, text in KINDS if kind in met)
    table = Table("", (Column("Kind"), Column("Counts as")), rows)
    words = [Prose(f"The convention: {answer.models[0].table.convention}.")]
    if answer.train:
        words.append(Prose("The backward pass computes the gradients of all trainable parameters; no optimiser step."))
    return Section("How each kind is counted", (*words, table), folded=True)
