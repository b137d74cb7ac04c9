"""What `diagnose params` says of its answer: the verdict, the tables, and the raw numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from diagnose.environment import environment
from diagnose.params.gap.report import gap_data, gap_sections, gap_verdict
from diagnose.params.run import OtherModel, ParamsAnswer
from diagnose.values import Bar, Bars, BufferRow, Cell, Column, ParamRow, ParamTable, Prose, Report, Section, Table

SCHEMA = "diagnose.params/1"


BY = ("stage", "kind", "block", "layer")
"""What a row of the table may stand for."""


def params_report(answer: ParamsAnswer, *, by: str | None = None) -> Report:
    """Return the report of a counted model.

    The table that `by` chooses, one of `BY`, stands open and the others are folded. Without a choice it is "stage",
    or none where the answer is about something else than the counts.
    """
    table = answer.table
    asked_more = answer.gap or answer.other_model or answer.checks
    opened = by or (None if asked_more else "stage")
    opening: list[Prose] = gap_verdict(answer.ref.text, answer.gap) if answer.gap else []
    sections = [Section("", (*opening, *_verdict(answer, first=not opening)))]
    if answer.gap is not None:
        sections += gap_sections(answer.ref.text, answer.gap)
    if answer.other_model is not None:
        sections.append(_peer_section(answer.ref.text, table, answer.other_model))
    if answer.checks:
        sections.append(_checks_section(answer))
    sections += [_counts_section(table, by, folded=by != opened) for by in sorted(BY, key=lambda by: by != opened)]
    sections.append(_kinds_figure(table, folded=bool(asked_more)))
    return Report(
        schema=SCHEMA,
        title=f"Parameters of {answer.ref.text}",
        environment=environment(("torch", "torchvision", "mmpretrain", "timm")),
        sections=tuple(sections),
        skipped=answer.skipped,
        data=_data(answer),
    )


def _verdict(answer: ParamsAnswer, *, first: bool) -> list[Prose]:
    table = answer.table
    parts = ["all trainable" if not table.frozen else f"{table.trainable:,} trainable and {table.frozen:,} frozen"]
    tied = sum(row.tied_to is not None for row in table.rows)
    if tied:
        parts.append(f"{tied:,} tied {'tensor' if tied == 1 else 'tensors'} counted once")
    persistent = sum(row.elements for row in table.buffers if row.persistent)
    if table.buffer_elements:
        kept = "all" if persistent == table.buffer_elements else f"{persistent:,} of them"
        parts.append(f"{table.buffer_elements:,} elements of buffers beside them, {kept} in the state dict")
    said = [
        Prose(
            f"{answer.ref.text} ({answer.origin}) has {table.total:,} parameters: {'; '.join(parts)}.",
            "verdict" if first else "plain",
        )
    ]
    said.append(_usage(table))
    return said


def _usage(table: ParamTable) -> Prose:
    if table.inputs is None:
        return Prose(
            "Which parameters the forward pass uses is unknown: it did not run, see what was skipped.", "caution"
        )
    given = ", ".join(map(str, table.inputs))
    if not table.unused:
        return Prose(f"An eval-mode forward pass at {given} reads every one of them.")
    owners = dict.fromkeys(row.path.rpartition(".")[0].partition(".")[0] for row in table.rows if row.used is False)
    named = ", ".join(list(owners)[:4]) + (" …" if len(owners) > 4 else "")
    return Prose(f"An eval-mode forward pass at {given} never reads {table.unused:,} of them: {named}.", "caution")


# ----------------------------------------------------------------------------------------------- tables


def _counts_section(table: ParamTable, by: str, *, folded: bool) -> Section:
    return Section(f"By {by}", (_TABLES[by](table),), folded=folded)


def _grouped(
    table: ParamTable, key: Callable[[ParamRow | BufferRow], tuple[Cell, ...]], titles: tuple[str, ...]
) -> Table:
    """Return the sums of each key, in the order of first appearance, with columns that add up to the totals."""
    sums: dict[tuple[Cell, ...], list[int]] = {}
    for row in table.rows:
        held = sums.setdefault(key(row), [0, 0, 0, 0])
        held[0] += row.parameters
        held[1] += 0 if row.trainable else row.parameters
        held[2] += row.parameters if row.used is False else 0
    for buffer in table.buffers:
        sums.setdefault(key(buffer), [0, 0, 0, 0])[3] += buffer.elements
    return _table_of(sums, titles, table)


def _table_of(sums: dict[tuple[Cell, ...], list[int]], titles: tuple[str, ...], table: ParamTable) -> Table:
    """Return a table of parameters, share, and those of frozen, unused and buffers that the model has."""
    totals = [sum(column) for column in zip(*sums.values(), strict=True)] or [0, 0, 0, 0]
    optional = [(1, "Frozen"), (2, "Never used"), (3, "Buffers")]
    shown = [(index, title) for index, title in optional if totals[index]]
    columns = (
        *(Column(title, numeric=title == "Blocks") for title in titles),
        Column("Parameters", numeric=True),
        Column("Share", numeric=True, low_priority=True),
        *(Column(title, numeric=True, low_priority=title == "Buffers") for _, title in shown),
    )

    def cells(values: list[int]) -> tuple[Cell, ...]:
        share = f"{values[0] / table.total:.1%}" if table.total else None
        return (values[0], share, *(values[index] for index, _ in shown))

    rows = tuple((*key, *cells(values)) for key, values in sums.items())
    return Table("", columns, rows, total=("Total", *([None] * (len(titles) - 1)), *cells(totals)))


def _by_stage(table: ParamTable) -> Table:
    blocks: dict[str, dict[str, None]] = {}
    for row in table.rows:
        blocks.setdefault(row.place.stage, {})
        if row.place.block:
            blocks[row.place.stage][row.place.block] = None
    number = {stage: len(paths) or None for stage, paths in blocks.items()}
    return _grouped(table, lambda row: (row.place.stage, number.get(row.place.stage)), ("Stage", "Blocks"))


def _by_kind(table: ParamTable) -> Table:
    return _grouped(table, lambda row: (row.kind,), ("Kind",))


def _by_block(table: ParamTable) -> Table:
    return _grouped(table, lambda row: (row.place.stage, row.place.block), ("Stage", "Block"))


def _by_layer(table: ParamTable) -> Table:
    tied = {row.path.rpartition(".")[0]: row.tied_to for row in table.rows if row.tied_to is not None}

    def key(row: ParamRow | BufferRow) -> tuple[Cell, ...]:
        owner = row.path.rpartition(".")[0]
        note = f", tied to {tied[owner]}" if owner in tied else ""
        return (owner or "(the model itself)", row.kind + note)

    return _grouped(table, key, ("Layer", "Kind"))


_TABLES: dict[str, Callable[[ParamTable], Table]] = {
    "stage": _by_stage,
    "kind": _by_kind,
    "block": _by_block,
    "layer": _by_layer,
}


def _kinds_figure(table: ParamTable, *, folded: bool) -> Section:
    kinds: dict[str, int] = {}
    for row in table.rows:
        kinds[row.kind] = kinds.get(row.kind, 0) + row.parameters
    largest = sorted(kinds.items(), key=lambda item: -item[1])
    bars = tuple(Bar(kind, parameters) for kind, parameters in largest)
    return Section("Where they are", (Bars("Parameters by kind of layer", "parameters", bars),), folded=folded)


def _peer_section(name: str, table: ParamTable, peer: OtherModel) -> Section:
    gap = peer.table.total - table.total
    other_name = peer.ref.text
    said = (
        f"{other_name} has {abs(gap):,} parameters {'more' if gap > 0 else 'fewer'} than {name}."
        if gap
        else f"{name} and {other_name} have the same number of parameters."
    )
    differences = peer.differences.differences
    rows: list[tuple[Cell, ...]] = [
        (
            other_name if item.parameters > 0 else name,
            f"{item.what} ({item.stage})" if not item.what.startswith(item.stage) else item.what,
            item.parameters,
        )
        for item in differences
    ]
    columns = (Column("Only in"), Column("What"), Column("Difference", numeric=True))
    explained = Table("What makes the difference", columns, tuple(rows), total=("", "Together", gap))
    cells = tuple((stage, kind, a, b, b - a) for stage, kind, a, b in peer.differences.cells)
    totals = ("Total", None, table.total, peer.table.total, gap)
    side = Table(
        "Side by side",
        (Column("Stage"), Column("Kind"), Column(name, True), Column(other_name, True), Column("Difference", True)),
        cells,
        total=totals,
        marked=tuple(i for i, cell in enumerate(cells) if cell[4]),
    )
    same = Prose("Every tensor has a partner of the same kind and shape in the same stage and block.", "good")
    if table.frozen or peer.table.frozen:
        trained = f"Of these, {name} trains {table.trainable:,} and {other_name} {peer.table.trainable:,}."
        said = f"{said} {trained}"
    caution = Prose("The same tensors do not make the same network: `diagnose diff` compares what is computed.", "hint")
    return Section(f"Against {other_name}", (Prose(said), explained if rows else same, side, caution))


def _checks_section(answer: ParamsAnswer) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for check in answer.checks:
        difference = check.value - answer.table.total
        causes = "; ".join(f"{cause}: {amount:+,}" for cause, amount in check.explained)
        if check.unexplained:
            causes = "; ".join(filter(None, (causes, f"not explained: {check.unexplained:+,}")))
        rows.append((check.tool, check.value, difference, causes or "the same count"))
    columns = (Column("Tool"), Column("Parameters", True), Column("Difference", True), Column("Because it"))
    return Section("Other tools", (Table("", columns, tuple(rows)),))


# ------------------------------------------------------------------------------------------------- data


def _data(answer: ParamsAnswer) -> dict[str, Any]:
    table = answer.table
    data = {
        "model": answer.ref.text,
        "origin": answer.origin,
        "total": table.total,
        "trainable": table.trainable,
        "frozen": table.frozen,
        "buffers": table.buffer_elements,
        "unused": table.unused,
        "inputs": None if table.inputs is None else [str(given) for given in table.inputs],
        "rows": [_row(row) for row in table.rows],
        "buffer_rows": list(_buffers(table.buffers)),
        "reported": None,
        "candidates": [],
    }
    if answer.gap is not None:
        data |= gap_data(answer.gap)
    if answer.other_model is not None:
        data["against"] = {
            "model": answer.other_model.ref.text,
            "total": answer.other_model.table.total,
            "trainable": answer.other_model.table.trainable,
            "differences": [asdict(item) for item in answer.other_model.differences.differences],
        }
    if answer.checks:
        data["cross_check"] = [{**asdict(check), "explained": dict(check.explained)} for check in answer.checks]
    return data


def _row(row: ParamRow) -> dict[str, Any]:
    return {
        "path": row.path,
        "kind": row.kind,
        "shape": list(row.shape),
        "parameters": row.parameters,
        "stage": row.place.stage,
        "block": row.place.block,
        "branch": row.place.branch,
        "trainable": row.trainable,
        "tied_to": row.tied_to,
        "used": row.used,
    }


def _buffers(rows: Iterable[BufferRow]) -> Iterable[dict[str, Any]]:
    for row in rows:
        yield {
            "path": row.path,
            "kind": row.kind,
            "shape": list(row.shape),
            "elements": row.elements,
            "persistent": row.persistent,
        }
