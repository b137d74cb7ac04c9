"""Every value that crosses a folder: frozen, without torch, with raw numbers and units in the names.

Read this first. A capability measures and returns its own values (`ParamTable`, …), its `report.py` turns them
into a `Report`, and every renderer draws any `Report`.
"""

from __future__ import annotations

from diagnose.values.cases import Case, Claim, Judgement, Ruling
from diagnose.values.diffs import DiffSide, GraphDiff, Proof, WeightMapping, WeightPair
from diagnose.values.findings import Finding, Skipped, Verdict
from diagnose.values.models import InputSpec, ModelRef, Place
from diagnose.values.operations import FlopRow, FlopTable, LayerBytes, Uncounted
from diagnose.values.parameters import (
    BufferRow,
    Candidate,
    GapUnit,
    ParameterGap,
    ParamRow,
    ParamTable,
    Reported,
    Stated,
)
from diagnose.values.probes import Effect, EpochResult, Trial
from diagnose.values.recipes import (
    NOT_STATED,
    Augmentation,
    FieldDiff,
    Normalisation,
    NotStated,
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
    "AlignedTree",
    "Augmentation",
    "Bar",
    "Bars",
    "BufferRow",
    "Candidate",
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
    "GapUnit",
    "GraphDiff",
    "InputSpec",
    "Interval",
    "Intervals",
    "Item",
    "Judgement",
    "LayerBytes",
    "ModelRef",
    "Normalisation",
    "NotStated",
    "ParamRow",
    "ParamTable",
    "ParameterGap",
    "Place",
    "Proof",
    "Prose",
    "Recipe",
    "RecipeDiff",
    "Report",
    "Reported",
    "Ruling",
    "Schedule",
    "Section",
    "Setting",
    "SettingValue",
    "Skipped",
    "Stated",
    "Step",
    "Table",
    "Tone",
    "TreeRow",
    "Trial",
    "Uncounted",
    "Verdict",
    "Waterfall",
    "WeightMapping",
    "WeightPair",
]
