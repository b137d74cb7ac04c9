"""Importing is cheap, and `diagnose.probe` is the function whatever has been imported."""

import subprocess
import sys

import pytest

import diagnose

HEAVY = ("torch", "numpy", "typer", "rich", "jinja2", "mmpretrain", "timm", "networkx")


def in_a_fresh_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["diagnose", "diagnose.api", "diagnose.testing", "diagnose.pytest_plugin"])
def test_an_import_loads_nothing_heavy(module):
    assert in_a_fresh_process(f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])") == "[]"


def test_every_public_name_is_there():
    assert all(getattr(diagnose, name) is not None for name in diagnose.__all__)
    assert set(diagnose.__all__) <= set(dir(diagnose))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'comparr'"):
        _ = diagnose.comparr


@pytest.mark.parametrize(
    "code",
    [
        "import diagnose.probe.report; from diagnose import probe; print(callable(probe))",
        "import diagnose; diagnose.probe; import diagnose.probe.report; print(callable(diagnose.probe))",
        "import diagnose; import diagnose.probe.report; print(callable(diagnose.probe))",
    ],
)
def test_probe_is_the_function_also_after_its_package_was_imported(code):
    assert in_a_fresh_process(code) == "True"
