"""Networks: a MODEL text becomes an `nn.Module`, and what can be said of a module before anything runs.

    >>> build("torch(blocks=[2, 2, 1, 1])").module

1. `model_text` parses the text into a `ModelRef`; nothing is imported for it.
2. `registry` names the origin of each kind of model. An origin is one file with an `ORIGIN` object (`origin.Origin`):
   `aliases`, `from_torchvision`, `from_timm`, `from_mmpretrain`, `from_user_code`.
3. `build` lets the origin construct the network, by default without weights (`meta`). `process_state` restores what
   the model's code may have changed, and `build_errors` turns its exceptions into one clear error.
4. `inputs` chooses the tensors of a forward pass. `anatomy` finds stem, stages, blocks and head in the module tree.

`find` searches aliases and names by words. `code_digest` tells when the user's own code was edited.
`consent` holds what the user has allowed where code would run or something would be fetched. `registered` tells what
mmengine may build without that.

Importing this package loads neither torch nor any library of models; building a model loads what that model needs.
"""

from diagnose.networks.aliases import aliases
from diagnose.networks.build import build
from diagnose.networks.code_digest import digest_of_code
from diagnose.networks.find import search
from diagnose.networks.model_text import parse
from diagnose.networks.origin import Alias, BuiltModel, SearchResult
from diagnose.networks.registry import names

__all__ = ["Alias", "BuiltModel", "SearchResult", "aliases", "build", "digest_of_code", "names", "parse", "search"]
