"""Which of several networks needs the fewest operations."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.case.keys import Key, text, texts
from diagnose.case.kind import Assessment, Evidence, Kind
from diagnose.case.measurements import Measurements
from diagnose.values import Bar, Bars, Cell, Claim, Column, FlopTable, Ruling, Skipped, Table


@dataclass(frozen=True, slots=True)
class OperationEvidence:
    """The operations of each model, or why they could not be counted."""

    tables: tuple[tuple[str, FlopTable | Skipped], ...]


def measure(claim: Claim, measurements: Measurements) -> OperationEvidence:
    """Count the operations of each model on its own input."""
    return OperationEvidence(tuple((name, measurements.operations(name)) for name in claim.get("models")))


def judge(claim: Claim, work: OperationEvidence) -> Assessment:
    """Support the claim where the named model needs fewer FLOPs than every other."""
    counted = {name: table for name, table in work.tables if isinstance(table, FlopTable)}
    if len(counted) < len(work.tables):
        missing = ", ".join(name for name, table in work.tables if isinstance(table, Skipped))
        return Assessment(Ruling.UNDETERMINED, f"The operations of {missing} could not be counted.")
    if len({table.inputs for table in counted.values()}) > 1:
        return Assessment(
            Ruling.UNDETERMINED, "The models run on inputs of other shapes, so their work does not compare."
        )
    if any(table.lower_bound for table in counted.values()):
        return Assessment(Ruling.UNDETERMINED, "An operator without a formula leaves a total that is a lower bound.")
    fewest = claim.get("fewest")
    least = min(table.flops for name, table in counted.items() if name != fewest)
    said = ", ".join(f"{name} has {table.macs:,} MACs" for name, table in counted.items())
    own = counted[fewest].flops
    first = f"{fewest} needs {own:,} FLOPs at {_input(work)}, where the fewest of the others is {least:,}."
    return Assessment(Ruling.SUPPORTED if own < least else Ruling.REFUTED, f"{first} Of these, {said}.")


def _input(work: OperationEvidence) -> str:
    table = next(table for _, table in work.tables if isinstance(table, FlopTable))
    return ", ".join(map(str, table.inputs))


def evidence(claim: Claim, work: OperationEvidence) -> Evidence:
    """Show the models side by side, with their Hadamard products."""
    counted = [(name, table) for name, table in work.tables if isinstance(table, FlopTable)]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, table.macs, 2 * table.macs, table.flops, table.hadamard) for name, table in counted
    )
    columns = ("MACs", "2 × MACs", "All FLOPs", "Hadamard products")
    note = f"{counted[0][1].convention}. Hadamard products: elements of the second-order terms." if counted else ""
    table = Table("", (Column("Model"), *(Column(title, numeric=True) for title in columns)), rows, note=note)
    bars = tuple(Bar(name, table.flops, marked=name == claim.get("fewest")) for name, table in counted)
    data = {
        "models": [
            {"model": name, "macs": table.macs, "flops": table.flops, "hadamard": table.hadamard}
            for name, table in counted
        ]
    }
    skipped = tuple(table for _, table in work.tables if isinstance(table, Skipped))
    return Evidence((table, Bars("All operations of one forward pass", "FLOPs", bars)), data, skipped)


KIND = Kind(
    "operations",
    "that of the `models` the `fewest` operations are needed by one",
    (Key("models", texts, models=True), Key("fewest", text, models=True)),
    measure,
    judge,
    evidence,
)
