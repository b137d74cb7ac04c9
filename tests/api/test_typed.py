"""A user's file is checked by mypy in strict mode against the package's types."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).with_name("user_example.py")

WRONG = 'import diagnose\n\ndiagnose.compare("torch", "mm", mode="test")\n'


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What mypy says of the example, and of a call that is wrong."""
    folder = tmp_path_factory.mktemp("mypy")
    config, wrong = folder / "mypy.ini", folder / "wrong.py"
    # torch's own types take minutes, and are not what is tested.
    config.write_text("[mypy]\nfollow_imports = silent\n[mypy-torch.*,numpy.*]\nfollow_imports = skip\n")
    wrong.write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(config), "--cache-dir", str(folder)]
    return subprocess.run(
        [*command, str(EXAMPLE), str(wrong)], capture_output=True, encoding="utf-8", check=False
    ).stdout


@pytest.mark.slow
def test_a_users_file_passes_in_strict_mode(told):
    assert EXAMPLE.name not in told


@pytest.mark.slow
def test_a_wrong_mode_is_an_error_of_types(told):
    assert '"mode"' in told
    assert "Literal['eval', 'train', 'both']" in told


def test_the_package_says_that_it_is_typed():
    assert files("diagnose").joinpath("py.typed").is_file()
