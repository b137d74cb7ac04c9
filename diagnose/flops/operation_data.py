"""The raw numbers of `diagnose flops`, as its JSON holds them; keys are only ever added."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from diagnose.flops.convention import KINDS
from diagnose.flops.run import CountedModel, FlopsAnswer
from diagnose.values import FlopRow


def flops_data(answer: FlopsAnswer) -> dict[str, Any]:
    """Return everything that was counted."""
    return {
        "models": [_model(model) for model in answer.models],
        "training": answer.train,
        "conventions": dict(KINDS),
        "reported": None
        if answer.reported is None
        else {
            "text": answer.reported.text,
            "rounded": list(answer.reported.rounded),
            "truncated": list(answer.reported.truncated),
        },
    }


def _model(model: CountedModel) -> dict[str, Any]:
    table = model.table
    return {
        "model": model.ref.text,
        "origin": model.origin,
        "input": [str(given) for given in table.inputs],
        "macs": table.macs,
        "flops": table.flops,
        "hadamard_elements": table.hadamard,
        "lower_bound": table.lower_bound,
        "activation_bytes": sum(row.activation_bytes for row in table.rows),
        "saved_bytes": table.saved_bytes,
        "parameter_bytes": sum(layer.parameter_bytes for layer in table.layers),
        "convention": table.convention,
        "by_operator": _by_operator(table.rows),
        "rows": [_row(row) for row in table.rows],
        "layers": [{"path": layer.path, "parameter_bytes": layer.parameter_bytes} for layer in table.layers],
        "uncounted": [{**asdict(item), "where": list(item.where)} for item in table.uncounted],
        "cross_check": [{**asdict(check), "explained": dict(check.explained)} for check in model.checks],
        "candidates": [
            {**asdict(found), "edits": list(found.edits), "fits": list(found.fits)} for found in model.candidates
        ],
    }


def _by_operator(rows: tuple[FlopRow, ...]) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        held = sums.setdefault(row.op, {"count": 0, "macs": 0, "flops": 0})
        held["count"] += row.count
        held["macs"] += row.macs
        held["flops"] += row.flops
    return sums


def _row(row: FlopRow) -> dict[str, Any]:
    return {
        "path": row.path,
        "op": row.op,
        "kind": row.kind,
        "stage": row.place.stage,
        "block": row.place.block,
        "count": row.count,
        "macs": row.macs,
        "operations": row.operations,
        "flops": row.flops,
        "elements": row.elements,
        "activation_bytes": row.activation_bytes,
        "backward": row.backward,
    }
