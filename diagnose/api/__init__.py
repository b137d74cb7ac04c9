"""The front door for Python: what the command line does, for live modules and MODEL texts alike.

    given.py        what a caller gives: modules, texts, inputs; and the state of his that is kept as it is
    drawable.py     what every result can do: the terminal's text, the page, JSON, rows
    equivalence.py  compare                      counts.py    count_parameters, explain_parameters, count_operations
    training.py     compare_recipes, probe       judging.py   judge, probe_case, keep_trials, find_models
    case_files.py   case_template, read_report   scripts.py    watch_script
    preprocessing.py   compare_pipelines, examine_pipeline

Importing this package loads neither torch nor what draws; calling a function loads what it needs.
"""

from __future__ import annotations

from diagnose.api.case_files import WrittenReport, case_template, read_report
from diagnose.api.count_results import OperationCount, ParameterCount, ParameterExplanation
from diagnose.api.counts import count_operations, count_parameters, explain_parameters
from diagnose.api.drawable import Drawable
from diagnose.api.equivalence import Mode, NetworkComparison, compare
from diagnose.api.given import Inputs, Network, Progress
from diagnose.api.judging import CaseJudgement, ModelList, find_models, judge, keep_trials, probe_case
from diagnose.api.preprocessing import PipelineCheck, PipelineComparison, compare_pipelines, examine_pipeline
from diagnose.api.scripts import ScriptObservation, watch_script
from diagnose.api.training import ProbeEffects, RecipeComparison, RecipeFields, compare_recipes, probe, read_recipe

__all__ = [
    "CaseJudgement",
    "Drawable",
    "Inputs",
    "Mode",
    "ModelList",
    "Network",
    "NetworkComparison",
    "OperationCount",
    "ParameterCount",
    "ParameterExplanation",
    "PipelineCheck",
    "PipelineComparison",
    "ProbeEffects",
    "Progress",
    "RecipeComparison",
    "RecipeFields",
    "ScriptObservation",
    "WrittenReport",
    "case_template",
    "compare",
    "compare_pipelines",
    "compare_recipes",
    "count_operations",
    "count_parameters",
    "examine_pipeline",
    "explain_parameters",
    "find_models",
    "judge",
    "keep_trials",
    "probe",
    "probe_case",
    "read_recipe",
    "read_report",
    "watch_script",
]
