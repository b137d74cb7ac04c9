"""What `diagnose params` measures: the table of a model and, where asked for, its gap, its peer and other tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnose.errors import DiagnoseError, Option, UsageError
from diagnose.networks import BuiltModel, build
from diagnose.networks.build_errors import calling
from diagnose.networks.inputs import candidates, parse_inputs, with_named_inputs
from diagnose.params.other_tools import ParameterToolCount, cross_check
from diagnose.params.reported import parse_reported
from diagnose.params.side_by_side import SideBySide, side_by_side
from diagnose.params.table import count_parameters
from diagnose.values import KnownMatch, ModelRef, ParameterGap, ParamTable, Skipped

if TYPE_CHECKING:
    from diagnose.params.gap.other_figures import StatedNumber
    from diagnose.params.gap.other_rows import TableRow


FigureOf = Callable[[BuiltModel, ParamTable], "StatedNumber"]
"""What makes a stated number of a built network and its table: another capability's way in."""


@dataclass(frozen=True, slots=True)
class OtherModel:
    """The model that another is compared with, its table, and the two side by side."""

    ref: ModelRef
    table: ParamTable
    differences: SideBySide


@dataclass(frozen=True, slots=True)
class ParamsAnswer:
    """A model counted, and what was asked about its count; parts not asked for are None or empty."""

    ref: ModelRef
    origin: str
    table: ParamTable
    gap: ParameterGap | None = None
    other_model: OtherModel | None = None
    checks: tuple[ParameterToolCount, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def run(
    model: str | ModelRef,
    *,
    inputs: Sequence[str] = (),
    seed: int | None = None,
    reported: str | None = None,
    keep: Sequence[str] = (),
    also: Sequence[str] = (),
    parts: Sequence[str] = (),
    sizes: Sequence[str] = (),
    figures: Sequence[FigureOf] = (),
    against: str | ModelRef | None = None,
    check: bool = False,
) -> ParamsAnswer:
    """Build and count a model, and explain what is asked for; raise DiagnoseError where the call is wrong.

    `reported` is the number as a document states it. What else the document states bounds its explanation: `keep`
    names what must stay, `also` ("torch=11.2M") other rows of the same table, `parts` ("backbone=23.5M") and `sizes`
    ("97.8MB") other numbers of the same network; `figures` make such numbers of a built network.
    """
    if reported is None and (keep or also or parts or sizes or figures):
        raise UsageError(
            "Facts to keep and other stated numbers explain a reported number.",
            hint="Give {}.",
            options=(Option("reported"),),
        )
    number = parse_reported(reported) if reported is not None else None
    built, table = _counted(model, inputs, seed)
    skipped = [*built.skipped, *table.skipped]
    gap = peer = None
    checks: tuple[ParameterToolCount, ...] = ()
    if number is not None:
        from diagnose.params.gap.explain import explain_gap
        from diagnose.params.gap.known_facts import known_facts
        from diagnose.params.gap.layout import layout_of
        from diagnose.params.gap.other_figures import part_figure, size_figure

        layout = layout_of(table)
        others: list[StatedNumber] = [_other_row(text, seed) for text in also]
        others += [part_figure(text, layout) for text in parts]
        others += [size_figure(text, layout) for text in sizes]
        others += [figure(built, table) for figure in figures]
        gap = explain_gap(built.ref, built.module, table, number, stated=known_facts(built.ref, keep), also=others)
        skipped += gap.skipped
        if gap.known is not None and gap.known.stands_out and against is None:
            peer = _known_model(gap.known.matches[0], table, skipped)
    if against is not None:
        other_model, other_table = _counted(against, inputs, seed)
        skipped += [*other_model.skipped, *other_table.skipped]
        peer = OtherModel(other_model.ref, other_table, side_by_side(table, other_table))
    if check:
        checks, failed = cross_check(built.module, table)
        skipped += failed
    return ParamsAnswer(built.ref, built.origin, table, gap, peer, checks, tuple(skipped))


def _counted(model: str | ModelRef, inputs: Sequence[str], seed: int | None) -> tuple[BuiltModel, ParamTable]:
    asked = parse_inputs(inputs)
    built = build(model, seed=seed)
    with_named_inputs(built.module, asked)
    with calling(model):
        return built, count_parameters(built.module, candidates(built.module, built.input_shapes, asked))


def _known_model(match: KnownMatch, table: ParamTable, skipped: list[Skipped]) -> OtherModel | None:
    """Build the known network that a reported number names and lay it beside the model, None where that fails."""
    what = f"the comparison with {match.network.model}"
    try:
        built = build(match.network.model)
        known = count_parameters(built.module)
    except DiagnoseError as error:
        skipped.append(Skipped(what, error.message))
        return None
    if known.total != match.network.parameters:
        skipped.append(Skipped(what, f"the installed version has {known.total:,} parameters, the index another number"))
        return None
    return OtherModel(built.ref, known, side_by_side(table, known))


def _other_row(text: str, seed: int | None) -> TableRow:
    """Return the row of another model in the same table, of the text MODEL=NUMBER."""
    from diagnose.params.gap.layout import layout_of
    from diagnose.params.gap.other_rows import TableRow

    model, equals, number = text.rpartition("=")
    if not equals or not model:
        raise UsageError(f"cannot read the row {text!r} of another model", hint="Write MODEL=NUMBER: torch=11.2M.")
    reported = parse_reported(number)
    return TableRow(model, layout_of(_counted(model, (), seed)[1]), reported)
