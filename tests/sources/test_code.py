"""The digest of a user's own code: it changes with every file that a network is built from, and with no other."""

import pytest

from diagnose.sources import digest_of_code


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("import torch, layers\nfrom parts import head\n\ndef net(): ...\n")
    (tmp_path / "layers.py").write_text("from deeper.block import Block\n")
    for package in ("parts", "deeper"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "parts" / "head.py").write_text("from . import neck\nfrom .. import outside\n")
    (tmp_path / "parts" / "neck.py").write_text("width = 1\n")
    (tmp_path / "deeper" / "block.py").write_text("Block = 1\n")
    (tmp_path / "unrelated.py").write_text("x = 1\n")
    return tmp_path


MODELS = ("net.py:net", "net.py:net(depth=2)", "net:net")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "edited", ["net.py", "layers.py", "parts/head.py", "parts/neck.py", "parts/__init__.py", "deeper/block.py"]
)
def test_an_edit_of_what_is_imported_is_other_code(files, model, edited):
    before = digest_of_code(model)
    with (files / edited).open("a") as file:
        file.write("# edited\n")
    assert before
    assert digest_of_code(model) != before


@pytest.mark.parametrize("model", MODELS)
def test_other_files_and_places_are_not_its_code(files, model, monkeypatch):
    before = digest_of_code(model)
    (files / "unrelated.py").write_text("x = 2\n")
    assert digest_of_code(model) == before
    assert digest_of_code(str(files / "net.py:net")) == before
    monkeypatch.chdir(files.parent)
    assert digest_of_code(f"{files.name}/net.py:net") == before


def test_a_config_of_ones_own_is_code(files):
    (files / "config.py").write_text("model = {}\n")
    before = digest_of_code("mmpretrain:config.py")
    (files / "config.py").write_text("model = {'type': 'ImageClassifier'}\n")
    assert before != digest_of_code("mmpretrain:config.py")


@pytest.mark.parametrize("model", ["torch", "torchvision:resnet18", "mmpretrain:resnet18_8xb16_cifar10", "nowhere:net"])
def test_what_is_installed_is_no_code_of_ones_own(files, model):
    assert digest_of_code(model) == ""


@pytest.mark.parametrize("text", ["def (", "x = '\0'", "import net\n", "from ...... import far\n", "(" * 5000])
def test_a_file_that_cannot_be_read_as_python_is_told_apart_too(files, text):
    (files / "net.py").write_text(text)
    before = digest_of_code("net.py:net")
    (files / "net.py").write_text(text + "# edited\n")
    assert digest_of_code("net.py:net") != before
    (files / "net.py").unlink()
    assert digest_of_code("net.py:net")  # which building it will refuse
