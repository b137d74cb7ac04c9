"""Every public function has an example, and the examples run."""

import doctest
from importlib import import_module

import pytest

import diagnose

MODULES = (
    "diagnose",
    "diagnose.api.case_files",
    "diagnose.api.counts",
    "diagnose.api.equivalence",
    "diagnose.api.judging",
    "diagnose.api.preprocessing",
    "diagnose.api.scripts",
    "diagnose.api.training",
    "diagnose.testing",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


FUNCTIONS = [getattr(diagnose, name) for name in diagnose.__all__ if name[0].islower()]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_public_function_has_an_example(function):
    assert ">>> " in function.__doc__


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_docstring_names_every_argument(function):
    names = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
    assert [name for name in names if len(names) > 2 and f" {name}: " not in function.__doc__] == []
