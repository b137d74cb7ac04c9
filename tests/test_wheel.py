"""The wheel that a user installs: all package data is in it, and it runs outside the checkout."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "diagnose"

pytestmark = pytest.mark.slow


def _uv():
    found = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".tools" / "bin"))
    if found is None:
        pytest.skip("there is no uv to build the wheel with")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([_uv(), "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Install the wheel alone into a folder, and return a function that runs its script there."""
    target, elsewhere = tmp_path_factory.mktemp("target"), tmp_path_factory.mktemp("elsewhere")
    install = ["pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", target]
    subprocess.run([_uv(), *install, wheel], check=True, timeout=300)

    def run(*arguments, script=target / "bin" / "diagnose"):
        command = [sys.executable, *([script] if script else []), *map(str, arguments)]
        environment = {"PATH": "", "PYTHONPATH": str(target), "HOME": str(elsewhere), "LANG": "C.UTF-8"}
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", cwd=elsewhere, env=environment, timeout=300, check=False
        )

    run.target, run.folder = target, elsewhere
    return run


def test_the_wheel_holds_every_file_of_the_package(wheel):
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if name.startswith("diagnose/")}
    assert packed == {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in files}


def test_the_wheel_names_its_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        assert "License-Expression: Apache-2.0" in archive.read(metadata).decode().splitlines()
        (licence,) = (name for name in archive.namelist() if name.endswith("licenses/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_what_runs_is_what_was_installed(installed):
    done = installed("-c", "import diagnose; print(diagnose.__file__)", script=None)
    assert Path(done.stdout.strip()).is_relative_to(installed.target), done.stderr


def test_it_says_its_version(installed):
    done = installed("--version")
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (done.returncode, done.stdout.strip()) == (0, stated), done.stderr


def test_it_has_the_built_in_recipes(installed):
    done = installed("recipe", "paper", "reproduction", "--format", "json")
    assert done.returncode == 1, done.stderr  # they differ
    assert '"reproduction"' in done.stdout


def test_it_draws_a_report_again(installed):
    report = shutil.copy(ROOT / "reports" / "pinets-table5" / "report.json", installed.folder)
    done = installed("report", "--from", report, "--format", "html")
    assert done.returncode == 0, done.stderr
    assert "</html>" in done.stdout


def test_it_writes_the_template_of_a_case(installed):
    done = installed("report", "--init", "my-case.toml")
    assert done.returncode == 0, done.stderr
    assert (installed.folder / "my-case.toml").read_bytes()
