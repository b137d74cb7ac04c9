"""Every value that crosses a folder: frozen, without torch, with raw numbers and units in the names.

Read this first. A capability measures and returns its own values (`ParamTable`, …), its `report.py` turns them
into a `Report`, and every renderer draws any `Report`.
"""

from __future__ import annotations

from diagnose.values.cases import Case, Claim, JudgedClaim, Ruling
from diagnose.values.diffs import DiffSide, GraphDiff, Proof, WeightMapping, WeightPair
from diagnose.values.findings import Finding, Significance, Skipped
from diagnose.values.models import InputSpec, ModelRef, Place
from diagnose.values.operations import FlopRow, FlopTable, LayerBytes, UncountedOperator
from diagnose.values.parameters import (
    BufferRow,
    GapSolution,
    GapUnit,
    ParameterGap,
    ParamRow,
    ParamTable,
    ReportedNumber,
    StatedFact,
)
from diagnose.values.probes import Effect, EpochResult, Trial
from diagnose.values.recipes import (
    NOT_STATED,
    Absence,
    Augmentation,
    FieldDiff,
    Normalisation,
    Recipe,
    RecipeDiff,
    Schedule,
    Setting,
    SettingValue,
)
from diagnose.values.reports import (
    AlignedTree,
    Bar,
    Bars,
    Cell,
    Column,
    Curve,
    Curves,
    Figure,
    Interval,
    Intervals,
    Item,
    Prose,
    Report,
    Section,
    Step,
    Table,
    Tone,
    TreeRow,
    Waterfall,
)

__all__ = [
    "NOT_STATED",
    "Absence",
    "AlignedTree",
    "Augmentation",
    "Bar",
    "Bars",
    "BufferRow",
    "Case",
    "Cell",
    "Claim",
    "Column",
    "Curve",
    "Curves",
    "DiffSide",
    "Effect",
    "EpochResult",
    "FieldDiff",
    "Figure",
    "Finding",
    "FlopRow",
    "FlopTable",
    "GapSolution",
    "GapUnit",
    "GraphDiff",
    "InputSpec",
    "Interval",
    "Intervals",
    "Item",
    "JudgedClaim",
    "LayerBytes",
    "ModelRef",
    "Normalisation",
    "ParamRow",
    "ParamTable",
    "ParameterGap",
    "Place",
    "Proof",
    "Prose",
    "Recipe",
    "RecipeDiff",
    "Report",
    "ReportedNumber",
    "Ruling",
    "Schedule",
    "Section",
    "Setting",
    "SettingValue",
    "Significance",
    "Skipped",
    "StatedFact",
    "Step",
    "Table",
    "Tone",
    "TreeRow",
    "Trial",
    "UncountedOperator",
    "Waterfall",
    "WeightMapping",
    "WeightPair",
]
