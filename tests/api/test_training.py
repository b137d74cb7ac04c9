"""What the front door takes for a recipe of a probe."""

from pathlib import Path

import pytest

import diagnose
from diagnose.errors import UsageError


@pytest.mark.parametrize("recipes", [{"recipe": ""}, {"against": ""}])
def test_an_empty_recipe_is_an_error_and_not_the_built_in_one(recipes: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recipe"):
        diagnose.probe("torch", data="synthetic:200", runs=tmp_path, **recipes)  # type: ignore[arg-type]


def test_no_length_is_an_error_and_not_five_epochs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="length in epochs"):
        diagnose.probe("torch", data="synthetic:200", runs=tmp_path, epochs=())


NET = """
from torch import nn
def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
"""
RECIPE = 'optimizer = "SGD"\nlearning_rate = 0.05\nmomentum = {}\nbatch_size = 50\nepochs = 2\n'
CASE = """
title = "A small net"
summary = "It falls short."
[models]
net = "net.py:net"
[[claim]]
kind = "accuracy"
says = "It reaches less than reported."
model = "net"
reported = 90.0
reproduced = 80.0
recipe = "mine.toml"
against = "theirs.toml"
"""


@pytest.mark.slow
def test_the_trials_that_a_case_asks_for_are_run_kept_and_judged_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    texts = {"net.py": NET, "case.toml": CASE, "mine.toml": RECIPE.format(0.0), "theirs.toml": RECIPE.format(0.9)}
    for name, text in texts.items():
        Path(name).write_text(text)
    (effects,) = diagnose.probe_case("case.toml", trust=True, data="synthetic:300", seeds=2, budget=None, runs="runs")
    assert {trial.accuracy is not None for trial in effects.trials} == {True}
    kept = diagnose.keep_trials("case.toml", "kept.json", runs="runs", trust=True)
    assert 2 * 4 <= kept <= len(effects.trained)  # two arms that state the same share their trials
    (claim,) = diagnose.judge("case.toml", trust=True, runs="runs").data["claims"]
    assert claim["evidence"]["other_trials"] >= 2 * 3
