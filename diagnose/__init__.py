"""A reproduction debugger for PyTorch models.

    >>> import diagnose
    >>> from torch import nn
    >>> diagnose.count_parameters(nn.Linear(784, 10), inputs="1x784").total
    7850

Importing it loads neither torch nor the command line: each name is loaded when it is asked for.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as type checkers know it; the command's start imports this file first and waits for no library
if TYPE_CHECKING:
    from typing import Any

    from diagnose.api import Inputs as Inputs
    from diagnose.api import Network as Network
    from diagnose.api import NetworkComparison as NetworkComparison
    from diagnose.api import OperationCount as OperationCount
    from diagnose.api import ParameterCount as ParameterCount
    from diagnose.api import ParameterExplanation as ParameterExplanation
    from diagnose.api import case_template as case_template
    from diagnose.api import compare as compare
    from diagnose.api import compare_pipelines as compare_pipelines
    from diagnose.api import compare_recipes as compare_recipes
    from diagnose.api import count_operations as count_operations
    from diagnose.api import count_parameters as count_parameters
    from diagnose.api import examine_pipeline as examine_pipeline
    from diagnose.api import explain_parameters as explain_parameters
    from diagnose.api import find_models as find_models
    from diagnose.api import judge as judge
    from diagnose.api import keep_trials as keep_trials
    from diagnose.api import probe as probe
    from diagnose.api import probe_case as probe_case
    from diagnose.api import read_recipe as read_recipe
    from diagnose.api import read_report as read_report
    from diagnose.api import watch_script as watch_script
    from diagnose.errors import CannotRun as CannotRun
    from diagnose.errors import DiagnoseError as DiagnoseError
    from diagnose.errors import MissingDependency as MissingDependency
    from diagnose.errors import UsageError as UsageError

_ERRORS = ("CannotRun", "DiagnoseError", "MissingDependency", "UsageError")

__all__ = [  # noqa: RUF022 - in the order in which they are explained
    "compare",
    "count_parameters",
    "explain_parameters",
    "count_operations",
    "compare_recipes",
    "read_recipe",
    "watch_script",
    "compare_pipelines",
    "examine_pipeline",
    "probe",
    "judge",
    "probe_case",
    "keep_trials",
    "case_template",
    "read_report",
    "find_models",
    "Inputs",
    "Network",
    "NetworkComparison",
    "OperationCount",
    "ParameterCount",
    "ParameterExplanation",
    "DiagnoseError",
    "UsageError",
    "CannotRun",
    "MissingDependency",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module("diagnose.errors" if name in _ERRORS else "diagnose.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Front(type(sys)):  # type: ignore[misc]
    """This module, in which `probe` stays the function when Python has imported the package of the same name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name == "probe" and isinstance(value, type(sys))):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Front
