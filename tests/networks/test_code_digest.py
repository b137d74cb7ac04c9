"""The digest of a user's own code: it changes with every file that a network is built from, and with no other."""

import pytest

from diagnose.networks import digest_of_code


@pytest.fixture
def files(tmp_path, monkeypatch):
    texts = {
        "net.py": "import torch, layers\nfrom parts import head\n\ndef net(): ...\n",
        "layers.py": "from deeper.block import Block\n",
        "parts/__init__.py": "",
        "parts/head.py": "from . import neck\nfrom .. import outside\n",
        "parts/neck.py": "width = 1\n",
        "deeper/__init__.py": "",
        "deeper/block.py": "Block = 1\n",
        "unrelated.py": "x = 1\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
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


def test_code_is_found_where_python_finds_it(files, monkeypatch):
    (files / "lib").mkdir()
    (files / "models").mkdir()
    (files / "lib" / "shared.py").write_text("x = 1\n")
    (files / "models" / "own.py").write_text("from lib import shared\nimport far\n")
    elsewhere = files / "elsewhere"
    (elsewhere / "pkg").mkdir(parents=True)
    (elsewhere / "far.py").write_text("x = 1\n")
    (elsewhere / "pkg" / "__init__.py").write_text("from . import part\n")
    (elsewhere / "pkg" / "part.py").write_text("x = 1\n")
    (files / "link.py").symlink_to(files / "models" / "own.py")
    monkeypatch.syspath_prepend(elsewhere)
    models = ("models/own.py:net", "link.py:net", "pkg:net")
    before = [digest_of_code(model) for model in models]
    assert all(before)
    (elsewhere / "pkg" / "part.py").write_text("x = 2\n")
    assert [digest_of_code(model) != old for model, old in zip(models, before, strict=True)] == [False, False, True]
    for edited in (files / "lib" / "shared.py", elsewhere / "far.py"):
        before = [digest_of_code(model) for model in models]
        edited.write_text("x = 2\n")
        assert [digest_of_code(model) != old for model, old in zip(models, before, strict=True)] == [True, True, False]


@pytest.mark.parametrize(
    "inherits",
    ["_base_ = 'bases/net.py'", "_base_ = ['bases/net.py']", "with read_base():\n    from .bases.net import *"],
)
def test_what_a_config_inherits_from_is_its_code(files, inherits):
    (files / "bases").mkdir()
    (files / "bases" / "net.py").write_text("model = {}\n")
    (files / "config.py").write_text(inherits)
    before = digest_of_code("mmpretrain:config.py")
    (files / "bases" / "net.py").write_text("model = {'type': 'ImageClassifier'}\n")
    assert digest_of_code("mmpretrain:config.py") != before


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
