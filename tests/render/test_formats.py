import subprocess
import sys

import pytest

from diagnose.errors import DiagnoseError, UsageError
from diagnose.render import FORMATS, render
from diagnose.values import Report


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_draws_the_report(form: str, params_report: Report) -> None:
    text = render(params_report, form)
    assert "5,274,954" in text or "5274954" in text
    assert text.endswith("\n")


def test_a_wrong_format_names_the_right_one(params_report: Report) -> None:
    with pytest.raises(DiagnoseError, match="no format 'markdwon'") as error:
        render(params_report, "markdwon")
    assert error.value.hint == "Did you mean markdown?"
    assert isinstance(error.value, UsageError)


def test_the_table_of_formats_loads_no_renderer() -> None:
    code = "import sys, diagnose.render; print([m for m in ('rich', 'jinja2', 'torch', 'json') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
