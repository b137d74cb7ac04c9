"""The tables of counted operations: one model with all its columns, several side by side with their MACs."""

from __future__ import annotations

from collections.abc import Callable

from diagnose.flops.run import CountedModel, FlopsAnswer
from diagnose.values import Cell, Column, FlopRow, FlopTable, Place, Table

BY = ("stage", "kind", "operator", "block", "layer")
"""What a row of a table may stand for."""

Key = tuple[Cell, ...]

_TITLES: dict[str, tuple[str, ...]] = {
    "stage": ("Stage",),
    "kind": ("Kind",),
    "operator": ("Operator", "Kind"),
    "block": ("Stage", "Block"),
    "layer": ("Layer", "Operators"),
}
_KEYS: dict[str, Callable[[FlopRow], Key]] = {
    "stage": lambda row: (_stage(row.path, row.place),),
    "kind": lambda row: (row.kind,),
    "operator": lambda row: (row.op, row.kind),
    "block": lambda row: (_stage(row.path, row.place), row.place.block),
    "layer": lambda row: (row.path or ITSELF,),
}
ITSELF = "(the model itself)"


def _stage(path: str, place: Place) -> str:
    """Return a stage's name; what the model does outside every module has a row of its own."""
    return place.stage if path else ITSELF


def totals_table(answer: FlopsAnswer) -> Table:
    """Return the totals of each model under every convention."""
    tables = [model.table for model in answer.models]

    def row(title: str, figure: Callable[[FlopTable], Cell]) -> tuple[Cell, ...]:
        return (title, *map(figure, tables))

    written = " and gradients written" if answer.train else " written"
    rows = [row("MACs", lambda t: t.macs)]
    if answer.train:
        rows.append(row("  of the forward pass", lambda t: _macs(t, backward=False)))
        rows.append(row("  of the backward pass", lambda t: _macs(t, backward=True)))
    rows += [
        row("2 × MACs", lambda t: 2 * t.macs),
        row("FLOPs: 2 × MACs and every other operation", lambda t: t.flops),
        row("Elements of Hadamard products", lambda t: t.hadamard),
        row(f"Bytes of activations{written}", lambda t: sum(r.activation_bytes for r in t.rows)),
    ]
    if answer.train:
        rows.append(row("Bytes kept for the backward pass", lambda t: t.saved_bytes))
    rows.append(row("Bytes of parameters", lambda t: sum(layer.parameter_bytes for layer in t.layers)))
    columns = (Column("In all"), *(Column(model.ref.text, numeric=True) for model in answer.models))
    return Table("", columns, tuple(rows))


def _macs(table: FlopTable, *, backward: bool) -> int:
    return sum(row.macs for row in table.rows if row.backward == backward)


def counts_table(answer: FlopsAnswer, by: str) -> Table:
    """Return the table that `by` chooses, one of `BY`; its columns add up to the totals."""
    if len(answer.models) > 1:
        return _side_by_side(answer.models, by)
    return _of_one(answer.models[0].table, by, train=answer.train)


def _of_one(table: FlopTable, by: str, *, train: bool) -> Table:
    sums: dict[Key, list[int]] = {}
    operators: dict[Key, dict[str, None]] = {}
    for row in table.rows:
        key = _KEYS[by](row)
        held = sums.setdefault(key, [0] * 6)
        figures = (row.macs, row.macs * row.backward, row.flops, row.count, row.activation_bytes)
        held[:5] = [a + b for a, b in zip(held[:5], figures, strict=True)]
        operators.setdefault(key, {})[row.op] = None
    with_parameters = by in ("stage", "block", "layer")
    for layer in table.layers if with_parameters else ():
        place = {"stage": (_stage(layer.path, layer.place),), "layer": (layer.path or ITSELF,)}
        key = place.get(by, (_stage(layer.path, layer.place), layer.place.block))
        sums.setdefault(key, [0] * 6)[5] += layer.parameter_bytes
    totals = [sum(column) for column in zip(*sums.values(), strict=True)] or [0] * 6

    def cells(held: list[int]) -> tuple[Cell, ...]:
        macs, backward, flops, calls, activations, parameters = held
        share = f"{flops / table.flops:.1%}" if table.flops else None
        middle = (backward,) if train else ()
        last = (parameters,) if with_parameters else (calls,)
        return (macs, *middle, flops, share, activations, *last)

    def key_cells(key: Key) -> Key:
        return (*key, ", ".join(operators.get(key, ()))) if by == "layer" else key

    columns = (
        *(Column(title, low_priority=title == "Operators") for title in _TITLES[by]),
        Column("MACs", True),
        *((Column("of them backward", True),) if train else ()),
        Column("FLOPs", True),
        Column("Share", True, low_priority=True),
        Column("Activations, bytes", True, low_priority=True),
        Column("Parameters, bytes", True, low_priority=True) if with_parameters else Column("Calls", True),
    )
    rows = tuple((*key_cells(key), *cells(held)) for key, held in sums.items())
    width = len(_TITLES[by]) - 1
    return Table("", columns, rows, total=("Total", *([None] * width), *cells(totals)))


def _side_by_side(models: tuple[CountedModel, ...], by: str) -> Table:
    """Return the MACs of each model per key, or its FLOPs per kind and operator, of which most have no MACs."""
    unit = "FLOPs" if by in ("kind", "operator") else "MACs"
    sums: dict[Key, list[int]] = {}
    for i, model in enumerate(models):
        for row in model.table.rows:
            sums.setdefault(_KEYS[by](row), [0] * len(models))[i] += row.flops if unit == "FLOPs" else row.macs
    keys = sorted(sums, key=_stage_rank) if by in ("stage", "block") else list(sums)
    titles = _TITLES[by] if by != "layer" else _TITLES[by][:1]
    columns = (*map(Column, titles), *(Column(f"{unit} of {model.ref.text}", True) for model in models))
    totals = [sum(row.flops if unit == "FLOPs" else row.macs for row in model.table.rows) for model in models]
    rows = tuple((*key, *sums[key]) for key in keys)
    return Table("", columns, rows, total=("Total", *([None] * (len(titles) - 1)), *totals))


def _stage_rank(key: Key) -> tuple[int, float]:
    """Return where a stage stands: stem, stages with their transitions, heads; a block keeps its order."""
    word, _, number = str(key[0]).partition(" ")
    if number.isdecimal():
        return (1, int(number) + 0.5 * (word == "transition"))
    return ({"stem": 0, "auxiliary head": 2, "head": 3, ITSELF: 4}.get(str(key[0]), 1), 0)
