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
