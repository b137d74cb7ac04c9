"""Training recipes as data: read from TOML or from mmpretrain's configs, and compared field by field.

    >>> compare(load("paper"), load("reproduction")).findings

1. `load` finds a recipe by what the user typed: the name of a recipe that a plugin brings, a TOML file (`toml`), or a
   config of mmpretrain (`from_mmpretrain_config`), whose `watched_keys` note what no field holds.
2. `fields` lists the fields of a recipe: what each may be set to and why it matters.
3. `compare_recipes` compares two recipes field by field and checks what is doubtful in either alone.
4. `report` turns the comparison, or one recipe, into a `Report`.

Nothing here imports torch; an mmpretrain recipe loads mmpretrain when it is asked for.
"""

from diagnose.recipes.compare_recipes import compare
from diagnose.recipes.load import load, load_both, load_ends, names

__all__ = ["compare", "load", "load_both", "load_ends", "names"]
