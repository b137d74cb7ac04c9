"""A stated number of parameters against the count."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.case.keys import Key, number, text, word
from diagnose.case.kind import Assessment, Evidence, Kind
from diagnose.case.measurements import Measurements
from diagnose.values import Cell, Claim, Column, ParamTable, Prose, ReportedNumber, Ruling, Table

READINGS = ("rounded", "truncated")


@dataclass(frozen=True, slots=True)
class ParameterCountEvidence:
    """A model's table, and the stated number as the interval it may stand for."""

    model: str
    table: ParamTable
    reported: ReportedNumber


def measure(claim: Claim, measurements: Measurements) -> ParameterCountEvidence:
    """Count the model."""
    from diagnose.params.reported import parse_reported

    return ParameterCountEvidence(
        claim.get("model"), measurements.parameters(claim.get("model")), parse_reported(claim.get("number"))
    )


def judge(claim: Claim, counted: ParameterCountEvidence) -> Assessment:
    """Support the number where the count is one that it may stand for."""
    total, stated = counted.table.total, counted.reported.text
    asked = claim.get("reading", "either")
    readings = counted.reported.readings(total)
    fitting = [reading for reading in readings if asked in ("either", reading)]
    measured = f"{counted.model} has {total:,} parameters"
    if not fitting:
        how = "rounded or truncated" if asked == "either" else asked
        return Assessment(Ruling.REFUTED, f"{measured}, which is not {stated}, {how}.")
    if fitting == ["truncated"]:
        return Assessment(Ruling.SUPPORTED, f"{measured}; {stated} is that number truncated, not rounded.")
    how = "rounded or truncated" if len(fitting) == 2 else fitting[0]
    return Assessment(Ruling.SUPPORTED, f"{measured}; {stated} is that number {how}.")


def evidence(claim: Claim, counted: ParameterCountEvidence) -> Evidence:
    """Show the count by stage, and the two readings of the stated number."""
    table, reported = counted.table, counted.reported
    stages: dict[str, int] = {}
    for row in table.rows:
        stages[row.place.stage] = stages.get(row.place.stage, 0) + row.parameters
    rows: tuple[tuple[Cell, ...], ...] = tuple(stages.items())
    by_stage = Table("", (Column("Stage"), Column("Parameters", numeric=True)), rows, total=("Total", table.total))
    readings = Table(
        "",
        (Column(f"{reported.text} read as"), Column("From", True), Column("To", True), Column("Measured is in it")),
        tuple(
            (name, *getattr(reported, name), "yes" if name in reported.readings(table.total) else "no")
            for name in READINGS
        ),
    )
    data = {"model": counted.model, "total": table.total, "reported": reported.text,
            "readings": list(reported.readings(table.total))}  # fmt: skip
    convention = Prose("Counted are all parameters, a tied one once; buffers (running statistics) are not.")
    return Evidence((readings, by_stage, convention), data, table.skipped)


KIND = Kind(
    "parameter count",
    "that `model` has `number` parameters",
    (Key("model", text, models=True), Key("number", number), Key("reading", word("either", *READINGS), False)),
    measure,
    judge,
    evidence,
)
