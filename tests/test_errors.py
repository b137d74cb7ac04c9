"""Errors by kind: each has its exit code, shows its hint, and is the same in another process."""

import pickle
import traceback

import pytest

from diagnose.errors import COULD_NOT_RUN, USAGE, CannotRun, DiagnoseError, MissingDependency, UsageError
from diagnose.networks.consent import ConsentError, Need


@pytest.mark.parametrize(
    ("kind", "code"), [(UsageError, USAGE), (CannotRun, COULD_NOT_RUN), (MissingDependency, USAGE)]
)
def test_a_kind_has_its_exit_code(kind, code):
    error = kind("It failed.")
    assert isinstance(error, DiagnoseError)
    assert (error.exit_code, str(error), error.hint) == (code, "It failed.", "")


def test_a_refusal_says_what_is_refused_and_why():
    error = ConsentError(Need.CODE, "`file.py:f`")
    assert isinstance(error, CannotRun)
    assert (error.need, error.what) == (Need.CODE, "`file.py:f`")


def test_a_traceback_shows_the_hint():
    error = UsageError("It failed.", hint="Try this.")
    assert "".join(traceback.format_exception(error)).endswith("It failed.\nTry this.\n")


def test_an_error_is_the_same_in_another_process():
    error = pickle.loads(pickle.dumps(UsageError("It failed.", hint="Try this.")))
    assert (type(error), error.hint, error.exit_code) == (UsageError, "Try this.", USAGE)
