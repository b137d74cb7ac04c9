"""From the text a user types to a recipe: a built-in name, a TOML file, or a config of mmpretrain."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from diagnose.errors import DiagnoseError, UsageError, nearest
from diagnose.files import read_text
from diagnose.networks.consent import is_config_file
from diagnose.networks.model_text import parse as parse_model
from diagnose.plugins import defaults, file_of, files
from diagnose.recipes.toml import LONGEST, parse
from diagnose.values import Recipe

PREFIX = "mmpretrain:"
"""What stands before a name of mmpretrain's hub, or a config's path."""


def names() -> tuple[str, ...]:
    """Return the names of the built-in recipes."""
    return tuple(files("recipes"))


def load_both(a: str, b: str) -> tuple[Recipe, Recipe]:
    """Return two recipes; where two files have one name, they are told apart by their paths.

    Raises:
        DiagnoseError: as `load` does.
    """
    recipe_a, recipe_b = load(a), load(b)
    if recipe_a.name == recipe_b.name and a != b:
        return replace(recipe_a, name=a), replace(recipe_b, name=b)
    return recipe_a, recipe_b


def _of_mmpretrain(text: str) -> bool:
    return text.startswith(PREFIX) or text.endswith(".py")


def load_ends(start: str | None, end: str | None) -> tuple[Recipe, Recipe]:
    """Return the recipes between which a probe moves; None stands for that of the built-in case.

    Raises:
        DiagnoseError: as `load` does.
    """
    usual = defaults()
    return load_both(usual.recipe if start is None else start, usual.against if end is None else end)


def is_code(text: str) -> bool:
    """Say whether the recipe that `text` names is a config file of mmpretrain, which is run as code."""
    if not _of_mmpretrain(text) or text in names():
        return False
    try:
        return is_config_file(parse_model(PREFIX + text.removeprefix(PREFIX)))
    except DiagnoseError:
        return False  # `load` will say what is wrong with it


def load(text: str) -> Recipe:
    """Return the recipe that `text` names.

    `text` is one of `names()`, the path of a TOML file, "mmpretrain:" and a name of its hub or the path of a config,
    or that path alone. A config ending in .py is run as code.

    Raises:
        DiagnoseError: there is no such recipe, or it is wrong (exit code 2); the config's code failed (3).
    """
    if (built_in := file_of("recipes", text)) is not None:
        return parse(built_in.read_text("utf-8"), text, text)
    if _of_mmpretrain(text):
        from diagnose.recipes.from_mmpretrain_config import recipe_of

        return recipe_of(text.removeprefix(PREFIX))
    path = Path(text)
    if path.suffix != ".toml" and not os.path.isfile(text):  # noqa: PTH113 which says False of a name that is too long
        known = names()
        hint = nearest(text, known) or f"Built in are {', '.join(known)}; else name a .toml file or mmpretrain:CONFIG."
        raise UsageError(f"There is no recipe {text!r}.", hint=hint)
    return replace(parse(read_text(path, "recipe", most=LONGEST), path.stem, text), text=text)
