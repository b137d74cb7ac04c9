"""Models from anywhere: MODEL text → `nn.Module`.

    >>> build("torch(blocks=[2, 2, 1, 1])").module

Importing this package loads neither torch nor any library of models; building a model loads what that model needs.
"""

from diagnose.sources.building import build, names, search
from diagnose.sources.catalogue import aliases
from diagnose.sources.code import digest_of_code
from diagnose.sources.origin import Alias, Built, Found
from diagnose.sources.spec import parse

__all__ = ["Alias", "Built", "Found", "aliases", "build", "digest_of_code", "names", "parse", "search"]
