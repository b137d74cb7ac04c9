"""Networks: a MODEL text becomes an `nn.Module`, and what can be said of a module before anything runs.

    >>> build("torch(blocks=[2, 2, 1, 1])").module

1. `model_text` parses the text into a `ModelRef`; nothing is imported for it.
2. `origins.registry` names the origin of each kind of model; an origin is one file of `origins`. A module that the
   caller has built already comes through `live`.
3. `build` lets the origin construct the network, by default without weights (`meta`). `process_state` restores what
   the model's code may have changed, and `build_errors` turns its exceptions into one clear error.
4. `inputs` chooses the tensors of a forward pass. `anatomy` finds stem, stages, blocks and head in the module tree.

`find` searches aliases and names by words. `code_digest` tells when the user's own code was edited.
`consent` holds what the user has allowed where code would run or something would be fetched.

Importing this package loads neither torch nor any library of models; building a model loads what that model needs.
"""

from diagnose.networks.build import build
from diagnose.networks.code_digest import digest_of_code
from diagnose.networks.find import search
from diagnose.networks.model_text import parse
from diagnose.networks.origins.aliases import aliases
from diagnose.networks.origins.origin import Alias, BuiltModel, SearchResult
from diagnose.networks.origins.registry import names

__all__ = ["Alias", "BuiltModel", "SearchResult", "aliases", "build", "digest_of_code", "names", "parse", "search"]
