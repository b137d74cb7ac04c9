"""Errors by kind: each shows its hint and is the same in another process."""

import pickle
import traceback

import pytest

from diagnose.errors import CannotRun, DiagnoseError, MissingDependency, Option, UsageError
from diagnose.networks.consent import ConsentError, Need


@pytest.mark.parametrize("kind", [UsageError, CannotRun, MissingDependency])
def test_every_kind_is_one_of_ours_and_says_what_failed(kind):
    error = kind("It failed.")
    assert isinstance(error, DiagnoseError)
    assert (str(error), error.hint) == ("It failed.", "")


def test_a_hint_spells_its_options_for_python_and_as_somebody_else_asks():
    error = UsageError("No.", hint="{} or {} does {{}}.", options=(Option("micro_batch", 4), Option("engine")))
    assert error.hint == "micro_batch=4 or engine does {}."
    assert error.hint_spelt(lambda option: option.name.upper()) == "MICRO_BATCH or ENGINE does {}."


def test_a_hint_without_options_may_hold_braces():
    assert UsageError("No.", hint="a {b} {}").hint == "a {b} {}"


def test_a_refusal_says_what_is_refused_and_why():
    error = ConsentError(Need.CODE, "`file.py:f`")
    assert isinstance(error, CannotRun)
    assert (error.need, error.what) == (Need.CODE, "`file.py:f`")


def test_a_traceback_shows_the_hint():
    error = UsageError("It failed.", hint="Try this.")
    assert "".join(traceback.format_exception(error)).endswith("It failed.\nTry this.\n")


def test_an_error_is_the_same_in_another_process():
    error = pickle.loads(pickle.dumps(UsageError("It failed.", hint="Try {}.", options=(Option("seed", 1),))))
    assert (type(error), error.hint, error.options) == (UsageError, "Try seed=1.", (Option("seed", 1),))
