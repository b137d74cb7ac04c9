"""A plugin of the user's own: what its hooks bring, and what is said where it is broken."""

import importlib.metadata
import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import diagnose
from diagnose import plugins
from diagnose.errors import DiagnoseError
from diagnose.networks import aliases, build
from diagnose.recipes import load, names

MINE = """
from torch import nn

from diagnose.networks.origins.aliases import AliasEntry
from diagnose.networks.origins.origin import Alias


def aliases():
    return [
        AliasEntry(
            Alias("mine", "my package", "a linear layer"),
            lambda *, width=3: nn.Linear(width, 2),
            lambda options: ((1, options.get("width", 3)),),
        )
    ]
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a plugin with this code until the test is over."""

    def install(code):
        name = f"plugin_{len(code)}"
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        point = EntryPoint("mine", name, plugins.GROUP)
        object.__setattr__(point, "dist", type("Distribution", (), {"name": "my-package"}))
        real = importlib.metadata.entry_points

        def entry_points(**wanted):
            return [point] if wanted.get("group") == plugins.GROUP else real(**wanted)

        monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
        plugins._installed.cache_clear()

    yield install
    plugins._installed.cache_clear()


def test_a_plugin_brings_an_alias_after_the_built_in_ones(plugin):
    before = aliases()
    plugin(MINE)
    assert [alias.name for alias in aliases()] == [*(alias.name for alias in before), "mine"]
    built = build("mine(width=7)")
    assert sum(p.numel() for p in built.module.parameters()) == 16
    assert built.input_shapes == ((1, 7),)
    assert built.origin == "my package"


def test_the_built_in_alias_counts_where_a_plugin_has_its_name(plugin):
    plugin(MINE.replace('"mine"', '"torch"'))
    assert [alias.origin for alias in aliases() if alias.name == "torch"] == ["torchvision"]
    assert build("torch").origin == "torchvision"


def test_a_broken_plugin_is_named_with_its_package(plugin):
    plugin("1 / 0")
    with pytest.raises(DiagnoseError, match=r"plugin_5 cannot be imported: ZeroDivisionError") as caught:
        aliases()
    assert "my-package" in caught.value.hint


RECIPES = """
from pathlib import Path


def recipes():
    here = Path(__file__).with_name("mine.toml")
    here.write_text('title = "t"\\nsource = "s"\\nmomentum = 0.5\\n')
    return {"mine": here, "paper": here}
"""


def test_a_plugin_brings_a_recipe_and_leaves_the_built_in_ones(plugin):
    paper = load("paper")
    plugin(RECIPES)
    assert names()[-1] == "mine"
    assert load("mine").get("momentum") == 0.5
    assert load("paper") == paper


def test_only_the_list_of_plugins_names_the_built_in_case():
    root = Path(diagnose.__file__).parent
    naming = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if path.relative_to(root).parts[0] != "pinets" and re.search(r"diagnose[./]pinets", path.read_text("utf-8"))
    }
    assert naming == {"plugins.py"}
