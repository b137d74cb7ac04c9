"""Training recipes as data: read from TOML or from mmpretrain's configs, and compared field by field.

    >>> compare(load("paper"), load("reproduction")).findings

Nothing here imports torch; an mmpretrain recipe loads mmpretrain when it is asked for.
"""

from diagnose.recipe.compare import compare
from diagnose.recipe.load import load, load_both, names

__all__ = ["compare", "load", "load_both", "names"]
